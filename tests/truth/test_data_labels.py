"""Labels: right in every orientation, made once, charged once, shared by processes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

import numba
import numpy as np
import pytest
from filelock import FileLock
from reference import exact_qvalues, random_positions

from envs.connect4 import Connect4
from envs.tictactoe import TicTacToe
from selfplay.arrays import take
from selfplay.lines.keys import canonical_form, canonical_keys
from selfplay.truth import labels
from selfplay.truth.labels import LabelFile, Labeller, Labels, fingerprint
from selfplay.truth.solver import solver_for


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("NUMBA_CACHE_DIR", numba.config.CACHE_DIR)  # kernels stay where they are


class CountingSolver:
    """A solver that remembers what it was asked."""

    def __init__(self, game: Connect4) -> None:
        self.asked = 0
        self._game = game

    def scores(self, state: object) -> np.ndarray:
        """Column c scores the stones in it and 10 c, mirrored on mirrored boards: any numbers."""
        planes = self._game.observe(state).planes  # type: ignore[arg-type]
        self.asked += len(planes)
        weights = np.arange(planes.shape[2])[:, None] + 1
        scores = (planes[:, 0] * weights - 2 * planes[:, 1] * weights).sum(axis=1)
        return np.where(planes.sum(axis=(1, 2)) == 6, np.nan, scores).astype(np.float32)


@pytest.fixture
def counting(monkeypatch: pytest.MonkeyPatch) -> list[CountingSolver]:
    """The solvers that Labellers have made."""
    made: list[CountingSolver] = []

    def make(game: Connect4) -> CountingSolver:
        made.append(CountingSolver(game))
        return made[-1]

    monkeypatch.setattr(labels, "solver_for", make)
    return made


def test_scores_are_exact_in_every_orientation() -> None:
    game = TicTacToe()
    state = random_positions(game, np.random.default_rng(0), 60, 7)
    known: dict[bytes, float] = {}
    with Labeller(game) as labeller:
        for part in (slice(0, 20), slice(10, 60)):  # some known, some new
            scores = labeller.scores(take(state, part))
            for i, row in enumerate(scores):
                truth = exact_qvalues(game, take(state, [range(60)[part][i]]), known)
                assert {a: np.sign(row[a]) for a in truth} == truth
                assert np.isnan(row).sum() == 9 - len(truth)


def test_labels_are_made_once_also_for_mirror_images(counting: list[CountingSolver]) -> None:
    game = Connect4()
    state = random_positions(game, np.random.default_rng(1), 300, 30)
    distinct = len(np.unique(canonical_keys(game, state)))
    first = Labeller(game)
    scores = first.scores(state)
    np.testing.assert_array_equal(scores, CountingSolver(game).scores(state))
    assert counting[0].asked == first.made == first.used == distinct < 300
    np.testing.assert_array_equal(first.scores(state), scores)
    assert counting[0].asked == first.used == distinct
    charged = first.seconds
    keys = np.unique(canonical_keys(game, state))
    assert charged == pytest.approx(float(first.costs(keys).sum()))
    first.close()
    # another process, later: nothing is made, what it uses is charged at what it cost
    second = Labeller(game)
    assert second.seconds == 0
    np.testing.assert_array_equal(second.scores(take(state, slice(0, 100))), scores[:100])
    some = np.unique(canonical_keys(game, take(state, slice(0, 100))))
    assert counting[1].asked == second.made == 0
    assert second.used == len(some)
    assert second.seconds == pytest.approx(float(first.costs(some).sum()))
    second.scores(state)
    assert second.seconds == pytest.approx(charged)


def test_charged_seconds_are_those_in_the_file(counting: list[CountingSolver]) -> None:
    game = Connect4()
    state = random_positions(game, np.random.default_rng(2), 3, 8)
    keys, symmetry = canonical_form(game, game.observe(state))
    planted = np.arange(21, dtype=np.float32).reshape(3, 7)
    LabelFile(game).append(Labels(keys, np.array([1.5, 20, 300], np.float32), planted))
    labeller = Labeller(game)
    found = labeller.scores(take(state, [1, 1]))
    expected = planted[1] if symmetry[1] == 0 else planted[1][::-1]
    np.testing.assert_array_equal(found, [expected, expected])
    assert labeller.seconds == 20
    labeller.scores(take(state, [0, 1]))
    assert labeller.seconds == 21.5


def test_a_pool_of_processes_gives_the_same() -> None:
    game = Connect4()
    state = random_positions(game, np.random.default_rng(3), 40, 30)
    late = take(state, np.bitwise_count(state.mover | state.other) > 20)
    with Labeller(game, processes=2) as labeller:
        np.testing.assert_array_equal(labeller.scores(late), solver_for(game).scores(late))
        assert labeller.made == labeller.used > 4
        assert labeller.seconds > 0


def _append(number: int) -> None:
    file = LabelFile(Connect4())
    for i in range(50):
        keys = np.arange(4, dtype=np.uint64) + np.uint64(1000 * number + 4 * i)
        rows = np.full((4, 7), number, np.float32)
        file.append(Labels(keys, np.full(4, i, np.float32), rows))


def test_those_that_write_at_once_lose_nothing() -> None:
    """Each waits for its turn, as processes do: the lock is of the open file."""
    with ThreadPoolExecutor() as threads, FileLock(f"{LabelFile(Connect4()).path}.lock"):
        written = [threads.submit(_append, number) for number in (1, 2)]
        assert not wait(written, timeout=0.2).done
    found = LabelFile(Connect4()).read_new()
    assert sorted(found.key.tolist()) == [*range(1000, 1200), *range(2000, 2200)]
    np.testing.assert_array_equal(found.scores[:, 3], found.key // 1000)
    np.testing.assert_array_equal(found.cost, found.key % 1000 // 4)


def test_two_that_find_no_file_lose_nothing_either(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each looked before the other wrote."""
    game = TicTacToe()
    files = [LabelFile(game) for _ in range(2)]
    with monkeypatch.context() as patch:
        patch.setattr(Path, "exists", lambda _: False)
        for number, file in enumerate(files):
            scores = np.full((1, 9), number, np.float32)
            file.append(Labels(np.array([number], np.uint64), np.ones(1, np.float32), scores))
    assert LabelFile(game).read_new().key.tolist() == [0, 1]


def test_damage_costs_only_what_is_damaged() -> None:
    game = Connect4()
    file = LabelFile(game)
    rows = np.ones((3, 7), np.float32)
    file.append(Labels(np.array([7, 8, 9], np.uint64), np.ones(3, np.float32), rows))
    content = bytearray(file.path.read_bytes())
    size = len(content) // 3
    content[size + 14] ^= 1  # a bit in the second record
    file.path.write_bytes(bytes(content) + b"half a record")
    assert LabelFile(game).read_new().key.tolist() == [7, 9]
    file.append(Labels(np.array([10], np.uint64), np.ones(1, np.float32), rows[:1]))
    again = LabelFile(game)
    assert again.read_new().key.tolist() == [7, 9, 10]
    assert again.read_new().key.tolist() == []


def test_games_with_other_rules_have_other_files() -> None:
    assert fingerprint(Connect4()) == fingerprint(Connect4())
    kinds = (Connect4(), Connect4(7, 6, 3), Connect4(6, 6), TicTacToe())
    assert len({fingerprint(game) for game in kinds}) == 4
