"""Data sets: written, split, counted, read, and refused where damaged."""

from __future__ import annotations

import errno
import functools
import hashlib
import json
import operator
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from test_data_games import lines, random_line

from envs import make
from envs.connect4 import Connect4
from envs.tictactoe import TicTacToe
from selfplay.arrays import take
from selfplay.data import splits
from selfplay.data import writer as writer_module
from selfplay.data.dataset import Dataset, open_data
from selfplay.data.manifest import Source, read_manifest
from selfplay.data.writer import Writer
from selfplay.lines.games import Games, first_rows, replay
from selfplay.lines.keys import canonical_keys, game_keys
from selfplay.lines.openings import random_positions
from selfplay.types import Game

SOURCE = Source("random moves", "none needed", 1.5, 2.0, ("a note",))


def rewritten(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """A data set whose manifest was changed."""
    path = folder / "manifest.json"
    plain = json.loads(path.read_text())
    change(plain)
    path.write_text(json.dumps(plain))


def rehashed(file: Path) -> None:
    """A column that was changed, with its hash in the manifest."""
    sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
    rewritten(
        file.parents[1], lambda plain: plain["shards"][0]["sha256"].update({file.name: sha256})
    )


def played(game: Game, count: int, seed: int = 0) -> Games:
    rng = np.random.default_rng(seed)
    return replay(game, lines(*(random_line(game, rng) for _ in range(count))))


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """400 random games of tic-tac-toe in shards of 100 rows, a third of them for validation."""
    game = TicTacToe()
    path = tmp_path_factory.mktemp("data") / "set"
    held_out = canonical_keys(
        game, random_positions(game, np.full(10, 3), np.random.default_rng(5)).state
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(writer_module, "SHARD_ROWS", 100)
        patch.setattr(splits, "VALIDATION_SHARE", 1 / 3)
        patch.setattr(splits, "KEYS_AT_ONCE", 1000)  # so that resolving goes in parts
        writer = Writer(path, "tictactoe", game, held_out)
        for seed in range(4):
            writer.add(played(game, 100, seed))
        writer.close(SOURCE)
    return open_data(path, game)


def slow_key(mover: int, other: int) -> tuple[str, ...]:
    """A position of tic-tac-toe as text, the least of its eight mirror images."""
    board = np.array([(mover >> i & 1) + 2 * (other >> i & 1) for i in range(9)]).reshape(3, 3)
    turned = [np.rot90(b, k) for b in (board, board.T) for k in range(4)]
    return min(tuple(str(cell) for cell in each.reshape(-1)) for each in turned)


def test_what_was_written_is_read(tmp_path: Path) -> None:
    game = Connect4()
    games = played(game, 30)
    wide = np.random.default_rng(1).random((len(games.action), 7)).astype(np.float16)
    games = games._replace(
        policy=wide.astype(np.float32),
        scores=np.where(wide > 0.5, 3, np.nan).astype(np.float32),
        stakes=wide[:, 0].astype(np.float32),
    )
    writer = Writer(tmp_path / "x", "connect4", game)
    writer.add(games)
    assert (writer.games, writer.positions) == (30, len(games.action))
    writer.close(SOURCE)
    data = open_data(tmp_path / "x", game)
    assert len(data) == len(games.action)
    rows = np.random.default_rng(2).permutation(len(data))
    back = data.take(rows)
    for wrote, read in zip(games, back, strict=True):
        if isinstance(wrote, tuple):
            for a, b in zip(take(wrote, rows), read, strict=True):
                np.testing.assert_array_equal(a, b)
        else:
            np.testing.assert_array_equal(wrote[rows], read)
            assert wrote.dtype == read.dtype
    np.testing.assert_array_equal(data.keys(rows), canonical_keys(game, take(games.state, rows)))
    assert data.manifest.source == SOURCE
    assert data.manifest == read_manifest(tmp_path / "x")


def test_shards_are_whole_and_games_go_on(shared: Dataset) -> None:
    sizes = [shard.rows for shard in shared.manifest.shards]
    assert sizes[:-1] == [100] * (len(sizes) - 1)
    assert sum(sizes) == len(shared)
    everything = shared.take(np.arange(len(shared)))
    parts = [played(TicTacToe(), 100, seed) for seed in range(4)]
    np.testing.assert_array_equal(everything.action, np.concatenate([p.action for p in parts]))
    number = np.concatenate([part.game + 100 * i for i, part in enumerate(parts)])
    np.testing.assert_array_equal(everything.game, number)


def test_splits_have_no_position_in_common(shared: Dataset) -> None:
    state = shared.take(np.arange(len(shared))).state
    seen = {
        name: {slow_key(int(state.mover[i]), int(state.other[i])) for i in shared.rows(name)}
        for name in ("train", "validation", "held_out")
    }
    assert min(map(len, seen.values())) > 5
    assert not seen["train"] & seen["validation"]
    assert not seen["train"] & seen["held_out"]
    assert not seen["validation"] & seen["held_out"]
    rng = np.random.default_rng(5)
    wanted = random_positions(TicTacToe(), np.full(10, 3), rng).state
    held = {slow_key(int(m), int(o)) for m, o in zip(wanted.mover, wanted.other, strict=True)}
    assert seen["held_out"] <= held


def test_counts_are_those_of_a_slow_count(shared: Dataset) -> None:
    games = shared.take(np.arange(len(shared)))
    split_of = np.full(len(shared), 3)
    for which, name in enumerate(("train", "validation", "held_out")):
        split_of[shared.rows(name)] = which
    for which, name in enumerate((*splits.SPLITS, "all")):
        rows = [i for i in range(len(shared)) if name == "all" or split_of[i] == which]
        keys = Counter(slow_key(int(games.state.mover[i]), int(games.state.other[i])) for i in rows)
        results = {}
        for i in rows:
            marks = bin(games.state.mover[i] | games.state.other[i]).count("1")
            results[games.game[i]] = games.outcome[i] * (1 if marks % 2 == 0 else -1)
        counts = shared.manifest.counts[name]
        assert counts.games == len(results)
        assert counts.positions == len(rows)
        assert counts.unique == len(keys)
        assert counts.duplicates == len(rows) - len(keys)
        tally = Counter(float(result) for result in results.values())
        shown = (counts.first_wins, counts.draws, counts.second_wins)
        assert shown == (tally[1.0], tally[0.0], tally[-1.0])
    counts = shared.manifest.counts
    assert counts["all"].games == 400
    assert counts["train"].games == pytest.approx(400 * 2 / 3, abs=3 * 9.5)  # as shared out


def test_mirrored_games_fall_together(tmp_path: Path) -> None:
    game = TicTacToe()
    rng = np.random.default_rng(3)
    line = random_line(game, rng)
    images = [[int(game.action_map[k, a]) for a in line] for k in range(8)]
    others = [random_line(game, rng) for _ in range(50)]
    games = replay(game, lines(*images, *others))
    start = first_rows(games.game)
    keys = canonical_keys(game, games.state)
    hashes = game_keys(game, games.action, start, keys)
    assert len(set(hashes[:8].tolist())) == 1
    assert len(set(hashes.tolist())) == 51
    # a game's hash does not depend on the games beside it
    alone = replay(game, lines(others[7]))
    key = canonical_keys(game, alone.state)
    assert game_keys(game, alone.action, np.array([0]), key)[0] == hashes[15]


def test_fewer_games_are_among_more(shared: Dataset) -> None:
    everything = shared.rows("train")
    count = shared.manifest.counts["train"].games
    number = shared.take(np.arange(len(shared))).game
    before: set[int] = set()
    for games in (1, 10, 100, count):
        rows = shared.rows("train", games)
        assert (np.diff(rows) > 0).all()
        chosen = set(number[rows].tolist())
        assert len(chosen) == games
        assert before <= chosen
        # all training rows of the chosen games, and no others
        assert rows.tolist() == [i for i in everything if number[i] in chosen]
        before = chosen
    with pytest.raises(ValueError, match=f"has {count} train games; you asked for {count + 1}"):
        shared.rows("train", count + 1)
    with pytest.raises(ValueError, match="you asked for 0"):
        shared.rows("train", 0)
    with pytest.raises(ValueError, match="there is no split 'test'; there are train, validation"):
        shared.rows("test")


def test_one_position_a_game(shared: Dataset) -> None:
    number = shared.take(np.arange(len(shared))).game
    rows = shared.rows("train", 50, one_a_game=True, seed=1)
    assert sorted(set(number[rows].tolist())) == number[rows].tolist()
    assert set(rows) <= set(shared.rows("train", 50))
    assert len(rows) == 50
    assert rows.tolist() == shared.rows("train", 50, one_a_game=True, seed=1).tolist()
    # all positions of a game are drawn alike
    whole = shared.rows("train", 1)
    drawn = Counter(int(shared.rows("train", 1, True, seed)[0]) for seed in range(900))
    expected = 900 / len(whole)
    for row in whole:
        assert abs(drawn[int(row)] - expected) < 4 * expected**0.5


@pytest.fixture(scope="module")
def unspoilt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "small"
    writer = Writer(path, "connect4", Connect4())
    writer.add(played(Connect4(), 5))
    writer.close(SOURCE)
    return path


@pytest.fixture
def small(unspoilt: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(unspoilt, tmp_path / "small"))


def test_damage_and_sets_of_other_games_are_told(small: Path, tmp_path: Path) -> None:
    game = Connect4()
    with pytest.raises(ValueError, match=r"holds connect4 \(7 actions\); you asked for tictactoe"):
        open_data(small, TicTacToe())
    with pytest.raises(ValueError, match=r"you asked for connect4-6x5-4 \(6\)"):
        open_data(small, Connect4(6, 5))
    with pytest.raises(ValueError, match=r"there is no data set .*nowhere"):
        open_data(tmp_path / "nowhere", game)
    action = small / "00000" / "action.npy"
    whole = action.read_bytes()
    for damaged in (whole[:-2], whole[:-1] + bytes([whole[-1] ^ 1])):
        action.write_bytes(damaged)
        with pytest.raises(ValueError, match=r"00000/action\.npy is damaged"):
            open_data(small, game)
    action.unlink()
    with pytest.raises(ValueError, match=r"00000/action\.npy is missing"):
        open_data(small, game)
    action.write_bytes(whole)
    assert len(open_data(small, game)) > 0


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda plain: plain.pop("source"), "is damaged"),
        (lambda plain: plain.update(format=99), "has data format 99, this version reads 1"),
        (lambda plain: plain["shards"][0].update(name="../other"), "leads out of the folder"),
        (lambda plain: plain["shards"][0].update(rows=3), "holds .* expected"),
        (lambda plain: plain["shards"][0]["sha256"].pop("key.npy"), "has no hash of key.npy"),
        (lambda plain: plain.update(shards=[]), "names no shard"),
        (lambda plain: plain.update(counts=3), "is damaged"),
    ],
)
def test_a_changed_manifest_is_refused(small: Path, change: Any, sentence: str) -> None:
    rewritten(small, change)
    with pytest.raises(ValueError, match=sentence):
        open_data(small, Connect4())


def test_folders_and_games_that_do_not_fit_are_refused(small: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="small exists already; give another folder with --out"):
        Writer(small, "connect4", Connect4())
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="there are no positions to write"):
        Writer(tmp_path / "empty", "connect4", Connect4()).close(SOURCE)
    objects = make("pettingzoo:pettingzoo.classic.tictactoe_v3")
    with pytest.raises(ValueError, match="are Python objects; a data set needs a game"):
        Writer(tmp_path / "x", "tictactoe", objects)
    game = Connect4()
    writer = Writer(tmp_path / "x", "connect4", game)
    with pytest.raises(ValueError, match="game 2 has no outcome"):
        writer.add(replay(game, lines([0, 1, 0, 1, 0, 1, 0], [3, 3, 3])))
    games = played(game, 2)
    writer.add(games)
    with pytest.raises(ValueError, match=r"columns .*policy; those before had"):
        writer.add(games._replace(policy=np.ones((len(games.action), 7), np.float32)))
    assert not (tmp_path / "x" / "manifest.json").exists()


def test_positions_of_the_tests_are_held_out_by_default(tmp_path: Path) -> None:
    game = Connect4()
    writer = Writer(tmp_path / "x", "connect4", game)
    writer.add(played(game, 500))
    counts = writer.close(SOURCE).counts
    held = splits.held_out_keys(game)
    assert len(held) == 600 + 6000 + 1000  # of the stages, the informative ones, validation
    data = open_data(tmp_path / "x", game)
    rows = data.rows("held_out")
    assert counts["held_out"].positions == len(rows)
    assert set(np.flatnonzero(np.isin(data.keys(np.arange(len(data))), held))) == set(rows)
    assert len(rows) > 100  # the positions after one or two moves are among the test's


def test_two_writers_do_not_share_a_folder(tmp_path: Path) -> None:
    game = TicTacToe()
    one, other = (Writer(tmp_path / "set", "tictactoe", game) for _ in range(2))
    one.add(played(game, 20))
    with pytest.raises(ValueError, match="set is being written by another process"):
        other.add(played(game, 20))
    other.discard()  # takes nothing away from the first
    one.close(SOURCE)
    assert open_data(tmp_path / "set", game).manifest.counts["all"].games == 20
    assert not (tmp_path / "set" / ".lock").exists()


def test_what_a_killed_process_left_is_begun_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_module, "SHARD_ROWS", 50)
    game, path = TicTacToe(), tmp_path / "set"
    killed = Writer(path, "tictactoe", game)
    killed.add(played(game, 40))
    assert (path / "00001" / "action.npy").exists()
    with pytest.raises(ValueError, match="set is being written by another process"):
        Writer(path, "tictactoe", game)
    killed._lock.close()  # the system does it for a killed process
    (path / ".manifest.json.123").write_text("{")
    again = Writer(path, "tictactoe", game)
    again.add(played(game, 12))
    again.close(SOURCE)
    assert open_data(path, game).manifest.counts["all"].games == 12
    assert sorted(entry.name for entry in path.iterdir()) == ["00000", "00001", "manifest.json"]


@pytest.mark.parametrize(
    "name", ["notes.txt", "00000/notes.txt", "00000/mine.npy", "00000/deep/x.npy", "mine/a.npy"]
)
def test_what_may_be_somebodys_is_never_taken_away(tmp_path: Path, name: str) -> None:
    path = tmp_path / "set"
    file = path / name
    file.parent.mkdir(parents=True)
    file.touch()
    (path / ".lock").touch()
    with pytest.raises(ValueError, match="set exists already; give another folder with --out"):
        Writer(path, "tictactoe", TicTacToe())
    (path / ".lock").unlink()
    assert file.exists()
    with pytest.raises(ValueError, match="set exists already"):
        Writer(path, "tictactoe", TicTacToe())


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (OSError(errno.ENOSPC, "full"), r"\(no space left on the disk\).*: make room and run"),
        (OSError(errno.EROFS, "closed"), r"\(the disk is read-only\).*another with"),
        (OSError(errno.EIO, "broken"), r"\(broken\).*run the same command"),
        (OSError("18000 requested, 14272 written"), r"\(no space left on the disk\).*: make room"),
    ],
)
def test_a_disk_that_takes_no_more_is_told_with_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: OSError, sentence: str
) -> None:
    def save(path: Path, *_: object, **__: object) -> None:
        if path.name == "outcome.npy":
            raise error

    monkeypatch.setattr(np, "save", save)
    # numpy says of a file that it could not write whole only how much it wrote
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=0))
    writer = Writer(tmp_path / "set", "tictactoe", TicTacToe())
    writer.add(played(TicTacToe(), 3))
    with pytest.raises(ValueError, match=rf"outcome\.npy could not be saved {sentence}"):
        writer.close(SOURCE)
    writer.discard()
    assert not (tmp_path / "set").exists()


NONSENSE = ["{", "5", "[]", "{}", "null", '"x"', "[" * 100_000, '{"a":' * 100_000, "\0", "", "NaN"]


def test_a_manifest_of_nonsense_is_refused(small: Path) -> None:
    path = small / "manifest.json"
    for text in NONSENSE:
        path.write_text(text)
        with pytest.raises(ValueError, match=r"manifest\.json (is damaged|is not a text|has data)"):
            read_manifest(small)
    path.unlink()
    with pytest.raises(ValueError, match=r"is no whole data set: it has no manifest\.json"):
        open_data(small, Connect4())


PLACES = [
    ("actions",), ("spec",), ("game",), ("created",), ("counts",), ("shards",), ("source",),
    ("counts", "all"), ("counts", "all", "games"), ("counts", "train", "positions"),
    ("source", "expert"), ("source", "expert_s"), ("source", "notes"), ("shards", 0),
    ("shards", 0, "rows"), ("shards", 0, "name"), ("shards", 0, "sha256"),
    ("shards", 0, "sha256", "action.npy"),
]  # fmt: skip
FITTING: dict[Any, list[object]] = {"expert_s": [-1, 1.5, "gone"], "notes": [[], "gone"]}


@pytest.mark.parametrize("value", [None, -1, 1.5, [], {}, [5], {"a": 1}, True, "gone"])
def test_parts_of_a_manifest_are_what_they_must_be(small: Path, value: object) -> None:
    """Told in a sentence whatever stands at any place, or is not there ("gone")."""
    path = small / "manifest.json"
    whole = path.read_text()
    for place in PLACES:
        plain = json.loads(whole)
        part = functools.reduce(operator.getitem, place[:-1], plain)
        if value == "gone":
            del part[place[-1]]
        else:
            part[place[-1]] = value
        if value in FITTING.get(place[-1], []):
            continue
        path.write_text(json.dumps(plain))
        with pytest.raises(ValueError, match=r"set|manifest"):
            open_data(small, Connect4())


def test_columns_that_cannot_be_are_refused_even_where_the_hash_fits(small: Path) -> None:
    values = [
        ("action", 256), ("action", -1), ("action", 7), ("outcome", np.nan), ("outcome", 2),
        ("split", 4), ("game", -1), ("game", 1000),
    ]  # fmt: skip
    nonsense = [
        b"", b"\x93NUMPY", b"\x93NUMPY\x01\x00\x76\x00{" + b"(" * 117, b"PK\x03\x04", b"x" * 100,
        b"\x93NUMPY\1\0\x46\0{'descr': '<i2', 'fortran_order': False, 'shape': (9999999999,), }\n",
    ]  # fmt: skip
    for column, value in values:
        file = small / "00000" / f"{column}.npy"
        whole = file.read_bytes()
        array = np.load(file)
        array[0] = value
        np.save(file, array)
        rehashed(file)
        with pytest.raises(ValueError, match="damaged"):
            open_data(small, Connect4())
        file.write_bytes(whole)
        rehashed(file)
    file = small / "00000" / "action.npy"
    for content in nonsense:
        file.write_bytes(content)
        rehashed(file)
        with pytest.raises(ValueError, match=r"action\.npy cannot be read|action\.npy holds"):
            open_data(small, Connect4())


def test_each_draw_is_of_other_games(shared: Dataset) -> None:
    """Two draws of a third of the games have a third of it in common, within 3 sigma."""
    number = shared.take(np.arange(len(shared))).game
    count = shared.manifest.counts["train"].games
    third = count // 3
    drawn = [set(number[shared.rows("train", third, draw=draw)].tolist()) for draw in range(20)]
    assert all(len(games) == third for games in drawn)
    assert drawn[0] == set(number[shared.rows("train", third)].tolist())
    common = [len(drawn[0] & other) for other in drawn[1:]]
    sigma = (third * (1 / 3) * (2 / 3) * (2 / 3) / len(common)) ** 0.5  # hypergeometric
    assert abs(np.mean(common) - third * third / count) < 3 * sigma
    assert set(number[shared.rows("train", 10, draw=4)].tolist()) <= drawn[4]
