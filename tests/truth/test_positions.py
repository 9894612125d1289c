"""Position files: read, written, refused; the stages that ship."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from envs.connect4 import Connect4
from envs.tictactoe import TicTacToe
from selfplay.arrays import length, take
from selfplay.lines.keys import canonical_keys
from selfplay.lines.lockstep import Turn, lockstep
from selfplay.lines.openings import distinct_openings, random_positions
from selfplay.truth import connect4
from selfplay.truth import positions as positions_module
from selfplay.truth.connect4 import SETS, STAGES, plies_left
from selfplay.truth.positions import (
    default_positions,
    digest,
    find_positions,
    first_of_sets,
    parse_moves,
    read_positions,
    shipped_positions,
    write_positions,
)
from selfplay.truth.solver import label_stages, solver_for
from selfplay.types import Int

HEADER = "set,moves,s1,s2,s3,s4,s5,s6,s7"


def write(tmp_path: Path, *lines: str, header: str = HEADER) -> Path:
    path = tmp_path / "truth.csv"
    path.write_text("\n".join([header, *lines]) + "\n")
    return path


def test_a_file_is_read_and_replayed(tmp_path: Path) -> None:
    path = write(
        tmp_path, "a,444444,1,0,-1,,2,3,-4", 'b,"1 2,3",0,0,0,0,0,0,0', "a,,-2,-1,0,1,0,-1,-2"
    )
    game = Connect4()
    positions = read_positions(game, path)
    assert positions.set_names == ("a", "b")
    assert positions.set_index.tolist() == [0, 1, 0]
    np.testing.assert_array_equal(positions.scores[0], [1, 0, -1, np.nan, 2, 3, -4])
    planes = game.observe(positions.state).planes
    assert planes[0].sum(axis=(1, 2)).tolist() == [3, 3]
    assert planes[0, 1, 5, 3] == 0  # three pairs of stones: X to move owns the lowest
    assert planes[0, 0, 5, 3] == 1
    assert planes[1, 1, 5].tolist() == [1, 0, 1, 0, 0, 0, 0]
    assert planes[2].sum() == 0


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("a,4444444,0,0,0,,0,0,0", r"line 3: move 7 \(4\) is illegal in"),
        ("a,448,0,0,0,0,0,0,0", r"line 3: '8' is not a column"),
        ("a,12121213,0,0,0,0,0,0,0", r"line 3: move 8 \(3\) comes after the end of the game"),
        ("a,1212121,0,0,0,0,0,0,0", "line 3: the game is over"),
        ("a,44,0,0,0,0,0,0", "line 3: 8 columns, the header has 9"),
        ("a,44,0,0,0,x,0,0,0", "line 3: could not convert string to float: 'x'"),
        ("a,44,0,0,0,,0,0,0", "line 3: action 4 is legal and has no score"),
        ("a,444444,0,0,0,0,0,0,0", "line 3: action 4 is illegal and has one"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, line: str, message: str) -> None:
    path = write(tmp_path, "a,44,0,0,0,0,0,0,0", line)
    with pytest.raises(ValueError, match=rf"truth\.csv, {message}"):
        read_positions(Connect4(), path)


def test_a_bad_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="there is no position file"):
        read_positions(Connect4(), tmp_path / "absent.csv")
    with pytest.raises(ValueError, match="holds no positions"):
        read_positions(Connect4(), write(tmp_path))
    torn = tmp_path / "torn.csv"
    torn.write_bytes(b"set,moves\rs,1\r")
    with pytest.raises(ValueError, match="cannot be read"):
        read_positions(Connect4(), torn)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    game = Connect4(12, 3)  # whose moves of several characters are separated
    assert parse_moves(game, "1 12,3") == [0, 11, 2]
    assert parse_moves(Connect4(), "12") == [0, 1]
    path = tmp_path / "truth.csv.gz"
    scores = np.zeros((2, 12), np.float32)
    scores[0, 0], scores[1, 3] = np.nan, -7
    write_positions(game, path, ["x", "y"], [[0, 0, 0], [11]], scores)
    positions = read_positions(game, path)
    np.testing.assert_array_equal(positions.scores, scores)
    assert positions.set_names == ("x", "y")
    assert positions.state.other[1] == 1 << (11 * 4)


def test_the_stages_that_ship() -> None:
    game = Connect4()
    path = default_positions(game)
    assert path is not None
    positions = read_positions(game, path)
    assert positions.set_names == SETS
    assert np.bincount(positions.set_index).tolist() == [100] * 6
    assert len(np.unique(canonical_keys(game, positions.state))) == 600
    played = game.observe(positions.state).planes.sum(axis=(1, 2, 3))
    best = np.nanmax(positions.scores, axis=1)
    for i, name in enumerate(np.array(SETS)[positions.set_index]):
        stage, difficulty = name.split("-")
        fewest, most = STAGES[stage]
        assert fewest <= played[i] <= most
        left = plies_left(best[i], int(played[i]))
        bounds = {"easy": (1, 13), "medium": (14, 28), "hard": (29, 42)}[difficulty]
        assert bounds[0] <= left <= bounds[1]


def test_other_games_have_neither_stages_nor_positions_that_ship(tmp_path: Path) -> None:
    known = r"known for connect4( and othello)? only, not for tictactoe"
    with pytest.raises(ValueError, match=known):
        label_stages(TicTacToe(), tmp_path / "x.csv", 1, seed=0)
    assert default_positions(TicTacToe()) is None


def test_perfect_play_lasts_as_long_as_the_score_says() -> None:
    pytest.importorskip("bitbully", reason="needs the extra 'solver'")
    game = Connect4()
    path = default_positions(game)
    assert path is not None
    every = read_positions(game, path)
    some = np.arange(310, 600, 29)  # middle and end, which are solved quickly
    state, scores = take(every.state, some), every.scores[some]
    played = game.observe(state).planes.sum(axis=(1, 2, 3))
    best = np.nanmax(scores, axis=1)
    expected = [plies_left(s, int(p)) for s, p in zip(best, played, strict=True)]
    assert min(best) < 0 < max(best)
    solver = solver_for(game)

    def choose(turn: Turn) -> Int:
        best_moves: Int = np.nanargmax(solver.scores(turn.state), axis=1).astype(np.int32)
        return best_moves

    lanes = np.concatenate([ply.turn.lane for ply in lockstep(game, state, choose)])
    assert np.bincount(lanes).tolist() == expected


def test_labels_are_the_same_for_a_seed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("bitbully", reason="needs the extra 'solver'")
    late = [name for name in SETS if not name.startswith("begin")]  # solved quickly
    monkeypatch.setattr(connect4, "SETS", late)
    monkeypatch.delitem(STAGES, "begin")
    game = Connect4()
    for name in ("one.csv", "two.csv"):
        label_stages(game, tmp_path / name, 1, seed=5)
    text = (tmp_path / "one.csv").read_text()
    assert text == (tmp_path / "two.csv").read_text()
    assert [line.split(",")[0] for line in text.splitlines()] == ["set", *late]
    positions = read_positions(game, tmp_path / "one.csv")
    np.testing.assert_array_equal(solver_for(game).scores(positions.state), positions.scores)


def test_random_positions_tell_who_moves_and_how() -> None:
    game = Connect4()
    plies = np.array([0, 3, 8, 41] * 8)
    openings = random_positions(game, plies, np.random.default_rng(0))
    played = (openings.moves >= 0).sum(axis=1)
    stones = game.observe(openings.state).planes.sum(axis=(1, 2, 3))
    np.testing.assert_array_equal(played, stones)
    np.testing.assert_array_equal(openings.second, stones % 2 == 1)
    assert not openings.state.over.any()
    assert (played == 3).sum() == 8
    assert (played == 41).sum() < 8  # most have ended before


def test_openings_are_distinct_up_to_the_mirror() -> None:
    game = Connect4()
    rng = np.random.default_rng(0)
    assert len(np.unique(canonical_keys(game, distinct_openings(game, 25, 2, rng).state))) == 25
    more = distinct_openings(game, 30, 2, rng)  # there are (49 + 1) / 2 of them
    assert length(more) == 30
    assert len(np.unique(canonical_keys(game, more.state))) == 25
    with pytest.raises(ValueError, match="random games of tictactoe end before 9 moves"):
        distinct_openings(TicTacToe(), 5, 9, rng)


@pytest.mark.parametrize(
    ("header", "line"),
    [
        ("s7,s6,s5,s4,s3,s2,s1,moves,set", "7,6,5,4,3,2,1,44,a"),
        ("set,moves,score,s1,s2,s3,s4,s5,s6,s7", "a,44,0.5,1,2,3,4,5,6,7"),
        ("id,set,note,moves,s1,s2,why,s3,s4,s5,s6,s7,", '9,a,"x,\ny",44,1,2,,3,4,5,6,7,'),
        ("Set, Moves, S1, S2, S3, S4, S5, S6, S7", "a, 44, 1, 2, 3, 4, 5, 6, 7"),
        ("set;moves;s1;s2;s3;s4;s5;s6;s7", "a;44;1;2;3;4;5;6;7"),
        ('"set"\t"moves"\ts1\ts2\ts3\ts4\ts5\ts6\ts7', "a\t4 4\t1\t2\t3\t4\t5\t6\t7"),
    ],
)
def test_columns_are_found_by_their_names(tmp_path: Path, header: str, line: str) -> None:
    path = tmp_path / "truth.csv"
    for end, encoding in (("\n", "utf-8"), ("\r\n", "utf-16"), ("\r", "utf-8-sig")):
        path.write_bytes(f"{header}\n{line}\n".replace("\n", end).encode(encoding))
        positions = read_positions(Connect4(), path)
        assert positions.set_names == ("a",)
        assert positions.scores.tolist() == [[1, 2, 3, 4, 5, 6, 7]]


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("set,s1,s2,s3,s4,s5,s6", r"the columns moves, s7 are missing; positions of connect4 \(7"),
        (f"{HEADER},s8", "the column s8 is of a game of more actions"),
        (f"{HEADER},s3", "a column is there twice"),
        ("", "the columns set, moves, s1, s2, s3, s4, s5, s6, s7 are missing"),
    ],
)
def test_a_header_that_does_not_do_is_named(tmp_path: Path, header: str, message: str) -> None:
    with pytest.raises(ValueError, match=rf"truth\.csv, line 1: the header is .*: {message}"):
        read_positions(Connect4(), write(tmp_path, "a,44,0,0,0,0,0,0,0", header=header))


@pytest.mark.parametrize("score", ["nan", "inf", "-1e999", "1e39"])
def test_scores_are_numbers(tmp_path: Path, score: str) -> None:
    path = write(tmp_path, f"a,44,0,0,0,{score},0,0,0")
    with pytest.raises(ValueError, match=f"line 2: the score '{score}' is no number that counts"):
        read_positions(Connect4(), path)


def test_files_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packed = tmp_path / "bomb.csv.gz"
    packed.write_bytes(gzip.compress(bytes(1 << 20)))
    monkeypatch.setattr(positions_module, "BYTES", 1 << 19)
    with pytest.raises(ValueError, match=r"bomb\.csv\.gz is too long: at most 524,288 bytes"):
        read_positions(Connect4(), packed)
    monkeypatch.setattr(positions_module, "MOST", 2)
    line = "a,44,0,0,0,0,0,0,0"
    with pytest.raises(ValueError, match="line 4: more than 2 positions; split the file"):
        read_positions(Connect4(), write(tmp_path, line, line, line))
    with pytest.raises(ValueError, match="line 2: 43 moves; no game of connect4 has more than 42"):
        read_positions(Connect4(), write(tmp_path, line.replace("44", "4" * 43)))


def test_a_file_is_found_by_its_name_or_its_path(tmp_path: Path) -> None:
    game = Connect4()
    assert find_positions(game, "") == find_positions(game, "stages") == default_positions(game)
    assert find_positions(game, "stages") == shipped_positions(game, "stages")
    assert find_positions(TicTacToe(), "") is None
    assert find_positions(TicTacToe(), "stages") == Path("stages")  # whatever that is
    assert find_positions(game, str(tmp_path / "x.csv")) == tmp_path / "x.csv"


def test_the_first_of_each_set_and_what_tells_files_apart(tmp_path: Path) -> None:
    lines = [f"{name},{move},0,0,0,0,0,0,{i}" for i, (name, move) in enumerate(
        [("a", ""), ("b", "1"), ("a", "2"), ("a", "3"), ("b", "4")]
    )]  # fmt: skip
    game = Connect4()
    every = read_positions(game, write(tmp_path, *lines))
    for each, kept in ((1, [0, 1]), (2, [0, 1, 2, 4]), (9, [0, 1, 2, 3, 4])):
        some = first_of_sets(every._replace(group=np.arange(10, 15)), each)
        assert some.scores[:, 6].tolist() == kept
        assert some.set_index.tolist() == every.set_index[kept].tolist()
        assert some.group is not None
        assert (some.group - 10).tolist() == kept
        assert length(some.state) == len(kept)
    assert digest(every) == digest(read_positions(game, write(tmp_path, *lines)))
    assert len(digest(every)) == 16
    others = ([*lines[:4], "b,5,0,0,0,0,0,0,4"], [*lines[:4], "b,4,0,0,0,0,0,0,5"],
              [*lines[:4], "c,4,0,0,0,0,0,0,4"], lines[:4], lines[::-1])  # fmt: skip
    digests = {digest(read_positions(game, write(tmp_path, *other))) for other in others}
    assert len(digests | {digest(every)}) == 6
