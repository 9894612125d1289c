"""Games with many actions of which few are legal: trees hold the legal ones only."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray
from reference import searched
from search.test_forest import LANES, Twins

from envs.toys import Move, Toy
from selfplay import arrays
from selfplay.search import Forest, Gumbel, Puct
from selfplay.types import Bool, Evaluation, Int, Transition

GAMES, SIMULATIONS, LEGAL = 512, 64, 30


class Position(NamedTuple):
    number: NDArray[np.int64]  # [B], made of the moves so far


class Spread:
    """A game without end: 30 actions are legal, evenly spread, from a place that moves on."""

    name, max_moves, num_players = "spread", 10_000, 2

    def __init__(self, actions: int) -> None:
        self.num_actions, self._gap = actions, actions // LEGAL
        self._logits = np.zeros((GAMES, actions), np.float32)

    def init(self, rng: np.random.Generator, batch: int) -> Position:
        return Position(rng.integers(1 << 40, size=batch))

    def legal(self, state: Position) -> Bool:
        legal = np.zeros((len(state.number), self.num_actions), np.bool_)
        first = state.number % self._gap
        legal[np.arange(len(first))[:, None], first[:, None] + self._gap * np.arange(LEGAL)] = True
        return legal

    def step(self, state: Position, action: Int) -> tuple[Position, Transition]:
        number = (state.number * 31 + action // self._gap + 7) % (1 << 40)
        nothing = np.zeros(len(action), np.float32)
        return Position(number), Transition(nothing, nothing - 1)

    def evaluate(self, game: object, state: Position) -> Evaluation:
        """Stands in for a net."""
        value = (state.number % 1000 / 1000 - 0.5).astype(np.float32)
        return Evaluation(self._logits[: len(value)], value, 0 * value)


class Search:
    """A search of 512 games that begins anew as often as it is asked."""

    def __init__(self, section: Gumbel | Puct, actions: int) -> None:
        game = Spread(actions)
        self.section, self.model = section, section.model(game, game.evaluate)
        self.state = game.init(np.random.default_rng(0), GAMES)

    def run(self) -> tuple[Forest, float]:
        """The trees, and the seconds they took."""
        begun, explore = time.process_time(), np.ones(GAMES, np.bool_)
        forest = self.section.plant(self.model, self.state)
        self.section.search(forest, self.model, np.random.default_rng(0), explore)
        return forest, time.process_time() - begun


@pytest.mark.parametrize("kind", [Gumbel, Puct])
def test_trees_hold_the_legal_actions_only(kind: type[Gumbel] | type[Puct]) -> None:
    section = kind(simulations=SIMULATIONS)
    (wide, _), (narrow, _) = Search(section, 5000).run(), Search(section, LEGAL).run()
    assert arrays.bytes_of(wide.tree) < 100e6  # [B, N, A] would be 2.7 GB
    assert (wide.tree.size == SIMULATIONS + 1).all()
    np.testing.assert_array_equal(wide.tree.held, np.full(GAMES, LEGAL * (SIMULATIONS + 1)))
    assert arrays.bytes_of(wide.tree) < 3 * arrays.bytes_of(narrow.tree)


@pytest.mark.parametrize("kind", [Gumbel, Puct])
def test_a_wide_game_is_searched_as_the_narrow_one_of_its_legal_actions(
    kind: type[Gumbel] | type[Puct],
) -> None:
    """The same noise, opinions and trees: that actions have other numbers changes nothing."""

    def opinions(game: Any, state: Position) -> Evaluation:
        places = 2 * np.sin(state.number[:, None] % 997 + 3.0 * np.arange(LEGAL))
        logits = np.zeros((len(places), game.num_actions), np.float32)
        logits[game.legal(state)] = places.ravel()
        value = (state.number % 1000 / 1000 - 0.5).astype(np.float32)
        return Evaluation(logits, value, 0 * value)

    section, explore = kind(simulations=SIMULATIONS), np.arange(20) % 2 == 0
    decisions = []
    for actions in (LEGAL, 5000):
        game = Spread(actions)
        state = game.init(np.random.default_rng(0), len(explore))
        rng = np.random.default_rng(1)
        _, found = searched(section, game, opinions, state, rng, explore)
        decisions.append(found.decision)
    narrow, wide = decisions
    legal = game.legal(state)
    np.testing.assert_array_equal(wide.action // (5000 // LEGAL), narrow.action)
    np.testing.assert_array_equal(wide.value, narrow.value)
    for one, other in ((narrow.policy, wide.policy), (narrow.visits, wide.visits)):
        np.testing.assert_array_equal(other[legal].reshape(one.shape), one)
        assert not other[~legal].any()
    np.testing.assert_array_equal(wide.qvalues[legal].reshape(20, LEGAL), narrow.qvalues)
    assert np.isnan(wide.qvalues[~legal]).all()
    assert (narrow.visits.sum(axis=1) == SIMULATIONS).all()


FAN = Toy(
    "fan",  # a single move, then fifty each time, to and fro
    [[Move(0.0, -1, 1, 0.0)], *([Move(0.0, -1, k, 0.0) for _ in range(50)] for k in (2, 1))],
    num_players=2,
    max_moves=10_000,
)


@pytest.mark.parametrize("section", [Gumbel(simulations=60), Puct(simulations=60)])
def test_full_pools_grow_and_drop_nothing(section: Gumbel | Puct) -> None:
    """The roots have one legal action, what is below them fifty."""
    twins = Twins(section, FAN, FAN.init(np.random.default_rng(0), LANES), 0)
    room = twins.forest.tree.edges.shape[1]
    budget, explore = np.full(LANES, 60), np.arange(LANES) % 2 == 0
    assert twins.assert_equal(*twins.search(budget, explore), explore) >= LANES - 1
    np.testing.assert_array_equal(twins.forest.tree.held, np.full(LANES, 1 + 60 * 50))
    assert room < 1 + 60 * 50


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["gumbel", "puct"])
def test_a_wide_game_takes_little_memory_and_time(kind: str) -> None:
    """Under 400 MB, the compiler included, and at half the speed of a game with 30 actions."""
    command, tests = [sys.executable, "-m", "search.test_wide", kind], Path(__file__).parents[1]
    run = subprocess.run(command, cwd=tests, capture_output=True, text=True, check=True)
    megabytes, ratio = map(float, run.stdout.split())
    assert megabytes < 400
    assert ratio >= 0.5


def _most_megabytes() -> float:
    """Of this program: ``ru_maxrss`` counts what held the process before it began."""
    (peak,) = re.findall(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text())
    return int(peak) / 1000


if __name__ == "__main__":
    section = {"gumbel": Gumbel, "puct": Puct}[sys.argv[1]](simulations=SIMULATIONS)
    searches = [Search(section, actions) for actions in (LEGAL, 5000)]
    narrow, wide = np.array([[search.run()[1] for search in searches] for _ in range(9)])[2:].T
    print(_most_megabytes(), np.median(narrow / wide))
