"""Workers as actors of Ray, each a process on some machine of a cluster."""

from __future__ import annotations

import contextlib
import itertools
import os
import pickle
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from selfplay.system.ray_cluster import Cluster, Node
from selfplay.system.workers import EndedError, Work, WorkerPool, answered

_TOLD = 200  # characters of Ray's own account of a death


class Published(NamedTuple):
    """A task that all workers do once, the latest only."""

    number: int  # of those that were published, from 1
    task: list[Any]  # its one element stands for it: what is in a list is fetched when it is needed


NOTHING = Published(0, [])


def publish(number: int, task: Any) -> Published:
    return Published(number, [ray.put(task)])


class RayWorker:
    """One worker: an actor that does one task after the other, in the order of asking."""

    def __init__(
        self, started: bytes, node: str | None = None, cores: int = 0, gpus: int = 0
    ) -> None:
        """``started``: (begin, arguments), pickled; it calls ``begin(halted, *arguments)``.

        ``node``: where it is to be (None: where there is room), and nowhere else; ``cores`` and
        ``gpus`` are its own as long as it lives.
        """
        where: Any = "SPREAD"
        if node is not None:
            where = NodeAffinitySchedulingStrategy(node, soft=False)
        kind = ray.remote(
            num_cpus=cores, num_gpus=gpus, max_restarts=0, max_task_retries=0,
            concurrency_groups={"aside": 1}, scheduling_strategy=where,
        )(_Worker)  # fmt: skip
        self._actor = kind.remote(started, os.getcwd(), sys.path)
        self._pid = self._aside("pid")

    def ask(self, task: Any, published: Published = NOTHING) -> Any:
        """Gives it a task; what comes back stands for the answer.

        What was ``published`` is done before, unless that or a later one has been done.
        """
        return self._actor.do.remote(published, task)

    def tell(self, published: Published) -> None:
        """What it does before its next task too, though that was asked before."""
        self._aside("tell", published)

    def pid(self, seconds: float | None = None) -> int | None:
        """Its process on its machine; None where none has started after ``seconds``."""
        try:
            return int(ray.get(self._pid, timeout=seconds))
        except ray.exceptions.RayError:
            return None

    def halt(self) -> None:
        self._aside("halt")

    def _aside(self, method: str, *arguments: Any) -> Any:
        """Has it done while the worker is at a task."""
        return getattr(self._actor, method).options(concurrency_group="aside").remote(*arguments)

    def kill(self) -> None:
        """Ends it at once; what it is at is lost."""
        with contextlib.suppress(ray.exceptions.RayError):
            ray.kill(self._actor)


def ready(asked: Sequence[Any], seconds: float | None = None) -> list[Any]:
    """Those of ``asked`` that are answered; waits for one, ``seconds`` at most."""
    if not asked:
        return []
    done, _ = ray.wait(list(asked), num_returns=1, timeout=seconds)
    more, _ = ray.wait(list(asked), num_returns=len(asked), timeout=0)
    return [each for each in asked if each in done or each in more]


def answer(asked: Any) -> Any:
    """The answer that ``asked`` stands for, an exception where the work raised one.

    EndedError where the worker died, or its machine with the answer.  Raises what ``begin`` raised.
    """
    try:
        begun, value = ray.get(asked)
    except ray.exceptions.RayTaskError as error:
        reason = str(error).strip().splitlines()[-1]
        raise ValueError(f"a worker of Ray cannot load what it needs ({reason})") from error
    except ray.exceptions.RayError as error:
        told = " ".join(str(error).split())[:_TOLD]
        return EndedError(f"its process ended ({told or type(error).__name__})")
    if not begun:
        raise value
    return value


class RayWorkers(WorkerPool):
    """``count`` workers on the machines of a cluster, as many on each as its cores make it."""

    def __init__(
        self, cluster: Cluster, count: int, begin: Callable[..., Work], *arguments: Any
    ) -> None:
        self._cluster = cluster
        self._started = pickle.dumps((begin, arguments))
        self._published = NOTHING
        self._nodes = itertools.cycle(_by_cores(cluster.nodes()))
        self.busy: dict[Any, tuple[RayWorker, Any]] = {}
        super().__init__(count)

    def _start(self) -> RayWorker:
        alive = {node.id for node in self._cluster.nodes()}
        node = next(self._nodes)
        return RayWorker(self._started, node if node in alive else None)

    def publish(self, task: Any) -> None:
        self._published = publish(self._published.number + 1, task)

    def give(self, task: Any, name: Any = None) -> None:
        worker = self._idle.pop() if self._idle else self._new()
        self.busy[worker.ask(task, self._published)] = worker, task if name is None else name

    def answers(self, seconds: float | None = None) -> Iterator[tuple[Any, Any]]:
        for asked in ready(list(self.busy), seconds):
            worker, task = self.busy.pop(asked)
            value = answer(asked)
            if isinstance(value, EndedError):
                self._alive.remove(worker)
            else:
                self._idle.append(worker)
            yield task, value

    def halt(self) -> None:
        for worker in list(self._alive):
            worker.halt()

    def close(self) -> None:
        self.kill()
        self._alive.clear()
        self._idle.clear()
        self.busy.clear()
        self._cluster.close()


def _by_cores(nodes: Sequence[Node]) -> list[str]:
    """Each machine as often as it has cores, in turns."""
    most = max(node.cores for node in nodes)
    return [node.id for turn in range(max(1, most)) for node in nodes if turn < max(1, node.cores)]


class _Worker:
    """What runs in the process of a worker."""

    def __init__(self, started: bytes, folder: str, path: list[str]) -> None:
        """``folder`` and ``path``: where the process that asks works, and imports from."""
        self._started = started
        self._halted = threading.Event()
        self._work: Work | None = None
        self._told = NOTHING
        self._done = 0  # number of the latest that was published
        self._failed: Exception | None = None  # that could not be done
        if os.path.isdir(folder):  # a game of the user's lies there
            os.chdir(folder)
        # nobody but a game of the user's imports from there, whatever Ray thinks
        own = [each for each in sys.path if each != folder or each in path]
        sys.path[:] = [*own, *(each for each in path if each not in own and os.path.exists(each))]
        # processes that this one starts would run Ray's program again
        vars(sys.modules["__main__"]).pop("__file__", None)

    def do(self, published: Published, task: Any) -> tuple[bool, Any]:
        """Whether it could begin, and the answer, or why not."""
        if self._work is None:
            try:
                begin, arguments = pickle.loads(self._started)
                self._work = begin(self._halted.is_set, *arguments)
            except (ValueError, OSError) as error:
                return False, error
            except Exception as error:  # a user's module, say, that is not on this machine
                reason = f"{type(error).__name__}: {error}"
                told = f"another process cannot load what it needs ({reason})"
                return False, ValueError(told)
        latest = max(published, self._told, key=lambda each: each.number)
        if latest.number > self._done:
            self._done = latest.number
            value = answered(self._work, ray.get(latest.task[0]))
            self._failed = value if isinstance(value, Exception) else None
        return True, answered(self._work, task) if self._failed is None else self._failed

    def tell(self, published: Published) -> None:
        self._told = published

    def halt(self) -> None:
        self._halted.set()

    def pid(self) -> int:
        return os.getpid()
