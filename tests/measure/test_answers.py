"""What a run leaves of each measurement, position by position."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny_runs import GAME, TWO_LAYERS, stop_after, train_tiny

from selfplay.lines.openings import NO_MOVE, distinct_openings
from selfplay.measure.answers import (
    Answers,
    answers_path,
    read_answers,
    read_packed_mistakes,
    truncate_answers,
    write_answers,
)
from selfplay.training.metrics_file import read_metrics
from selfplay.truth.base import optimal_moves
from selfplay.truth.positions import digest, read_positions, write_positions
from selfplay.truth.solver import solver_for

DIGEST = "0123456789abcdef"


def planted(count: int) -> Answers:
    """A good player and a bad one."""
    rng = np.random.default_rng(count)
    mass = {"net": rng.random(count), "search_16": 1 - 1e-4 * rng.random(count)}
    mistakes = {player: rng.random(count) < 0.3 for player in mass}
    moves = {"net": rng.integers(5000, size=count).astype(np.uint16)}
    return Answers(DIGEST, mistakes, {k: v.astype(np.float32) for k, v in mass.items()}, moves)


def position_files(tmp_path: Path) -> tuple[Path, Path]:
    """Two sets of 12 positions after two moves, and eight after three to choose by."""
    paths = tmp_path / "test.csv", tmp_path / "validation.csv"
    for path, count, plies in zip(paths, (24, 8), (2, 3), strict=True):
        reached = distinct_openings(GAME, count, plies, np.random.default_rng(plies))
        moves = [line[line != NO_MOVE].tolist() for line in reached.moves]
        sets = ["a", "b"] * (count // 2)
        write_positions(GAME, path, sets, moves, solver_for(GAME).scores(reached.state))
    return paths


def options(tmp_path: Path) -> dict[str, Any]:
    test, validation = map(str, position_files(tmp_path))
    return {
        "regime": {"kind": "selfplay", "positions": 200},
        "net": TWO_LAYERS,
        "strength": {
            "positions": test, "validation": validation, "simulations": 4, "every_s": 1e-3,
            "ladder": [0, 4, 8], "searched": 10,
        },
        "budget": {"positions": 1000},
    }  # fmt: skip


@pytest.mark.parametrize("count", [1, 7, 8, 600])
def test_what_is_written_is_read(count: int, tmp_path: Path) -> None:
    answers, path = planted(count), answers_path(tmp_path, 4096)
    assert path == tmp_path / "strength" / "000004096.npz"
    write_answers(path, answers)
    found = read_answers(path)
    assert found.positions == DIGEST
    assert list(found.mass) == list(answers.mass)
    for player, mistakes in answers.mistakes.items():
        assert found.mistakes[player].dtype == np.bool_
        np.testing.assert_array_equal(found.mistakes[player], mistakes)
        rest, expected = 1 - found.mass[player], 1 - answers.mass[player]
        np.testing.assert_allclose(rest, expected, rtol=6e-4, atol=2e-7)  # float16 of what is left
    assert found.moves.keys() == {"net"}
    np.testing.assert_array_equal(found.moves["net"], answers.moves["net"])
    assert found.of(("net",), [0]).moves["net"] == answers.moves["net"][:1]
    write_answers(path, answers._replace(moves={}))  # as files of before
    assert read_answers(path).moves == {}
    with np.load(path, allow_pickle=False) as file:
        assert all(file[name].dtype != object for name in file.files)


def test_one_player_is_read_alone(tmp_path: Path) -> None:
    answers, path = planted(13), answers_path(tmp_path, 500)
    path.parent.mkdir()
    write_answers(path, answers)
    packed = read_packed_mistakes(path, "search_16")
    assert packed.nbytes == 2
    np.testing.assert_array_equal(
        np.unpackbits(packed, count=13).astype(np.bool_), answers.mistakes["search_16"]
    )
    for other, player in ((path, "value"), (tmp_path / "none.npz", "net")):
        with pytest.raises(ValueError, match=f"is missing, damaged, or without {player}"):
            read_packed_mistakes(other, player)


def test_thousands_of_positions_take_kilobytes(tmp_path: Path) -> None:
    few = planted(6000)
    moves = dict.fromkeys(("net", "search"), few.moves["net"] % 7)
    write_answers(tmp_path / "a.npz", few._replace(moves=moves))
    assert (tmp_path / "a.npz").stat().st_size < 2 * (6000 * 2 + 6000 / 8 + 6000 / 2) + 2000


def test_a_damaged_file_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    write_answers(path, planted(600))
    whole = path.read_bytes()
    fields = {"positions": np.array(DIGEST), "rest_net": np.zeros(9, np.float16)}
    right = {**fields, "mistakes_net": np.zeros(2, np.uint8)}
    with_pickle = {**fields, "mistakes_net": np.array([print], dtype=object)}
    for name, held in (
        ("lists", {**fields, "mistakes_net": np.zeros(1, np.uint8)}),
        ("mass", {**fields, "rest_net": np.full(9, 2, "f2"), "mistakes_net": np.zeros(2, "u1")}),
        ("digest", {"positions": np.array("../x")}),
        ("moves", {**right, "moves_net": np.zeros(8, np.uint8)}),
        ("move", {**right, "moves_net": np.zeros(9, np.float32)}),
        ("mover", {**right, "moves_search": np.zeros(9, np.uint8)}),
        ("pickle", with_pickle),
    ):
        np.savez(tmp_path / f"{name}.npz", **held)  # type: ignore[arg-type]
    (tmp_path / "short.npz").write_bytes(whole[:-30])
    (tmp_path / "bit.npz").write_bytes(whole[:99] + bytes([whole[99] ^ 16]) + whole[100:])
    (tmp_path / "raw.npz").write_bytes(pickle.dumps([1]))
    for name in (
        "lists",
        "mass",
        "digest",
        "moves",
        "move",
        "mover",
        "pickle",
        "short",
        "bit",
        "raw",
        "absent",
    ):
        with pytest.raises(ValueError, match=rf"{name}\.npz is missing or damaged: "):
            read_answers(tmp_path / f"{name}.npz")


def test_what_comes_after_a_step_is_dropped(tmp_path: Path) -> None:
    for step in (0, 500, 1_000, 12_000_000_000):
        write_answers(answers_path(tmp_path, step), planted(3))
    (tmp_path / "strength" / "7 notes.txt").write_text("of somebody")
    truncate_answers(tmp_path, 500)
    names = sorted(path.name for path in (tmp_path / "strength").iterdir())
    assert names == ["000000000.npz", "000000500.npz", "7 notes.txt"]
    truncate_answers(tmp_path, None)
    assert [path.name for path in (tmp_path / "strength").iterdir()] == ["7 notes.txt"]


def test_a_run_keeps_its_answers_beside_its_metrics(tmp_path: Path) -> None:
    plain = options(tmp_path)
    outcome = train_tiny(tmp_path / "run", **plain)
    lines = [line for line in read_metrics(outcome.folder) if line["phase"] == "strength"]
    positions = read_positions(GAME, plain["strength"]["positions"])
    index = positions.set_index
    some = np.sort(np.concatenate([np.flatnonzero(index == i)[:5] for i in (0, 1)]))
    assert len(lines) > 3
    files = sorted((outcome.folder / "strength").iterdir())
    assert files == [answers_path(outcome.folder, line["step"]) for line in lines]
    players = {"net": 24, "value": 10, "search": 10}
    ladder = dict.fromkeys(("search_0", "search_4", "search_8"), 10)
    for line, path in zip(lines, files, strict=True):
        answers = read_answers(path)
        last = line is lines[-1]
        assert answers.positions == digest(positions)
        counts = {player: len(mistakes) for player, mistakes in answers.mistakes.items()}
        assert counts == players | (ladder if last else {})
        for player, stem in (("net", "net_"), ("value", "value_"), ("search", "")):
            rate = answers.mistakes[player].mean()  # sets of equal size
            assert line[f"strength/{stem}mistake_rate"] == pytest.approx(rate)
        assert answers.moves.keys() == {"net", "search"}
        optimal = optimal_moves(positions.scores)
        for player, rows in (("net", np.arange(24)), ("search", some)):
            played = optimal[rows, answers.moves[player]]
            np.testing.assert_array_equal(played, ~answers.mistakes[player])
        mass = answers.mass["net"].mean()
        assert line["strength/net_optimal_mass"] == pytest.approx(mass, abs=1e-4)
        assert 0 < line["strength/validation_mistake_rate"] < 1
        assert 0 < line["strength/validation_optimal_mass"] < 1
        rungs = {int(k.rpartition("/")[2]): v for k, v in line.items() if "ladder" in k}
        climbed = {n: answers.mistakes[f"search_{n}"].mean() for n in (0, 4, 8)} if last else {}
        assert rungs == pytest.approx(climbed)
    # the last of them: the same search is the same, and none is the net alone
    np.testing.assert_array_equal(answers.mistakes["search_4"], answers.mistakes["search"])
    np.testing.assert_array_equal(answers.mistakes["search_0"], answers.mistakes["net"][some])
    np.testing.assert_allclose(answers.mass["search_0"], answers.mass["net"][some], atol=1e-3)


def test_a_resumed_run_answers_as_if_it_had_not_been_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = options(tmp_path)
    straight = train_tiny(tmp_path / "straight", **plain).folder
    with monkeypatch.context() as patch:
        stop_after(patch, 2)
        stopped = train_tiny(tmp_path / "stopped", **plain).folder
    write_answers(answers_path(stopped, 999_999), planted(3))  # of what is done again
    assert train_tiny(stopped, **plain).finished
    names = [path.name for path in sorted((straight / "strength").iterdir())]
    assert [path.name for path in sorted((stopped / "strength").iterdir())] == names
    for name in names:
        one, two = (read_answers(folder / "strength" / name) for folder in (straight, stopped))
        assert one.positions == two.positions
        for player in one.mistakes:
            np.testing.assert_array_equal(one.mistakes[player], two.mistakes[player])
            np.testing.assert_array_equal(one.mass[player], two.mass[player])


def test_a_ladder_can_be_climbed_later(tmp_path: Path) -> None:
    plain = options(tmp_path)
    plain["strength"]["ladder"] = []
    folder = train_tiny(tmp_path / "run", **plain).folder
    last = max((folder / "strength").iterdir())
    before = read_answers(last)
    assert before.mistakes.keys() == {"net", "value", "search"}
    count = len(read_metrics(folder))
    plain["strength"]["ladder"] = [2]
    train_tiny(folder, **plain)
    after = read_answers(last)
    assert after.mistakes.keys() == {*before.mistakes, "search_2"}
    np.testing.assert_array_equal(after.mistakes["search"], before.mistakes["search"])
    train_tiny(folder, **plain)  # has nothing to do
    assert len(read_metrics(folder)) == count + 1


@pytest.mark.parametrize("ends_by", ["patience", "budget"])
def test_a_run_is_not_finished_before_the_ladder_is_climbed(
    ends_by: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C comes in the iteration that ends it: the ladder is climbed when it is resumed."""
    plain, folder = options(tmp_path), tmp_path / "run"
    watch = {"watch": "strength/validation_optimal_mass", "patience": 1.01}
    ends = {"patience": {"positions": 10_000, **watch}, "budget": {"positions": 400}}
    plain["budget"] = ends[ends_by]  # both in the second iteration: what is learned is too little
    plain["learner"] = {"lr": 1e-30}
    if ends_by == "budget":
        plain["strength"]["every_s"] = 1e6
    with monkeypatch.context() as patch:
        stop_after(patch, 2)
        assert not train_tiny(folder, **plain).finished
    made = max(line["step"] for line in read_metrics(folder))
    resumed = train_tiny(folder, **plain)
    assert (resumed.finished, resumed.positions) == (True, made)
    answers = read_answers(answers_path(folder, made))
    assert answers.mistakes.keys() >= {"search_0", "search_4", "search_8"}


def test_without_a_position_file_there_are_no_answers(tmp_path: Path) -> None:
    """Tic-tac-toe ships with none."""
    folder = train_tiny(tmp_path / "run", net=TWO_LAYERS, budget={"positions": 100}).folder
    assert not (folder / "strength").exists()
