"""Actors that Ray keeps, for minutes: places killed over and over, machines that go, memory."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from program import begun, wait_until
from small_games import GAME, a_setup
from test_ray import fellows, references
from tiny_runs import TINY

from selfplay import arrays
from selfplay.actors import Ray
from selfplay.config import parse_config
from selfplay.nets import Mlp
from selfplay.regimes.ledger import Progress
from selfplay.regimes.selfplay import SelfPlayLoop
from selfplay.search import Gumbel
from selfplay.system import ray_cluster
from selfplay.training.folder import RunFolder
from selfplay.training.metrics_file import read_metrics
from selfplay.training.run import Training

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="needs Ray"),
]


@pytest.fixture
def cluster() -> Iterator[ray_cluster.Cluster]:
    cluster = ray_cluster.connect("")
    yield cluster
    cluster.close()


@pytest.mark.timeout(1200)
@pytest.mark.usefixtures("cluster")
@pytest.mark.parametrize("order", ["places", "any"])
def test_a_run_ends_though_a_place_is_killed_every_five_seconds(
    order: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For a minute: enough positions, learned as often as configured, and every death counted.

    The run ends when it has played once more after the last of them.
    """
    config = parse_config({
        **TINY,
        "actor": {"games": 64, "threads": 2},
        "regime": {"kind": "selfplay", "positions": 2000},
        "backend": {"kind": "ray", "places": 2, "order": order},
        "budget": {"seconds": 1e6},
    })  # fmt: skip
    over, ended = threading.Event(), threading.Event()
    monkeypatch.setattr(Progress, "share", lambda self: float(over.is_set()))
    training = Training(RunFolder(tmp_path), config)
    loop, ledger = training.loop, training.parts.ledger
    assert isinstance(loop, SelfPlayLoop)
    places: Any = loop._actors._places  # type: ignore[attr-defined]
    kills = 0

    def kill() -> None:
        nonlocal kills
        until = time.monotonic() + 60
        while not ended.wait(5) and time.monotonic() < until:
            place = places[kills % 2]
            if place.begun and place._lives == 3:  # has played since it was killed
                os.kill(place.worker.pid(), signal.SIGKILL)
                kills += 1
        last = ledger.iteration + 2  # one that begins after the last death
        while ledger.iteration < last and not ended.wait(0.1):
            pass
        over.set()

    killing = threading.Thread(target=kill)
    killing.start()
    try:
        assert training.run().finished
    finally:
        ended.set()
        killing.join()
    lines = read_metrics(tmp_path)
    played = [line for line in lines if line["phase"] == "selfplay"]
    learned = [line for line in lines if line["phase"] == "learn"]
    assert kills >= 2  # a dozen where nothing else runs
    assert sum(line["selfplay/lost"] for line in played) == kills
    steps = [line["step"] for line in played]
    assert min(after - before for before, after in zip([0, *steps], steps, strict=False)) >= 2000
    reuse = config.learner.reuse
    assert learned[-1]["learn/reuse"] == pytest.approx(reuse, rel=0.05)
    print(f"{order}: {kills} kills, {len(played)} iterations, {learned[-1]['learn/reuse']:.3f}")


@pytest.mark.timeout(1800)
@pytest.mark.usefixtures("cluster")
@pytest.mark.parametrize("order", ["places", "any"])
def test_memory_does_not_grow(order: str) -> None:
    """Over 500 collects of 200 KB or more: of this process, of the places, of the object store."""
    net = Mlp(width=16, layers=1).build(GAME)
    setup = a_setup(net, 7, 2)._replace(search=Gumbel(simulations=2))
    ray = Ray(places=2, order=order).make_actors(setup, net, 7)
    try:
        sizes: list[list[int]] = []
        for i in range(500):
            harvest = ray.collect(net, 2000)[0]
            if i in (100, 499):
                pids = [os.getpid(), *(place.worker.pid() for place in ray._places)]
                resident = [resident_bytes(pid) for pid in pids]
                sizes.append([*resident, references(), stored_bytes()])
        assert arrays.bytes_of(harvest.samples) >= 200_000
    finally:
        ray.close()
    for early, late in zip(*sizes, strict=True):
        assert late <= early * 1.1 + 20e6, sizes
    assert sizes[1][-2] <= 2 * (2 + 2) + 1


def resident_bytes(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def stored_bytes() -> int:
    """What Ray's object store holds."""
    import ray
    from ray._private.internal_api import node_stats

    (node,) = (node for node in ray.nodes() if node["Alive"])
    stats = node_stats(node["NodeManagerAddress"], node["NodeManagerPort"], False)
    return int(stats.store_stats.object_store_bytes_used)


def test_nothing_outlives_a_driver_that_is_killed(tmp_path: Path) -> None:
    recipe = tmp_path / "tiny.toml"
    recipe.write_text("""game = "tictactoe"
[net]
kind = "mlp"
[backend]
kind = "ray"
places = 2
cores = 2
""")
    process = begun(tmp_path, "train", str(recipe), "--out", "run")
    try:
        wait_until(lambda: any(line["phase"] == "learn" for line in read_metrics(tmp_path / "run")))
    finally:
        process.kill()
    process.communicate(timeout=60)
    wait_until(lambda: not fellows(process.pid, b"ray::_Worker"), 10)
    wait_until(lambda: not fellows(process.pid), 150)  # two of Ray's own take a minute


MACHINES = """
import os, time
os.environ["RAY_AUTH_MODE"] = "disabled"
os.environ["RAY_health_check_period_ms"] = "500"
from ray.cluster_utils import Cluster
from small_games import a_net, a_setup
from selfplay.actors import Ray

machines = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
first, second = (machines.add_node(num_cpus=1) for _ in range(2))
machines.wait_for_nodes()
net = a_net()
actors = Ray(address=machines.address).make_actors(a_setup(net, 7, 2), net, 7)
assert [place._room.cores for place in actors._places] == [1, 1]
tally = actors.collect(net, 60)[0].tally
assert (tally.lost, tally.positions >= 60) == (0, True)
machines.remove_node(second, allow_graceful=False)
machines.add_node(num_cpus=1)
tally = actors.collect(net, 60)[0].tally
assert (tally.lost, tally.positions >= 60) == (1, True)
actors.close()
machines.shutdown()
print("whole")
"""


@pytest.mark.timeout(400)
def test_a_machine_that_goes_is_followed_by_another() -> None:
    """A cluster of three machines, simulated on this one."""
    here = Path(__file__).parent
    environment = {**os.environ, "PYTHONPATH": f"{here}:{here.parent}"}
    done = subprocess.run(
        [sys.executable, "-c", MACHINES],
        env=environment, check=False, capture_output=True, text=True, timeout=250,
    )  # fmt: skip
    assert done.stdout.endswith("whole\n"), done.stderr
