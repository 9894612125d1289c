"""WTHOR files built byte by byte: read, replayed, judged, refused."""

from __future__ import annotations

import gzip
import itertools
import struct
from pathlib import Path

import numpy as np
import pytest
from examples import example
from program import refused, run

from envs import make
from selfplay.data.dataset import open_data
from selfplay.data.readers import import_files
from selfplay.data.readers.importer import Imported
from selfplay.data.readers.wthor import NAMES, import_wthor, read_wthor
from selfplay.lines.games import Games
from selfplay.stats import random_actions

GAME = example("othello")
SHORTEST = ["e6", "f4", "e3", "f6", "g5", "d6", "e7", "f5", "c5"]  # White is wiped out: 64-0


def byte(name: str) -> int:
    """A square as WTHOR writes it: the row in the tens, the column in the ones."""
    return 10 * int(name[1]) + "abcdefgh".index(name[0]) + 1


def record(names: list[str], discs: int, black: int = 7, white: int = 8) -> bytes:
    """The 68 bytes of a game; ``discs``: Black's in the end."""
    moves = bytes(byte(name) for name in names)
    return struct.pack("<HHHBB", 1, black, white, discs, discs) + moves.ljust(60, b"\0")


def archive(*records: bytes, year: int = 1999, size: int = 8, count: int | None = None) -> bytes:
    games = len(records) if count is None else count
    return struct.pack("<4BIHHBBBB", 20, 2, 3, 4, games, 0, year, size, 0, 24, 0) + b"".join(
        records
    )


def random_game(seed: int) -> tuple[list[str], int, list[bool]]:
    """The moves of a whole game, Black's score, and who made each move (True: White)."""
    rng = np.random.default_rng(seed)
    state, names, white = GAME.init(rng, 1), [], []
    while not state.over[0]:
        action = random_actions(GAME.legal(state), rng)
        names.append(GAME.action_name(int(action[0])))
        white.append(bool(state.white[0]))
        state, _ = GAME.step(state, action)
    discs = GAME.text(state, 0).splitlines()[-1]
    black, others = (int(word.rstrip(",")) for word in discs.split()[-3::2])
    empties = 64 - black - others
    return names, black + (empties if black > others else empties // 2 * (black == others)), white


def taken(*paths: Path, skip_broken: bool = False) -> tuple[list[Games], Imported]:
    batches: list[Games] = []
    return batches, import_wthor(paths, GAME, batches.append, skip_broken)


def written(tmp_path: Path, content: bytes, name: str = "WTH_1999.wtb") -> Path:
    path = tmp_path / name
    path.write_bytes(content)
    return path


def test_a_file_is_read_as_its_bytes_say(tmp_path: Path) -> None:
    path = written(tmp_path, archive(record(SHORTEST, 64, 5, 260), record(["d3", "c5"], 10)))
    year, records = read_wthor(path)
    assert year == 1999
    assert records["moves"].shape == (2, 60)
    assert records["moves"][1, :3].tolist() == [34, 53, 0]
    assert [NAMES[square] for square in records["moves"][0, :9].tolist()] == SHORTEST
    assert records["discs"].tolist() == [64, 10]
    assert records["black"].tolist() == [5, 7]
    assert records["white"].tolist() == [260, 8]


def test_whole_games_come_in_with_results_and_turns(tmp_path: Path) -> None:
    played = [random_game(seed) for seed in range(30)]
    records = [record(names, discs) for names, discs, _ in played]
    (games,), imported = taken(written(tmp_path, archive(*records)))
    assert imported == Imported("WTHOR 1999", 30, ("1 file, games of 2 players",))
    passes = 0
    for g, (names, discs, white) in enumerate(played):
        rows = games.game == g
        assert [GAME.action_name(int(a)) for a in games.action[rows]] == names
        assert games.second is not None
        assert games.second[rows].tolist() == white
        assert games.state.white[rows].tolist() == white
        result = np.sign(discs - 32)  # for Black
        assert games.outcome[rows].tolist() == [-result if w else result for w in white]
        passes += sum(a == b for a, b in itertools.pairwise(white))
    assert passes > 10  # which the file does not write down


def test_games_that_stop_early_count_by_the_score_told(tmp_path: Path) -> None:
    path = written(tmp_path, archive(record(["f5", "d6"], 20), record(["f5", "f6"], 32)))
    (games,), imported = taken(path)
    assert games.outcome.tolist() == [-1, 1, 0, 0]
    assert imported.notes[1] == "2 games stop before the end; their outcome is the result told"
    # empties count for the winner
    (games,), _ = taken(written(tmp_path, archive(record(SHORTEST, 64))))
    assert games.outcome.tolist() == [1, -1, 1, -1, 1, -1, 1, -1, 1]
    with pytest.raises(ValueError, match="game 1: the score told is 13-51, the moves lead to 64-0"):
        taken(written(tmp_path, archive(record(SHORTEST, 13))))


FAIR = record(["f5", "d6"], 40)
BROKEN = {
    "cut within a game": (archive(FAIR, FAIR)[:-1],
     "is cut short: its header counts 2 games, which take 152 bytes; it has 151"),
    "cut within the header": (archive()[:9],
     "is cut short: it has 9 bytes, the header alone has 16"),
    "empty": (b"", "is cut short: it has 0 bytes"),
    "too long": (archive(FAIR) + b"\0", "is damaged: its header counts 1 games"),
    "another board": (archive(FAIR, size=10), "holds games on 10 x 10; only 8 x 8 is read"),
    "no square": (archive(FAIR, FAIR[:9] + b"\x63" + FAIR[10:]),
     "game 2: move 2 is 99, which is no square (11 to 88)"),
    "a gap": (archive(FAIR[:11] + b"\x22" + FAIR[12:]),
     "game 1: move 4 comes behind the end of the game"),
    "an illegal move": (archive(FAIR, record(["f5", "a1"], 40)), "game 2: move 2 (a1) is illegal"),
    "a move after the end": (archive(record([*SHORTEST, "a1"], 64)),
     "game 1: move 10 comes after the end of the game"),
    "no moves": (archive(record([], 32)), "game 1: there are no moves"),
    "too many discs": (archive(record(["f5"], 65)), "game 1: the score told is 65 discs of 64"),
}  # fmt: skip


@pytest.mark.parametrize("which", BROKEN)
def test_what_is_broken_is_named(tmp_path: Path, which: str) -> None:
    content, sentence = BROKEN[which]
    path = written(tmp_path, content)
    with pytest.raises(ValueError) as error:  # noqa: PT011 (the whole sentence follows)
        taken(path)
    assert str(error.value).startswith(str(path))
    assert sentence in str(error.value)
    assert str(error.value).endswith("(--skip-broken leaves out what is broken)")


def test_what_is_broken_can_be_left_out(tmp_path: Path) -> None:
    for i, (content, _) in enumerate(BROKEN.values()):
        written(tmp_path, content, f"{i:02}.wtb")
    written(tmp_path, archive(FAIR, year=2003), "last.wtb")
    batches, imported = taken(tmp_path, skip_broken=True)
    # two files have a fair game beside the broken one
    assert [len(games.action) for games in batches] == [2, 2, 2]
    assert imported.games == 3
    assert imported.expert == "WTHOR 1999-2003"
    assert "11 broken games or files are left out" in imported.notes
    assert sum(note.startswith("left out: ") for note in imported.notes) == 10


def test_years_come_in_order_and_packed_files_too(tmp_path: Path) -> None:
    written(tmp_path, gzip.compress(archive(record(["f5"], 10), year=1980)), "WTH_1980.wtb.gz")
    written(tmp_path, archive(record(["d3"], 50), year=1977), "WTH_1977.wtb")
    written(tmp_path, b"names", "WTHOR.JOU")
    batches, imported = taken(tmp_path)
    assert [GAME.action_name(int(games.action[0])) for games in batches] == ["d3", "f5"]
    assert (imported.expert, imported.games) == ("WTHOR 1977-1980", 2)


@pytest.mark.parametrize("spec", ["othello?size=6", "connect4"])
def test_other_games_and_boards_are_refused(tmp_path: Path, spec: str) -> None:
    game = make(spec)
    told = rf"hold othello \(64 actions\); you asked for {game.name} \({game.num_actions}\)"
    with pytest.raises(ValueError, match=told):
        import_wthor([tmp_path], game, lambda games: None)


def test_the_same_game_turned_is_the_same_position_by_position(tmp_path: Path) -> None:
    """Eight images of one game: no more unique positions than of one."""
    names, discs, _ = random_game(3)
    actions = [GAME.parse_action(name) for name in names]
    # four of the symmetries of the square keep the start; the others swap the colours
    images = [
        [GAME.action_name(int(a)) for a in GAME.action_map[k][actions]]
        for k in range(8)
        if int(GAME.action_map[k][GAME.parse_action("d4")]) in map(GAME.parse_action, ("d4", "e5"))
    ]
    assert len(images) == 4
    path = written(tmp_path, archive(*(record(image, discs) for image in images)))
    manifest = import_files("wthor", [path], "othello", GAME, tmp_path / "set")
    assert open_data(tmp_path / "set", GAME).manifest == manifest
    counts = manifest.counts["all"]
    assert (counts.games, counts.positions, counts.unique) == (4, 4 * len(names), len(names))


def test_the_command_says_no_game_for_it_is_implied(tmp_path: Path) -> None:
    said = refused(run(tmp_path, "data", "wthor", "--out", "x"))
    assert "importing needs files and a place to go: 'selfplay data wthor PATH --out" in said
