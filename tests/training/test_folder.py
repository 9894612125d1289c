"""Run folders: how a run is found by name, and what lies where."""

from __future__ import annotations

from pathlib import Path

import pytest

from envs.tictactoe import TicTacToe
from selfplay.learning.checkpoint import DamagedError
from selfplay.learning.samples import blank_targets
from selfplay.learning.shards import Made, save_shard
from selfplay.training import finding
from selfplay.training.folder import RunFolder, find_run, number


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of runs, and nothing that ships."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(finding, "SHIPPED", tmp_path / "shipped")
    names = ("runs/connect4-s0", "runs/connect4-s1", "runs/hex/big", "shipped/reference/connect4")
    for name in names:
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "config.json").write_text("{}")
    return tmp_path


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("connect4-s0", "runs/connect4-s0"),
        ("s1", "runs/connect4-s1"),
        ("runs/connect4-s0", "runs/connect4-s0"),
        ("hex/big", "runs/hex/big"),
        ("hex", "runs/hex/big"),
        ("big", "runs/hex/big"),
        ("connect4", "shipped/reference/connect4"),  # the whole name of one, a part of three
        ("reference", "shipped/reference/connect4"),
    ],
)
def test_finds_a_run_by_its_folder_or_a_part(name: str, path: str, runs: Path) -> None:
    assert find_run(name).path.resolve() == runs / path


@pytest.mark.parametrize("name", ["connect4-s0", "s1", "connect4"])
def test_a_folder_that_is_no_run_hides_none_and_an_own_run_that_ships(
    name: str, runs: Path
) -> None:
    expected = find_run(name).path
    (runs / name).mkdir()
    assert find_run(name).path == expected
    own = runs / "runs" / "reference" / "connect4"
    own.mkdir(parents=True)
    (own / "config.json").write_text("{}")
    assert find_run("reference/connect4").path.resolve() == own


@pytest.mark.parametrize("name", [".", "..", "", "xyzzy"])
def test_a_folder_that_is_no_run_comes_back_where_nothing_fits(name: str, runs: Path) -> None:
    (runs / "xyzzy").mkdir()
    (runs / "runs" / "v0.1").mkdir()
    (runs / "runs" / "v0.1" / "config.json").write_text("{}")
    assert find_run(name).path == Path(name)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("-s", "'-s' fits several runs: .*connect4-s0, .*connect4-s1"),
        ("conect4-s0", r"no run 'conect4-s0'; did you mean '.*connect4-s0'\?"),
        ("xyzzy", "no run 'xyzzy'; train one with 'selfplay train'"),
    ],
)
def test_a_name_of_no_one_run_says_what_there_is(name: str, sentence: str, runs: Path) -> None:
    with pytest.raises(ValueError, match=sentence):
        find_run(name)


def test_files_are_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    for iteration in (1_000_000, 2, 999_999, 30):
        folder.checkpoint(iteration).parent.mkdir(exist_ok=True)
        folder.checkpoint(iteration).touch()
    (tmp_path / "checkpoints" / ".000031.pt.123").touch()
    numbers = [number(path) for path in folder.checkpoints()]
    assert numbers == [2, 30, 999_999, 1_000_000]
    assert folder.latest() == folder.checkpoint(1_000_000)
    assert folder.leftovers() == [tmp_path / "checkpoints" / ".000031.pt.123"]
    assert RunFolder(tmp_path / "checkpoints").latest() is None


def test_only_what_this_program_writes_is_a_leftover(tmp_path: Path) -> None:
    own = [
        ".config.json.12",
        ".provenance.json.12",
        ".report.md.3",
        "checkpoints/.000031.pt.123",
        "games/.000031.txt.123",
        "replay/.1000000.npz.123",
    ]
    others = [
        ".x.1",
        ".config.json.bak",
        ".config.json.1.2",
        ".000031.pt",
        "checkpoints/.x.1",
        "replay/.31.npz.1",
        "projects/.config.json.12",
        "projects/checkpoints/.000031.pt.123",
    ]
    for name in own + others:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / ".report.md.4").mkdir()
    found = RunFolder(tmp_path).leftovers()
    assert sorted(str(path.relative_to(tmp_path)) for path in found) == own


@pytest.mark.parametrize("content", [b"{", b"\xff", b"[1]", b""])
def test_a_damaged_config_is_named(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_bytes(content)
    with pytest.raises(ValueError, match=r"config\.json is damaged.*--out"):
        RunFolder(tmp_path).config()


def test_small_files_come_back(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.write_json("a.json", {"x": [1, "ü"]})
    assert folder.read_json("a.json") == {"x": [1, "ü"]}
    assert folder.read_json("b.json") == {}
    (tmp_path / "a.json").write_text("{")
    assert folder.read_json("a.json") == {}


def test_a_checkpoint_that_came_without_positions_has_no_file_of_them(tmp_path: Path) -> None:
    game, folder = TicTacToe(), RunFolder(tmp_path)
    folder.checkpoint(1).parent.mkdir()
    for iteration in range(1, 6):
        folder.checkpoint(iteration).touch()
    for iteration, first in ((1, 0), (3, 10), (4, 20)):
        made = Made(0, iteration, first, first + 10)
        save_shard(folder.shard(iteration), blank_targets(game, 10), game.num_actions, made)
    newest = Made(0, 5, 30, 30)
    assert len(folder.load_window(newest, 30, game)) == 3
    assert len(folder.load_window(newest, 15, game)) == 2
    folder.shard(3).unlink()
    assert len(folder.load_window(newest, 10, game)) == 1
    for missing, needed in ((3, 15), (4, 10)):
        folder.shard(missing).unlink(missing_ok=True)
        with pytest.raises(DamagedError, match=r"00000\d\.npz is missing or damaged"):
            folder.load_window(newest, needed, game)
