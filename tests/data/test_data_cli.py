"""``selfplay data`` from outside: what it writes, prints and refuses, and Ctrl-C."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest
from program import answer, begun, refused, run, wait_until

from envs.tictactoe import TicTacToe
from selfplay.actors import Processes, Threads
from selfplay.data.dataset import open_data
from selfplay.data.readers import FORMATS
from selfplay.lines import every_line

Data = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("place")


@pytest.fixture(scope="module")
def environment(place: Path) -> dict[str, str]:
    """Labels of its own."""
    return {"XDG_CACHE_HOME": str(place / "cache")}


@pytest.fixture(scope="module")
def data(place: Path, environment: dict[str, str]) -> Data:
    """``selfplay data WORDS`` in ``place``."""

    return partial(run, place, "data", **environment)


@pytest.fixture(scope="module")
def small(data: Data) -> dict[str, Any]:
    """The answer of the command that made ``small``: 90 perfect games of tic-tac-toe."""
    done = data("solver", "tictactoe", "--games", "90", "--seed", "3", "--out", "small", "--json")
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_a_set_is_made_and_told(small: dict[str, Any], place: Path) -> None:
    assert small["game"] == small["spec"] == "tictactoe"
    assert small["source"]["expert"] == "solver, temperature 0"
    assert small["source"]["expert_s"] > 0
    assert small["counts"]["all"]["games"] == small["counts"]["all"]["draws"] == 90
    set_ = open_data(place / "small", TicTacToe())
    assert small["counts"]["all"]["positions"] == len(set_) == 810
    assert small["bytes"] == sum(p.stat().st_size for p in (place / "small").rglob("*.*"))
    everything = set_.take(np.arange(810))
    assert everything.outcome.tolist() == [0] * 810


def test_show_tells_the_same(small: dict[str, Any], data: Data) -> None:
    assert json.loads(data("show", "small", "--json").stdout) == small
    text = data("show", "small").stdout
    assert text.startswith("small: tictactoe, 90 games of solver, temperature 0\n")
    row = next(line.split() for line in text.splitlines() if line.split()[0] == "train")
    assert row[1:] == [f"{value:,}" for value in small["counts"]["train"].values()]
    last = text.splitlines()[-1]
    assert last.startswith("Next: selfplay train ")
    assert "regime.data=small" in last


def test_other_experts_and_options(data: Data, small: dict[str, Any]) -> None:
    done = data(
        "minimax:2", "tictactoe", "--games", "40", "--temperature", "0.5", "--openings", "3",
        "--opening-share", "0.8", "--processes", "1", "--out", "minimax", "--json",
    )  # fmt: skip
    found = answer(done)
    assert found["source"]["expert"] == "minimax:2, temperature 0.5"
    assert found["counts"]["all"]["games"] == 40
    assert found["source"]["notes"][1].startswith("80% of the games start with 1 to 3 random moves")


def test_games_are_played_where_the_backend_says(data: Data) -> None:
    """Two blocks of games, so that one process would not do."""
    words = ("minimax:1", "tictactoe", "--games", "40", "--processes", "2", "--out", "elsewhere")
    with mock.patch.object(Processes, "make_workers", side_effect=ValueError("they are asked")):
        assert "they are asked" in data(*words, "--set", "backend.kind=processes").stderr
        assert "they are asked" in data(*words).stderr
        with mock.patch.object(Threads, "make_workers", side_effect=ValueError("others are")):
            assert "others are" in data(*words, "--set", "backend.kind=threads").stderr


def test_positions_of_a_file_are_held_out(data: Data, place: Path) -> None:
    (place / "truth.csv").write_text("set,moves,s1,s2,s3,s4,s5,s6,s7,s8,s9\na,,0,0,0,0,0,0,0,0,0\n")
    done = data(
        "solver", "tictactoe", "--games", "20", "--exclude", "truth.csv", "--out", "e", "--json"
    )
    counts = answer(done)["counts"]
    assert counts["held_out"]["positions"] == counts["held_out"]["games"] == 20
    assert counts["held_out"]["unique"] == 1


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("solver tictactoo --out x", "there is no game 'tictactoo'; did you mean 'tictactoe'?"),
        ("solver tictactoe --out small", "small exists already; give another folder with --out"),
        ("solver tictactoe", "say where to with --out, as in --out runs/data/tictactoe"),
        (
            "solver tictactoe --opening-share 1 --out x",
            "say how many moves at most with --openings",
        ),
        ("solver --out x", "name one game, as in 'selfplay data solver connect4"),
        ("solver connect4?width=6 --out x", "there is no solver for connect4-6x6-4"),
        ("shwo small", "did you mean 'selfplay data show'?"),
        ("show", "name one data set to show"),
        ("show nowhere", "there is no data set nowhere; make one with 'selfplay data'\n"),
        ("show small --games 3", "--games means nothing to 'selfplay data' with show"),
        ("moves a.txt --out x", "'selfplay data moves PATH --game GAME --out"),
        ("moves --out x", "importing needs files and a place to go: 'selfplay data moves PATH"),
        ("moves a --seed 1 --out x", "--seed means nothing to 'selfplay data' with moves"),
        ("moves a --seed 0 --out x", "--seed means nothing to 'selfplay data' with moves"),
        ("show small --set backend.kind=ray", "--set means nothing to 'selfplay data' with show"),
        (
            "reference/connect4:64 --set backend.kind=ray --out x",
            "--set means nothing to 'selfplay data' with a run, whose net plays in this process",
        ),
        ("solver tictactoe --set seed=1 --out x", "games of experts have the options of [backend]"),
        ("solver tictactoe --set backend.kind=cloud --out x", "expected one of 'processes', 'ray'"),
    ],
)
def test_wrong_usage_is_one_sentence(
    data: Data, small: dict[str, Any], place: Path, words: str, sentence: str
) -> None:
    with mock.patch.object(every_line, "MAX_EDGES", 20_000):  # more takes seconds to look at
        done = data(*words.split())
    assert done.returncode == 1
    assert done.stdout == ""
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (place / "x").exists()


def test_help_groups_the_options_by_what_they_are_of(data: Data) -> None:
    told = data("--help")
    assert told.returncode == 0
    expert = told.stdout.partition("of an expert:")[2].partition("of recorded games:")
    recorded = expert[2].partition("experts:")
    assert re.findall(r"^  --([a-z-]+)", expert[0], re.MULTILINE) == [
        "games", "temperature", "openings", "opening-share", "seed", "processes",
        "set",
    ]  # fmt: skip
    assert re.findall(r"^  --([a-z-]+)", recorded[0], re.MULTILINE) == [
        "game", "licence", "skip-broken",
    ]  # fmt: skip
    sources = re.findall(r"^  (\w+)[ :\[].*", recorded[2], re.MULTILINE)
    assert sources == ["solver", "minimax", "mcts", "RUN", *FORMATS, "show"]


def test_a_temperature_below_0_is_wrong_usage(data: Data, place: Path) -> None:
    done = data("solver", "tictactoe", "--temperature", "-1", "--out", "x")
    assert "argument --temperature: '-1' is not a " in refused(done, code=2)
    assert not (place / "x").exists()


def test_damage_is_told(data: Data, small: dict[str, Any], place: Path) -> None:
    column = place / "small" / "00000" / "outcome.npy"
    whole = column.read_bytes()
    column.write_bytes(whole[:-1])
    done = data("show", "small")
    column.write_bytes(whole)
    assert done.returncode == 1
    assert "00000/outcome.npy is damaged" in done.stderr


@pytest.mark.slow  # in short: an interrupted set is removed, in test_data_generate.py
def test_ctrl_c_leaves_nothing_broken(place: Path, environment: dict[str, str]) -> None:
    pytest.importorskip("bitbully")
    # half of the games begin late, where the solver is quick: labels are saved 32 games at a time
    words = "--games 100000 --processes 2 --openings 40 --out long"
    process = begun(place, "data", "solver", "connect4", *words.split(), **environment)
    labels = place / "cache" / "selfplay" / "labels"
    wait_until(lambda: list(labels.glob("connect4-*")))
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: the whole group hears it
    out, told = process.communicate(timeout=60)
    assert process.returncode == 130
    assert out == ""
    assert "long was not completed and has been removed" in told
    assert "Traceback" not in told
    assert not (place / "long").exists()
    assert list(labels.glob("connect4-*"))
    wait_until(lambda: not _is_there(process.pid), 10)


def _is_there(group: int) -> bool:
    """Whether a process of the group is left."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
