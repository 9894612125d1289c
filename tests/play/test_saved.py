"""Recorded games: saved and read again, of every format, of runs, as typed; what is broken."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tiny_runs import TINY

from envs import trust
from envs.connect4 import Connect4
from selfplay.config import parse_config
from selfplay.data.readers import import_files
from selfplay.data.readers.wthor import HEADER as WTHOR_HEADER
from selfplay.data.readers.wthor import RECORD
from selfplay.play.saved import Recorded, last_of_run, read_game, save_game, typed_game
from selfplay.play.variations import Variations
from selfplay.training.folder import RunFolder

OPENING = ["f5", "d6", "c3", "d3"]  # of Othello


def moves(recorded: Recorded) -> list[str]:
    tree = recorded.tree
    return [tree.game.action_name(tree.nodes[node].action) for node in tree.line(tree.at)[1:]]


def played(*actions: int) -> Variations:
    tree = Variations(Connect4())
    tree.branch(0, actions)
    return tree


WON = (3, 0, 3, 0, 3, 0, 3)


def test_saved_games_come_back_and_are_a_data_set(tmp_path: Path) -> None:
    path = tmp_path / "games.txt"
    save_game(path, "connect4", played(*WON), ("you", "runs/x:200 # 1"), opening=2)
    save_game(path, "connect4", played(3, 4), ("a", "b"), result=-1)
    assert path.read_text() == (
        "# game: connect4\n"
        "4 1 4 1 4 1 4 # opening 2 seed 0, you against runs/x:200 ? 1: 1-0\n"
        "4 5 0-1 # opening 0 seed 0, a against b: 0-1\n"
    )
    first, last = read_game(path, 1), read_game(path)
    assert (first.spec, first.where) == ("connect4", f"{path}, line 2")
    assert (first.opening, first.players) == (2, ("you", "runs/x:200 ? 1"))
    assert moves(first) == ["4", "1"] * 3 + ["4"]
    assert first.tree.now.over
    assert (moves(last), last.players) == (["4", "5"], ("a", "b"))
    manifest = import_files("moves", [path], "connect4", Connect4(), tmp_path / "data")
    assert manifest.counts["all"].games == 2


def test_a_game_without_an_end_is_saved_without_a_result(tmp_path: Path) -> None:
    path = tmp_path / "games.txt"
    save_game(path, "connect4", played(3))
    assert path.read_text().splitlines()[1] == "4 * # opening 0 seed 0, first against second: *"
    assert moves(read_game(path)) == ["4"]


def test_what_is_no_place_to_save_is_told(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("milk\n")
    with pytest.raises(ValueError, match="is no file of games of connect4"):
        save_game(path, "connect4", played(3))
    assert path.read_text() == "milk\n"
    with pytest.raises(ValueError, match="nothing to save"):
        save_game(path, "connect4", played())
    with pytest.raises(ValueError, match="there is no folder"):
        save_game(tmp_path / "no" / "games.txt", "connect4", played(3))


def test_the_moves_as_typed() -> None:
    assert moves(typed_game("connect4", ["4436522"])) == list("4436522")
    assert moves(typed_game("connect4", ["44", "3", "6"])) == list("4436")
    assert moves(typed_game("othello", ["F5d6c3d3"])) == OPENING
    with pytest.raises(ValueError, match=r"the moves typed: move 7: 4 cannot be played here"):
        typed_game("connect4", ["4444444"])
    with pytest.raises(ValueError, match=r"move 8: 1 cannot be played: the game is over"):
        typed_game("connect4", ["41414141"])


def wthor(*games: list[int]) -> bytes:
    header, records = np.zeros(1, WTHOR_HEADER), np.zeros(len(games), RECORD)
    header["games"], header["year"] = len(games), 1999
    for record, squares in zip(records, games, strict=True):
        record["moves"][: len(squares)], record["discs"] = squares, 33
    return header.tobytes() + records.tobytes()


@pytest.mark.parametrize(
    ("name", "content", "spec"),
    [
        ("o.sgf", b"(;GM[2]SZ[8];B[f5];W[d6];B[c3];W[d3])", None),
        ("o.pgn", b'[Event "x"]\n\n1. f5 d6 2. c3 d3 *\n', "othello"),
        ("o.txt", b"f5d6c3d3\n", "othello"),
        ("o.moves", b"# game: othello\n\n# a remark\nf5 d6 c3 d3 # and another\n", None),
        ("o.wtb", wthor([56, 64, 33, 34]), None),
    ],
)
def test_every_format_is_read(tmp_path: Path, name: str, content: bytes, spec: str | None) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    recorded = read_game(path, 1, spec)
    assert recorded.spec == "othello"
    assert moves(recorded) == OPENING
    assert recorded.players == ("first", "second")
    with pytest.raises(ValueError, match=f"{name} has 1 games; there is no game 2"):
        read_game(path, 2, spec)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.txt", "# game: connect4\n44\n4444444\n", r"a.txt, line 3: move 7: 4 cannot be played"),
        ("b.txt", "# game: connect4\n4 9\n", r"b.txt, line 2: .*9"),
        ("c.txt", "# game: connect4\n", r"c.txt holds no games"),
        ("d.txt", "44\n", r"d.txt does not tell of which game it is: name it with --game GAME"),
        ("e.sgf", "(;GM[1];B[aa])", r"e.sgf, line 1: GM\[1\] is Go"),
        ("f.sgf", "(;GM[2];B[f5];B[d6])", r"f.sgf, line 1: move 2 is told of the player whose"),
        ("g.txt", "# game: solitaire\n1\n", r"there is no game 'solitaire'"),
        ("h.wtb", "short", r"h.wtb is cut short"),
    ],
)
def test_what_is_broken_is_one_sentence(
    tmp_path: Path, name: str, content: str, reason: str
) -> None:
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(ValueError, match=reason) as told:
        read_game(path)
    assert "\n" not in str(told.value)


def test_no_code_of_a_stranger_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "evil.py").write_text("raise SystemExit('ran')\n")
    path = tmp_path / "games.txt"
    path.write_text("# game: evil:Game\n1\n")
    trust.begin([], everything=False)
    with pytest.raises(ValueError, match="'evil:Game', which is code that does not come with"):
        read_game(path)


def test_a_run_s_own_games(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    config = parse_config({**TINY, "game": "connect4"}, (), "test")
    run.config_file.write_text(config.model_dump_json())
    with pytest.raises(ValueError, match="has kept no games"):
        last_of_run(run)
    (tmp_path / "games").mkdir()
    for number, text in ((500, "4 4 # opening 1 seed 7\n3 3 # opening 2 seed 8\n"), (501, "")):
        run.games(number).write_text(text)
    last = last_of_run(run)
    assert (last.spec, last.where) == ("connect4", f"{run.games(500)}, line 2")
    assert (moves(last), last.opening, last.tree.seed) == (["3", "3"], 2, 8)
    assert moves(last_of_run(run, 1)) == ["4", "4"]
