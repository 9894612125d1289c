"""Move lists: read, replayed, judged, refused; and the same intake for all text formats."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from imported import Taken

from envs.connect4 import Connect4
from envs.tictactoe import TicTacToe
from selfplay.data import intake
from selfplay.data.intake import Notation, Transcript
from selfplay.data.moves import import_moves

FIRST = "1212121"  # the first player stands four high in column 1
SECOND = "21312131"  # the second does


def written(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n")
    return path


def test_lines_are_games(tmp_path: Path) -> None:
    path = written(
        tmp_path / "games.txt",
        "# of a run",
        FIRST,
        "",
        "2 1,31 2 1 3 1 # opening 2 seed 7",
        f"{FIRST}#",
    )
    taken = Taken()
    imported = import_moves([path], Connect4(), taken.add)
    first, second = [0, 1, 0, 1, 0, 1, 0], [1, 0, 2, 0, 1, 0, 2, 0]
    assert taken.lines() == [first, second, first]
    assert taken.outcomes() == [1, -1, 1]
    assert imported == ("games.txt", 3, ())


def test_the_state_and_the_outcome_are_of_the_player_to_move(tmp_path: Path) -> None:
    taken = Taken()
    import_moves([written(tmp_path / "games.txt", SECOND)], Connect4(), taken.add)
    (games,) = taken.parts
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
    monkeypatch.setattr(intake, "BATCH", 7)  # batches end within the file
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
    torn.write_bytes(FIRST.encode())
    refused(torn, "cannot be read: Not a gzipped file")
    wide = tmp_path / "wide.txt"
    wide.write_bytes(FIRST.encode("utf-16"))
    refused(wide, "is not a text file")
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


def test_a_mark_of_the_byte_order_is_no_move(tmp_path: Path) -> None:
    path = tmp_path / "marked.txt"
    path.write_bytes(FIRST.encode("utf-8-sig"))
    assert import_moves([path], Connect4(), Taken().add).games == 1


def test_draws_are_taken(tmp_path: Path) -> None:
    names = [TicTacToe().action_name(a) for a in (0, 1, 2, 4, 3, 5, 7, 6, 8)]
    taken = Taken()
    import_moves([written(tmp_path / "d.txt", " ".join(names))], TicTacToe(), taken.add)
    assert taken.outcomes() == [0]


def test_moves_of_several_characters_stand_apart() -> None:
    notation = Notation(Connect4(12, 3))
    words = notation.split("1 12,3")
    assert notation.actions(Transcript("here", words)) == ([0, 11, 2], [])
    assert notation.split("12") == ["12"]
    assert Notation(Connect4()).split("12 345") == ["1", "2", "3", "4", "5"]


def test_passes_tell_whose_turn_it_is() -> None:
    notation = Notation(Connect4())
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
