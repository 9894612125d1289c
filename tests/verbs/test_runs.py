"""What ``runs`` and ``show`` tell of folders: whole, going on, stopped, damaged, foreign."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from program import answer, refused, run

from envs.connect4 import Connect4
from envs.toys import Nim
from selfplay.config import Config, changed_options, parse_config
from selfplay.measure.chance import random_level
from selfplay.measure.strength import StrengthSection
from selfplay.players.level_ratings import Levels, Rating, write_levels
from selfplay.system.files import is_locked, locked
from selfplay.training.strength_curve import curves_of
from selfplay.training.summary import summarize
from selfplay.verbs.runs import size_text

LINES: list[dict[str, Any]] = [
    {
        "step": 0, "phase": "strength",
        "strength/mistake_rate": 0.5, "strength/net_mistake_rate": 0.6,
    },
    {"step": 90, "phase": "learn", "learn/policy_loss": 1.25, "cost/wall_s": 61.0, "cost/games": 9},
    {
        "step": 90, "phase": "strength", "strength/mistake_rate": 0.125,
        "strength/mistake_rate_low": 0.1, "strength/mistake_rate_high": 0.2,
        "strength/net_mistake_rate": 0.25,
    },
]  # fmt: skip


def make(folder: Path, changed: int = 0, finished: bool = False, **config: Any) -> Path:
    """A run folder; ``changed``: seconds since 1970 at which it last told something."""
    (folder / "checkpoints").mkdir(parents=True)
    (folder / "checkpoints" / "000003.pt").write_bytes(b"x" * 2000)
    plain = parse_config({"game": "tictactoe", **config}).dump()
    (folder / "config.json").write_text(json.dumps(plain))
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in LINES))
    (folder / "provenance.json").write_text(json.dumps({"finished": finished}))
    for name in ("config.json", "metrics.jsonl"):
        os.utime(folder / name, (changed, changed))
    return folder


def test_runs_come_newest_first_with_their_state(tmp_path: Path) -> None:
    make(tmp_path / "old", 1000, finished=True)
    make(tmp_path / "sweep" / "stopped", 3000)
    make(tmp_path / "busy", 2000)
    with locked(tmp_path / "busy", "is taken"):
        done = run(tmp_path, "runs", ".")
    rows = [line.split() for line in done.stdout.splitlines()]
    assert [row[:3] for row in rows[1:4]] == [
        ["sweep/stopped", "tictactoe", "stopped"],
        ["busy", "tictactoe", "running"],
        ["old", "tictactoe", "finished"],
    ]
    assert rows[1][3:9] == ["12.5%", "mistakes,", "net", "25.0%", "1:01", "90"]
    assert rows[4] == ["Next:", "selfplay", "show", "sweep/stopped"]
    assert not (tmp_path / "old" / ".lock").exists()  # looking leaves nothing behind


def test_the_same_as_json(tmp_path: Path) -> None:
    make(tmp_path / "a", 1000)
    (row,) = answer(run(tmp_path, "runs", str(tmp_path), "--json"))["runs"]
    assert row["positions"] == 90
    assert row["seconds"] == 61.0
    assert row["strength"]["strength/mistake_rate"] == 0.125
    assert row["checkpoints"] == [3]
    assert row["state"] == "stopped"
    assert row["size"] == sum(
        each.stat().st_size for each in (tmp_path / "a").rglob("*") if each.is_file()
    )
    assert row["fault"] is None


def test_broken_and_foreign_folders_are_a_sentence(tmp_path: Path) -> None:
    (make(tmp_path / "torn", 1000) / "config.json").write_text('{"game": "tic')
    (make(tmp_path / "odd", 2000) / "config.json").write_text('{"game": 7, "regime": [], "x": 1}')
    with (make(tmp_path / "cut", 3000) / "metrics.jsonl").open("a") as file:
        file.write('half a li\n{"step": 95, "phase": "learn"}\n')
    code = make(tmp_path / "code", 4000)
    (code / "config.json").write_text('{"game": "evil:Evil"}')
    (tmp_path / "evil.py").write_text("raise SystemExit('it ran')")
    (tmp_path / "photos").mkdir()
    done = run(tmp_path, "runs", ".")
    assert done.returncode == 0
    assert "cut/metrics.jsonl: 1 line is damaged and left out" in done.stdout
    assert "torn/config.json is damaged (" in done.stdout
    assert "photos" not in done.stdout
    assert done.stderr == ""
    for name, sentence in (
        ("torn", "torn/config.json is damaged ("),
        ("odd", "odd/config.json: game = 7: Input should be a valid string"),
        ("code", "code: evil:Evil, stopped, 12.5% mistakes, net 25.0%"),
    ):
        told = run(tmp_path, "show", name)
        assert told.returncode == 0
        assert sentence in told.stdout
        assert told.stderr == ""
    assert "photos is not a run folder (it has no config.json)" in refused(
        run(tmp_path, "show", "photos")
    )
    assert "there is no folder 'nowhere'" in refused(run(tmp_path, "runs", "nowhere"))
    empty = run(tmp_path, "runs", "photos")
    assert empty.stdout.startswith("There is no run in photos.\n")


def test_one_run_with_its_recipe_curve_and_values(tmp_path: Path) -> None:
    make(tmp_path / "a", 1000, search={"simulations": 9})
    (tmp_path / "a" / "games").mkdir()
    (tmp_path / "a" / "games" / "000003.txt").write_text("1 2 # opening 0 seed 0\n")
    lines = run(tmp_path, "show", "a").stdout.splitlines()
    assert lines[0] == "a: tictactoe, selfplay, stopped, 12.5% mistakes, net 25.0%"
    assert lines[1].startswith("9 games, 90 positions, 1:01, ")
    assert "  search.simulations = 9" in lines
    (top,) = (line for line in lines if line.startswith("60.0% |"))
    assert top.removeprefix("60.0% |").startswith("o")  # the net alone, at the beginning
    assert "  mistakes     12.5% with search (95%: 10.0% to 20.0%)" in lines
    assert "  policy loss  1.250" in lines
    assert "  checkpoints  1: 3" in lines
    assert lines[-3] == "Next: selfplay train a   (goes on where it stopped)"
    told = answer(run(tmp_path, "show", "a", "--json"))
    assert told["recipe"] == {"game": "tictactoe", "search.simulations": 9}
    assert [each["strength/mistake_rate"] for each in told["curve"]] == [0.5, 0.125]
    assert told["latest"]["learn/policy_loss"] == 1.25
    assert told["games"] == ["a/games/000003.txt"]


@pytest.mark.parametrize("columns", ["40", "60", "200"])
def test_a_terminal_gets_no_line_that_is_wider(columns: str, tmp_path: Path) -> None:
    make(tmp_path / "a-run-with-a-rather-long-name-in-a-folder", 1000)
    words: dict[str, Any] = {"terminal": True, "COLUMNS": columns, "NO_COLOR": "1", "TERM": "xterm"}
    out = run(tmp_path, "runs", ".", **words).stdout
    table = re.sub("\x1b\\[[0-9;]*m", "", out).splitlines()[:2]
    assert ("tictactoe" in table[1]) == (columns != "40")
    assert ("positions" in table[0]) == (columns == "200")
    assert max(map(len, table)) <= int(columns)
    assert ("size" in table[0]) == (columns == "200")


def test_what_differs_from_the_defaults() -> None:
    assert changed_options(Config()) == {}
    plain = {"search": {"kind": "puct", "simulations": 8}, "budget": {"positions": 5}}
    assert changed_options(parse_config(plain)) == {
        "search.kind": "puct", "search.simulations": 8,
        "budget.seconds": None, "budget.positions": 5,
    }  # fmt: skip


def test_the_curve_has_the_level_of_the_agent_that_ships(tmp_path: Path) -> None:
    measured = {"positions": "", "simulations": 64}
    like = summarize(make(tmp_path / "a", game="connect4", strength=measured))
    names = [curve.name for curve in curves_of(like, {"strength/mistake_rate": 0.75}.get)]
    assert names == ["random moves", "the agent that ships", "net alone", "mistakes"]
    other = summarize(make(tmp_path / "b", game="connect4", strength={"simulations": 8}))
    assert [curve.name for curve in curves_of(other)] == ["net alone", "mistakes"]


def test_what_random_moves_reach_where_it_is_known(tmp_path: Path) -> None:
    """On the positions of Connect Four that ship, as docs/figures.md has it: 36.6%."""
    section, game = StrengthSection(), Connect4()
    assert random_level("strength/mistake_rate", game, section) == pytest.approx(0.366, abs=5e-4)
    assert random_level("strength/vs_random", game, section) == 0.5
    assert random_level("strength/vs_solver", game, section) is None
    assert random_level("strength/mistake_rate", Nim(), section) is None
    make(tmp_path / "a", game="connect4")
    assert "random moves" in run(tmp_path, "show", "a").stdout


def test_the_elo_that_levels_has_measured_is_shown(tmp_path: Path) -> None:
    make(tmp_path / "a")
    assert "Elo" not in run(tmp_path, "show", "a").stdout
    rated = (Rating(1, 100.0, 45.0, 161.0), Rating(None, 849.0, 768.0, 934.0))
    write_levels(tmp_path / "a", Levels("tictactoe", 3, 64, 2160, rated))
    lines = run(tmp_path, "show", "a").stdout.splitlines()
    place = lines.index("Elo above random moves, in 2,160 games, checkpoint 3, 64 simulations:")
    assert lines[place + 1 : place + 3] == [
        "  the agent itself  +849 (95%: +768 to +934)",
        "  level 1           +100 (95%: +45 to +161)",
    ]
    content = answer(run(tmp_path, "show", "a", "--json"))
    assert content["levels"]["ratings"][1]["elo"] == 849.0
    (tmp_path / "a" / "levels.json").write_text("{")
    assert "Elo" not in run(tmp_path, "show", "a").stdout


def test_who_looks_turns_nobody_away(tmp_path: Path) -> None:
    assert not is_locked(tmp_path)
    with locked(tmp_path / "run", "is taken"):
        assert is_locked(tmp_path / "run")
        (tmp_path / "run" / "file").touch()
    assert not is_locked(tmp_path / "run")


def test_sizes() -> None:
    assert [size_text(size) for size in (999, 1000, 12_345, 2.5e9)] == [
        "999 B", "1.0 kB", "12 kB", "2.5 GB",
    ]  # fmt: skip
