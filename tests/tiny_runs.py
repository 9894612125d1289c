"""Runs that tests train: how they are stopped, compared, and judged on tic-tac-toe."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from envs.tictactoe import TicTacToe
from selfplay.arrays import length, take
from selfplay.config import parse_config
from selfplay.learning import checkpoint
from selfplay.lines.keys import position_keys
from selfplay.lines.openings import distinct_openings
from selfplay.players.arena import new_match, play_on
from selfplay.players.players import NetPlayer, RandomPlayer, SolverPlayer
from selfplay.regimes import REGIMES
from selfplay.training.agent import load_agent
from selfplay.training.folder import RunFolder
from selfplay.training.log import TrainingScreen
from selfplay.training.metrics_file import read_metrics
from selfplay.training.run import Outcome, Training
from selfplay.types import Game, Report, State

GAME = TicTacToe()
TINY: dict[str, Any] = {
    "game": "tictactoe",
    "net": {"kind": "mlp", "width": 64, "layers": 2},
    "search": {"kind": "gumbel", "simulations": 8},
    "actor": {"games": 64, "threads": 1},
    "learner": {"batch": 256, "lr": 0.005, "warmup_steps": 20},
    "evaluator": {"precision": "float32"},
    "strength": {"every_s": 1e6, "own_positions": 0},
}


TWO_LAYERS = {"kind": "mlp", "width": 8, "layers": 1}
FORWARD = 2 * (18 * 8 + 8 * 9 + 8 * 3)  # 2 planes of 9 cells; 9 moves; win, draw, loss


def stop_after(monkeypatch: pytest.MonkeyPatch, iterations: int, *signals: signal.Signals) -> None:
    """Sends this process ``signals``, or a Ctrl-C, after so many iterations of the next run."""
    show, seen = TrainingScreen.show, []

    def counting(self: TrainingScreen, report: Report) -> None:
        show(self, report)
        seen.append(report.phase == "learn")
        if sum(seen) == iterations and report.phase == "learn":
            for each in signals or [signal.SIGINT]:
                os.kill(os.getpid(), each)

    monkeypatch.setattr(TrainingScreen, "show", counting)


def change_config(folder: Path, **sections: Any) -> Path:
    """Writes into the configuration of a run; a section keeps what is not named."""
    config = json.loads((folder / "config.json").read_text())
    for name, value in sections.items():
        config[name] = {**config[name], **value} if isinstance(value, dict) else value
    (folder / "config.json").write_text(json.dumps(config))
    return folder


_CLOCKS = {"wall_s", "tree_s", "device_s", "thread_s", "seconds", "other_seconds"}


def assert_equal(a: Any, b: Any, where: str = "") -> None:
    """Nested dicts, lists, tensors and numbers, to the bit; clocks may differ."""
    if isinstance(a, dict):
        assert a.keys() == b.keys(), where
        for key in a:
            if key not in _CLOCKS:
                assert_equal(a[key], b[key], f"{where}.{key}")
    elif isinstance(a, list | tuple):
        assert len(a) == len(b), where
        for i, (x, y) in enumerate(zip(a, b, strict=True)):
            assert_equal(x, y, f"{where}.{i}")
    elif isinstance(a, torch.Tensor):
        assert torch.equal(a, b), where
    else:
        assert a == b, where


def events_of(folder: Path) -> EventAccumulator:
    """What TensorBoard reads in a folder."""
    events = EventAccumulator(str(folder))
    events.Reload()
    return events


def curve(folder: Path, tag: str) -> list[tuple[int, float]]:
    """The steps and values of a curve of TensorBoard."""
    return [(event.step, event.value) for event in events_of(folder).Scalars(tag)]


def timeless_metrics(folder: Path) -> list[dict[str, Any]]:
    """The metrics without what depends on the clock."""
    clocks = (
        "time",
        "seconds",
        "wall_s",
        "tree_s",
        "device_s",
        "_per_s",
        "net_share",
        "idle_share",
    )
    return [
        {key: value for key, value in line.items() if not key.endswith(clocks)}
        for line in read_metrics(folder)
    ]


def assert_same_run(a: Path, b: Path) -> None:
    """Same weights, optimizer, games under way, random states, replay shards and metrics."""
    one, two = RunFolder(a), RunFolder(b)
    assert [p.name for p in one.checkpoints()] == [p.name for p in two.checkpoints()]
    assert_equal(checkpoint.load(one.latest()), checkpoint.load(two.latest()))
    assert [p.name for p in one.shards()] == [p.name for p in two.shards()]
    for left, right in zip(one.shards(), two.shards(), strict=True):
        with np.load(left) as x, np.load(right) as y:
            assert x.files == y.files
            for name in x.files:
                np.testing.assert_array_equal(x[name], y[name])
    assert timeless_metrics(a) == timeless_metrics(b)


def reachable(game: Game) -> Iterator[State]:
    """All positions that are not over, ply by ply, each once."""
    state = game.init(np.random.default_rng(0), 1)
    while length(state):
        yield state
        row, action = np.nonzero(game.legal(state))
        after, paid = game.step(take(state, row), action.astype(np.int32))
        after = take(after, np.flatnonzero(paid.discount))
        state = take(after, np.unique(position_keys(after), return_index=True)[1])


class Truth(NamedTuple):
    """All positions of the game that are not over, and what is right in them."""

    state: State  # [4520]
    right: NDArray[np.bool_]  # [4520, 9]


class Played(NamedTuple):
    """How a net alone, playing its favourite moves, does."""

    mistakes: float  # share of all positions
    unbeaten_by_random: float  # share of games not lost
    unbeaten_by_perfect: float


def no_runs(run: str, step: int | None, simulations: int | None) -> Any:
    raise AssertionError(run)


def train_tiny(folder: Path, **sections: dict[str, Any]) -> Outcome:
    """A run with what these sections say on top of TINY; skipped where its regime is gone."""
    plain = {**TINY, **{name: {**TINY.get(name, {}), **own} for name, own in sections.items()}}
    kind = sections.get("regime", {}).get("kind", "selfplay")
    if kind not in REGIMES:
        pytest.skip(f"there is no regime {kind}")
    return Training(RunFolder(folder), parse_config(plain)).run()


def judged(folder: Path, truth: Truth, games: int = 400) -> Played:
    """How a run's net does alone; an untrained one errs in about 37% of the positions."""
    agent = load_agent(str(folder))
    net = NetPlayer("net", agent.evaluator)
    action = net.decide(GAME, truth.state, np.random.default_rng(0)).action
    mistakes = ~truth.right[np.arange(length(truth.state)), action]
    start = distinct_openings(GAME, 1, 0, np.random.default_rng(0))
    openings = take(start, np.zeros(games // 2, np.int64))
    rng = np.random.default_rng(1)
    players = {"net": net, "random": RandomPlayer(), "solver": SolverPlayer(GAME)}
    matches = [new_match("net", "random"), new_match("net", "solver")]
    played = play_on(GAME, players, matches, openings, rng)
    return Played(float(mistakes.mean()), *(float((m.results >= 0).mean()) for m in played))
