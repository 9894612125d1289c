"""The machines that this process has by Ray: this one alone, or those of a cluster.

Ray is imported here and in ``ray_workers`` only, and only by who asks for it.
"""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import shutil
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from selfplay.system.cores import core_count
from selfplay.system.workers import FOR_THE_LEADER

_PATIENCE_S = 5.0  # for the cluster to answer at all
_LOCAL = {  # what Ray is to do where it is started here; it reads this when it is imported
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # as there, on every system: listen on 127.0.0.1
    "RAY_AUTH_MODE": "token",  # other users of this machine reach that too
}
_lock = threading.Lock()
_now: Cluster | None = None


class Node(NamedTuple):
    """A machine."""

    id: str
    cores: int
    gpus: int


class Cluster:
    """What this process is connected to, for as long as somebody uses it."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._users = 0
        self._folder: Path | None = None
        ray = sys.modules.get("ray")
        self.own = ray is None or not ray.is_initialized()  # else whoever has joined it leaves it

    def nodes(self) -> list[Node]:
        """Its machines, the largest first."""
        import ray

        alive = [node for node in ray.nodes() if node["Alive"]]
        if not self.address:
            return [Node(alive[0]["NodeID"], core_count(), _own_gpus())]
        found = [
            Node(node["NodeID"], int(having.get("CPU", 0)), int(having.get("GPU", 0)))
            for node in alive
            if (having := node["Resources"])
        ]
        return sorted(found, key=lambda node: (-node.gpus, -node.cores, node.id))

    def close(self) -> None:
        """Says that one who has asked for it needs it no more; the last one's word ends it."""
        global _now
        with _lock:
            self._users -= 1
            if not self._users:
                _now = None
                self.end()

    def end(self) -> None:
        """Leaves it; one that was started here ends with all that it has written."""
        if self.own and (ray := sys.modules.get("ray")):
            ray.shutdown()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)


def connect(address: str) -> Cluster:
    """The cluster at ``address``; "": one on this machine alone, started where it is not there.

    A process is connected to one cluster at a time.  Raises ValueError with a sentence where it
    cannot be, ImportError without Ray.
    """
    global _now
    with _lock:
        if _now is None:
            cluster = Cluster(address)
            try:
                if cluster.own:
                    with _left_to_this_process():
                        _join(address) if address else _start(cluster)
                    _silence()
            except BaseException:  # Ctrl-C too, which was held back until here
                cluster.end()
                raise
            _now = cluster
        elif _now.address != address:
            raise ValueError(
                f"this process is connected to the Ray cluster at {_now.address or 'home'!r} and "
                f"cannot join another at {address or 'home'!r}; use one address"
            )
        _now._users += 1
        return _now


def _start(cluster: Cluster) -> None:
    """A cluster of this machine, which dies with this process."""
    if "ray" not in sys.modules:  # or who has imported it has chosen
        for name, value in _LOCAL.items():
            os.environ.setdefault(name, value)
        if os.environ["RAY_AUTH_MODE"] == "token":  # or Ray would write one into the home folder
            os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
    import ray

    # sockets in it may have no long names
    parent = "/tmp" if os.path.isdir("/tmp") else None
    cluster._folder = Path(tempfile.mkdtemp(prefix=f"selfplay-ray-{os.getpid()}-", dir=parent))
    try:
        ray.init(
            num_cpus=0,  # who works here is counted by who asks for it
            num_gpus=_own_gpus(),
            include_dashboard=False,
            log_to_driver=False,
            logging_level=logging.ERROR,
            _temp_dir=str(cluster._folder),
        )
    except Exception as error:  # Ray raises plain ones too
        raise ValueError(
            f"Ray does not start on this machine ({_first_line(error)}); try again, or without it: "
            "backend.kind=processes"
        ) from error


def _join(address: str) -> None:
    import ray

    found = address if address != "auto" else _this_machines()
    host, _, port = found.rpartition(":")
    try:
        if not host or not port.isdecimal():
            raise ValueError("an address is HOST:PORT")
        socket.create_connection((host, int(port)), _PATIENCE_S).close()
    except (OSError, ValueError, OverflowError) as error:
        raise ValueError(
            f"no Ray cluster answers at {found!r} ({error}); start one with 'ray start --head' and "
            "give its address, such as backend.address=10.0.0.1:6379"
        ) from error
    try:
        ray.init(address=found, log_to_driver=False, logging_level=logging.ERROR)
    except Exception as error:  # Ray raises plain ones too
        raise ValueError(
            f"this machine is no part of a Ray cluster at {address!r} ({_first_line(error)}); join "
            "it with 'ray start --address=...', or leave backend.address away"
        ) from error


def _this_machines() -> str:
    """The address of the cluster that this machine was last made a part of.

    Ray's own "auto" may find one that another process keeps to itself, and wait for it.
    """
    from ray._private.services import find_bootstrap_address

    found = os.environ.get("RAY_ADDRESS") or find_bootstrap_address(None)
    if not found:
        raise ValueError(
            "backend.address=auto, and this machine is no part of a Ray cluster; start one with "
            "'ray start --head', join one with 'ray start --address=...', or leave "
            "backend.address away"
        )
    return str(found)


@contextlib.contextmanager
def _left_to_this_process() -> Iterator[None]:
    """Ctrl-C and a terminal that closes are not heard by what is started meanwhile.

    Nor do this process's own answers to signals change.
    """
    in_main = threading.current_thread() is threading.main_thread()
    handler = signal.getsignal(signal.SIGTERM)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, FOR_THE_LEADER)
    try:
        yield
    finally:
        if in_main:
            signal.signal(signal.SIGTERM, handler)  # Ray takes it
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _silence() -> None:
    """Ray prints no accounts of deaths into a training's screen: who asked for an answer hears."""
    import ray._private.worker

    ray._private.worker._worker_logs_enabled = False  # the switch of its debugger


def _own_gpus() -> int:
    import torch

    return torch.cuda.device_count()


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__
