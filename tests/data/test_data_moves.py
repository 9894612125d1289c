"""Move lists: read, replayed, judged, refused; and the same importer for all text formats."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from imported import POINTS, WHOLE, Taken, numbered, othello

from envs.connect4 import Connect4
from envs.tictactoe import TicTacToe
from selfplay.data.readers import importer
from selfplay.data.readers.importer import Notation, Transcript
from selfplay.data.readers.moves import import_moves
from selfplay.lines.games import pick

FIRST = "1212121"  # the first player stands four high in column 1
SECOND = "21312131"  # the second does


def written(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n")
    return path


def test_lines_are_games(tmp_path: Path) -> None:
    lines = ["# of a run", FIRST, "", "2 1,31 2 1 3 1 # opening 2 seed 7", f"{FIRST}#"]
    path = written(tmp_path / "games.txt", *lines)
    taken = Taken()
    imported = import_moves([path], Connect4(), taken.add)
    first, second = [0, 1, 0, 1, 0, 1, 0], [1, 0, 2, 0, 1, 0, 2, 0]
    assert taken.lines() == [first, second, first]
    assert taken.outcomes() == [1, -1, 1]
    assert imported == ("games.txt", 3, ())
    # state and outcome are of the player to move
    games = pick(taken.parts[0], slice(7, 15))
    assert games.outcome.tolist() == [-1, 1] * 4
    assert games.state.mover.tolist()[:3] == [0, 0, 1 << 7]
    assert games.state.other.tolist()[:3] == [0, 1 << 7, 1]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("1111111", r"line 2: move 7 \(1\) is illegal"),
        ("12121213", r"line 2: move 8 comes after the end of the game"),
        ("118", r"line 2: '8' is not a column"),
        ("44", "line 2: the moves stop before the end of the game, and no result is told"),
    ],
)
def test_a_bad_game_is_named_or_left_out(tmp_path: Path, line: str, message: str) -> None:
    path = written(tmp_path / "games.txt", FIRST, line, SECOND)
    with pytest.raises(ValueError, match=rf"games\.txt, {message}.*\(--skip-broken"):
        import_moves([path], Connect4(), Taken().add)
    taken = Taken()
    imported = import_moves([path], Connect4(), taken.add, skip_broken=True)
    assert taken.outcomes() == [1, -1]
    assert imported.games == 2
    assert imported.notes[0] == "1 broken games or files are left out"
    assert "games.txt, line 2: " in imported.notes[1]
    assert len(imported.notes) == 2


def test_many_broken_games_are_counted_and_ten_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importer, "BATCH", 7)  # batches end within the file
    broken = ["1111111", "44", FIRST + "3", "9"]
    lines = [broken[i // 2 % 4] if i % 2 else (FIRST, SECOND)[i // 2 % 2] for i in range(48)]
    taken = Taken()
    imported = import_moves([written(tmp_path / "g.txt", *lines)], Connect4(), taken.add, True)
    assert taken.outcomes() == [1, -1] * 12
    assert imported.games == 24
    assert imported.notes[0] == "24 broken games or files are left out"
    assert len(imported.notes) == 1 + 10


def test_files_folders_and_gzip(tmp_path: Path) -> None:
    folder = tmp_path / "games"
    folder.mkdir()
    written(folder / "b.txt", SECOND)
    (folder / "a.txt.gz").write_bytes(gzip.compress(f"{FIRST}\n".encode()))
    written(folder / "notes.md", "no game")
    taken = Taken()
    single = written(tmp_path / "any.name", SECOND)
    imported = import_moves([folder, single], Connect4(), taken.add)
    assert taken.outcomes() == [1, -1, -1]
    assert imported.expert == "games, any.name"


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    def refused(path: Path, message: str) -> None:
        with pytest.raises(ValueError, match=message):
            import_moves([path], Connect4(), Taken().add)

    refused(tmp_path / "absent.txt", "there is no file or folder .*absent")
    refused(tmp_path, r"there are no \.txt or \.moves files in ")
    torn = tmp_path / "torn.txt.gz"
    torn.write_bytes(gzip.compress(FIRST.encode() * 100)[:20])
    refused(torn, r"torn\.txt\.gz cannot be read: ")
    latin = tmp_path / "latin.txt"
    latin.write_bytes("é".encode("latin-1"))
    refused(latin, "line 1: 'é' is not a column")
    refused(written(tmp_path / "none.txt", "# nothing"), "none.txt: there are no games of connect4")
    taken = Taken()
    imported = import_moves(
        [latin, torn, written(tmp_path / "good.txt", FIRST)], Connect4(), taken.add, True
    )
    assert taken.outcomes() == [1]
    assert imported.notes[0] == "2 broken games or files are left out"
    with pytest.raises(ValueError, match=r"no games of connect4 \(left out: .*line 1: 'é'"):
        import_moves([latin], Connect4(), taken.add, True)


def test_draws_are_taken(tmp_path: Path) -> None:
    taken = Taken()
    import_moves([written(tmp_path / "d.txt", "1 2 3 5 4 6 8 7 9")], TicTacToe(), taken.add)
    assert taken.outcomes() == [0]


def test_moves_of_several_characters_stand_apart_and_passes_are_words() -> None:
    notation = Notation(Connect4(12, 3))
    words = notation.split("1 12,3")
    assert notation.actions(Transcript("here", words)) == ([0, 11, 2], [])
    assert notation.split("12") == ["12"]
    notation = Notation(Connect4())
    assert notation.split("12 345") == ["1", "2", "3", "4", "5"]
    # passes tell whose turn it is
    words = notation.split("12 pass 3PA")
    assert words == ["1", "2", "pass", "3", "P", "A"]  # only a word of its own is a pass
    told = Transcript("here", ["1", "2", "pass", "3", "PA", "4"])
    assert notation.actions(told) == ([0, 1, 2, 3], [0, 1, 1, 1])
    assert notation.actions(told._replace(words=["1", "2"])) == ([0, 1], [])
    known = told._replace(players=(1, 0, 1, 0, 1, 0))
    assert notation.actions(known) == ([0, 1, 2, 3], [1, 0, 0, 0])


def test_a_pass_that_was_none_is_seen(tmp_path: Path) -> None:
    path = written(tmp_path / "p.txt", "1 2 -- 1 2 1 2 1")
    with pytest.raises(ValueError, match=r"line 1: move 3 is told of the player whose turn it is"):
        import_moves([path], Connect4(), Taken().add)
    twice = written(tmp_path / "q.txt", "1 2 -- -- 1 2 1 2 1")
    assert import_moves([twice], Connect4(), Taken().add).games == 1
    assert np.isnan(Transcript("here", []).result)


def read(tmp_path: Path, content: bytes) -> tuple[list[list[str]], list[float]]:
    return othello(tmp_path / "o.txt", content)


NUMBERED = numbered("{0}. {1} {2}")


@pytest.mark.parametrize(
    "line",
    [
        WHOLE, WHOLE.upper(), " ".join(POINTS), ",".join(POINTS), "\t".join(POINTS),
        "-".join(POINTS), "; ".join(POINTS), "\xa0".join(POINTS), NUMBERED,
        NUMBERED.replace(".", ""), NUMBERED.replace(". ", "."), f'"{WHOLE}"',
        f"'{WHOLE}',", f"{WHOLE} 35-29", f"{WHOLE} (35-29)", f"35:29 {WHOLE}",
        f"Nicolet 35-29 Tominaga: {WHOLE}", f"A vs. B: {WHOLE}", f"{WHOLE}PAPA",
        f"{' '.join(POINTS)} pass -- ", f"{WHOLE} # 29-35", f"{WHOLE}\f", f"{WHOLE}\x1a",
        NUMBERED.replace(".", ")"), NUMBERED.replace(".", ":"),
        f"\u200b\u201c{WHOLE}\u201d",
    ],
)  # fmt: skip
def test_forms_of_a_line(tmp_path: Path, line: str) -> None:
    assert read(tmp_path, f"# games\n\n{line}\n".encode()) == ([POINTS], [1])


@pytest.mark.parametrize(("end", "encoding"), [("\r\n", "utf-16-le"), ("\u2029", "utf-8-sig")])
def test_line_ends_of_any_system(tmp_path: Path, end: str, encoding: str) -> None:
    content = end.join([WHOLE, "# remark", " ".join(POINTS), ""]).encode(encoding)
    assert read(tmp_path, content) == ([POINTS, POINTS], [1, 1])


@pytest.mark.parametrize(
    "table",
    [
        f"eOthello_id,winner,game_moves\n660731,1,{WHOLE}\n",
        f"game_moves;score\n{WHOLE};35-29\n",
        f'"Moves"\t"Result"\n"{" ".join(POINTS)}"\t"Black wins"\n',
        f'id,moves\n1,"{",".join(POINTS)}"\n# end\n',
        f"moves\n{WHOLE}\n",
        f"sep=;\nid;moves;winner\n1;{WHOLE};Black\n",
    ],
)
def test_tables_are_read_by_their_header(tmp_path: Path, table: str) -> None:
    assert read(tmp_path, table.encode()) == ([POINTS], [1])


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (f"{WHOLE} 29-35", "line 1: the result told is a win of the second player, the moves lead"),
        (f"winner,moves\n-1,{WHOLE}\n", "line 2: the result told is a win of the second player"),
        (f"winner,moves\n1,{WHOLE},x\n", "line 2: 3 columns, the header has 2"),
        (f"winner,moves\nx,{WHOLE[:8]}\n", "line 2: the result 'x' is not understood, and the"),
        (f"{WHOLE[:8]}: {WHOLE[8:]}", "line 1: ':' is not a square"),
        ("f5 " * 50_000, "line 1: 150,000 signs are too many for a game"),
        (f"660731 {WHOLE}", "line 1: '66' is not a square"),
        (f"f5d6 what c5f4 {WHOLE}", "line 1: 'wh' is not a square"),
        (f"A 30-34 B: {WHOLE[:8]} 35-29", "line 1: the results 30-34 and 35-29 do not agree, and"),
        (f"{WHOLE}{WHOLE}", "line 1: there are 120 moves; no game of othello has more than 60"),
    ],
)
def test_what_is_not_in_order_is_named(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=r"o\.txt, ") as caught:
        read(tmp_path, text.encode())
    assert sentence in str(caught.value)


def test_a_result_told_decides_a_game_that_stops_early(tmp_path: Path) -> None:
    games, outcomes = read(tmp_path, b"f5d6c5 30-34\nf5 d6 1-0\nf5d6 1/2\n")
    assert (games[0], outcomes) == (["f5", "d6", "c5"], [-1, 1, 0])


def test_columns_joined_by_dashes_are_no_results_and_numbers_no_columns(tmp_path: Path) -> None:
    numbered = [f"1{sign} 1 2 2{sign} 1 2 3{sign} 1 2 4{sign} 1 1-0" for sign in (".", ":", ")")]
    path = written(tmp_path / "games.txt", "1-2-1-2-1-2-1", *numbered)
    taken = Taken()
    import_moves([path], Connect4(), taken.add)
    assert taken.lines() == [[0, 1, 0, 1, 0, 1, 0]] * 4
