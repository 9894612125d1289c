"""Actors that Ray keeps: the games of threads and processes; places that die; what is told."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from program import begun, wait_until
from small_games import GAME, a_net, a_setup, assert_same, played
from tiny_runs import TINY, stop_after, timeless_metrics

from selfplay import arrays
from selfplay.actors import Ray, Setup, Threads
from selfplay.actors.actor import ActorSection
from selfplay.actors.ray import shares
from selfplay.cached import CancelledError
from selfplay.config import parse_config
from selfplay.learning import checkpoint
from selfplay.nets import ResNet
from selfplay.nets.inference import EvaluatorSection
from selfplay.search import Gumbel
from selfplay.system import ray_cluster
from selfplay.system.ray_cluster import Cluster, Node
from selfplay.training.folder import RunFolder
from selfplay.training.run import Training

needs_ray = pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="needs Ray")

GAMES, ACTORS = 7, 2


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """One for all tests: it takes seconds to start."""
    cluster = ray_cluster.connect("")
    yield cluster
    cluster.close()


def test_no_modelled_device_is_on_ray() -> None:
    net = ResNet(channels=8, blocks=1).build(GAME)
    inference = EvaluatorSection(device="fake:1,1").inference(net, GAME, modelled=True)
    setup = Setup(GAME, Gumbel(simulations=4), ActorSection(games=4), inference)
    with pytest.raises(ValueError, match="no modelled device"):
        Ray().make_actors(setup, net, 0)


@needs_ray
@pytest.mark.usefixtures("cluster")
def test_a_run_goes_on_where_another_backend_left_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three iterations with threads; the second on Ray, in two places of two processes each."""

    def trained(folder: Path, iterations: int, *overrides: str) -> None:
        with monkeypatch.context() as patch:
            stop_after(patch, iterations)
            run = RunFolder(folder)
            Training(run, run.config(overrides) if run.config_file.exists() else config).run()

    regime = {"kind": "selfplay", "positions": 100}
    config = parse_config({**TINY, "actor": {"games": 10, "threads": 4}, "regime": regime})
    straight, mixed = tmp_path / "straight", tmp_path / "mixed"
    trained(straight, 3)
    trained(mixed, 1)
    trained(mixed, 1, "backend.kind=ray", "backend.places=2", "backend.cores=2")
    trained(mixed, 1, "backend.kind=threads")
    played = [
        [line for line in timeless_metrics(folder) if line["phase"] != "strength"]
        for folder in (straight, mixed)
    ]
    assert len(played[0]) == 6
    assert played[0] == played[1]
    nets = [checkpoint.load(RunFolder(folder).latest())["net"] for folder in (straight, mixed)]
    assert all(torch.equal(nets[0][name], nets[1][name]) for name in nets[0])


@needs_ray
@pytest.mark.usefixtures("cluster")
def test_places_play_the_games_of_threads_and_one_that_dies_is_followed_by_another(
    capfd: pytest.CaptureFixture[str],
) -> None:
    net = a_net()
    setup = a_setup(net, GAMES, ACTORS)
    ray, threads = Ray(places=2).make_actors(setup, net, 7), Threads().make_actors(setup, net, 7)
    try:
        assert_same(played(ray), played(threads))
        ray.load_state_dict(threads.state_dict())
        assert_same(played(ray), played(threads))

        victim = ray._places[1].worker.pid()
        threading.Timer(0.05, lambda: os.kill(victim, signal.SIGKILL)).start()
        harvest = ray.collect(net, 800)[0]
        assert harvest.tally.lost == 1
        assert arrays.length(harvest.samples) >= 800
        os.kill(ray._places[0].worker.pid(), signal.SIGKILL)
        assert len(ray.state_dict()) == 2
        harvest = ray.collect(net, 30)[0]
        assert harvest.tally.lost == 1
        assert harvest.records != threads.collect(net, 30)[0].records
        assert ray.collect(net, 30)[0].tally.lost == 0

        threading.Timer(0.2, ray.cancel).start()
        start = time.monotonic()
        with pytest.raises(CancelledError):
            ray.collect(net, 10**9)
        assert time.monotonic() - start < 20
    finally:
        threads.close()
        ray.close()
    assert capfd.readouterr() == ("", "")  # a training's screen is its own


@needs_ray
@pytest.mark.usefixtures("cluster")
def test_a_place_that_cannot_live_ends_the_run_with_a_sentence() -> None:
    net = a_net()
    ray = Ray(places=1).make_actors(a_setup(net, GAMES, ACTORS), net, 7)
    place = ray._places[0]
    try:
        stop = threading.Event()

        def kill() -> None:
            while not stop.is_set():
                pid = place.worker.pid(1)
                if pid is not None:
                    os.kill(pid, signal.SIGKILL)
                    time.sleep(0.2)

        killing = threading.Thread(target=kill)
        killing.start()
        with pytest.raises(ValueError, match=r"ended 3 times before .*actor\.threads"):
            ray.collect(net, 10**9)
    finally:
        stop.set()
        killing.join()
        ray.close()


@needs_ray
@pytest.mark.usefixtures("cluster")
def test_in_any_order_places_play_on_and_the_lag_of_their_samples_is_told() -> None:
    net = a_net()
    ray = Ray(places=2, order="any", max_lag=2).make_actors(a_setup(net, GAMES, ACTORS), net, 7)
    try:
        lags = []
        for _ in range(12):
            harvest, usage = ray.collect(net, 90)
            made = arrays.length(harvest.samples)
            assert made == harvest.tally.positions >= 90
            assert usage.evaluated > 0
            lags.append(ray.metrics())
        assert lags[0] == {"selfplay/lag": 0, "selfplay/lag_max": 0}  # there is but one version yet
        assert all(0 <= lag["selfplay/lag"] <= lag["selfplay/lag_max"] <= 2 for lag in lags)
        assert any(lag["selfplay/lag"] > 0 for lag in lags)
        # each place: two asks, its process, the news of the latest weights; and the weights
        assert references() <= 2 * (2 + 2) + 1

        os.kill(ray._places[0].worker.pid(), signal.SIGKILL)
        lost = sum(ray.collect(net, 90)[0].tally.lost for _ in range(4))
        assert lost == 1  # the learner has waited for that place, if only to hear that it is dead
        assert ray.state_dict().keys() - {"held"} == {"0", "1"}
    finally:
        ray.close()


@needs_ray
@pytest.mark.usefixtures("cluster")
def test_in_any_order_a_checkpoint_holds_what_nobody_has_taken(tmp_path: Path) -> None:
    net = a_net()
    setup = a_setup(net, GAMES, ACTORS)
    first, second = (Ray(places=2, order="any").make_actors(setup, net, seed) for seed in (7, 8))
    threads = Threads().make_actors(setup, net, 7)
    try:
        for _ in range(3):
            first.collect(net, 90)
        checkpoint.save(tmp_path / "1.pt", {"net": {}, "actors": first.state_dict()})
        saved = checkpoint.unpacked(checkpoint.load(tmp_path / "1.pt")["actors"])
        held = list(saved["held"].values())
        assert len(held) == 4  # two of each place
        second.load_state_dict(saved)
        harvest, usage = second.collect(net, 1)  # nobody has to play for that
        assert arrays.length(harvest.samples) == sum(len(each["keys"]) for each in held) > 0
        keys = np.concatenate([each["keys"] for each in held]).view(np.uint64)
        np.testing.assert_array_equal(harvest.keys, keys)
        assert usage.evaluated == sum(each["usage"]["evaluated"] for each in held)
        behind = max(each["behind"] for each in held)
        assert second.metrics()["selfplay/lag_max"] == 1 + behind
        assert second.collect(net, 60)[0].tally.positions >= 60
        threads.load_state_dict(saved)  # goes on with the games, without what was held
        assert threads.collect(net, 30)[0].tally.positions >= 30
    finally:
        for actors in (first, second, threads):
            actors.close()


@needs_ray
def test_ctrl_c_ends_a_run_at_once_and_leaves_nothing_behind(tmp_path: Path) -> None:
    """In the middle of an iteration that would take hours; the whole group hears it."""
    recipe = tmp_path / "tiny.toml"
    recipe.write_text("""game = "tictactoe"
[net]
kind = "mlp"
[backend]
kind = "ray"
places = 2
""")
    process = begun(
        tmp_path, "train", str(recipe), "--out", "run", "--set", "regime.positions=10000000"
    )
    try:
        wait_until(lambda: len(fellows(process.pid, b"ray::_Worker")) == 2, 200)
        os.killpg(process.pid, signal.SIGINT)
        time.sleep(0.5)
        assert process.poll() is None
        os.killpg(process.pid, signal.SIGINT)
        sent = time.monotonic()
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert time.monotonic() - sent < 30
    assert process.returncode == 130, err
    assert err.endswith("selfplay: interrupted\n")
    assert "Traceback" not in err
    assert "(raylet)" not in out + err
    wait_until(lambda: not fellows(process.pid), 20)
    assert list(Path("/tmp").glob(f"selfplay-ray-{process.pid}-*")) == []


def references() -> int:
    """What this process has of Ray's objects."""
    from ray._private.worker import global_worker

    return len(global_worker.core_worker.get_all_reference_counts())


def fellows(session: int, doing: bytes = b"") -> list[int]:
    """Processes of a session, whose command begins with ``doing``."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has just ended
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            command = (folder / "cmdline").read_bytes()
            if int(fields[3]) == session and fields[0] != "Z" and command.startswith(doing):
                found.append(int(folder.name))
    return found


def test_actors_are_shared_out_in_proportion_to_cores() -> None:
    assert shares(4, [2, 2]) == [2, 2]
    assert shares(7, [4, 2, 1]) == [4, 2, 1]
    assert shares(5, [4, 2, 1]) == [3, 1, 1]
    assert shares(1, [4, 8]) == [0, 1]


def test_places_are_gpus_and_machines_without() -> None:
    nodes = [Node("a", 16, 2), Node("b", 8, 0), Node("c", 2, 0)]

    def found(**options: Any) -> list[tuple[str, int, bool]]:
        return [tuple(room) for room in Ray(address="auto", **options).rooms(nodes)]

    assert found() == [("a", 8, True), ("a", 8, True), ("b", 8, False), ("c", 2, False)]
    assert found(places=3) == found()[:3]
    assert found(gpus=False) == [("a", 16, False), ("b", 8, False), ("c", 2, False)]
    assert found(gpus=False, cores=8) == [("a", 8, False)] * 2 + [("b", 8, False)]
    for options in ({"places": 5}, {"cores": 32}):
        with pytest.raises(ValueError, match=r"no room for .*16 cores, 2 GPUs.*backend\.places"):
            found(**options)
    here = [Node("a", 2, 0)]
    assert Ray().rooms(here) == [("a", 2, False)]
    assert Ray(places=3, cores=2).rooms(here) == [("a", 2, False)] * 3  # as threads, at will


def test_what_is_missing_is_told_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    net = a_net()
    if importlib.util.find_spec("ray") is not None:
        with pytest.raises(ValueError, match=r"no Ray cluster answers at '127.0.0.1:9'.*ray start"):
            ray_cluster._join("127.0.0.1:9")
        with pytest.raises(ValueError, match=r"no Ray cluster answers at 'nonsense'"):
            ray_cluster._join("nonsense")
        with pytest.raises(ValueError, match=r"no Ray cluster answers at '10.0.0.1' .*HOST:PORT"):
            ray_cluster._join("10.0.0.1")
        monkeypatch.setattr("ray._private.services.find_bootstrap_address", lambda folder: None)
        monkeypatch.delenv("RAY_ADDRESS", raising=False)
        with pytest.raises(ValueError, match="this machine is no part of a Ray cluster; start one"):
            ray_cluster._join("auto")
        monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:9")
        with pytest.raises(ValueError, match=r"no Ray cluster answers at '127.0.0.1:9'"):
            ray_cluster._join("auto")
    monkeypatch.setattr(ray_cluster, "_now", None)
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ValueError, match=r"needs Ray: pip install 'selfplay\[ray\]'"):
        Ray().make_actors(a_setup(net, GAMES, ACTORS), net, 7)
