"""NBoard: a recorded session, games in GGF, passes, hostile lines."""

from __future__ import annotations

import io
import random
import re
from collections.abc import Iterator

import numpy as np
import pytest

from envs.othello import Othello
from selfplay.engines.ggf import read_ggf, read_move
from selfplay.engines.nboard import NBoard
from selfplay.engines.table import Table
from selfplay.players.players import RolloutPlayer
from selfplay.players.thinking import Limit

GAME = Othello()
START = "---------------------------O*------*O---------------------------"
# the session that the protocol's description shows
GGF = (
    "(;GM[Othello]PC[NBoard]DT[2014-02-21 20:52:27 GMT]PB[./mEdax]PW[chris]RE[?]TI[15:00]TY[8]"
    f"BO[8 {START} *]B[F5]W[F6]B[D3]W[C5]B[E6]W[F7]B[E7]W[F4];)"
)


class Typed:
    """Lines that have all arrived."""

    def __init__(self, lines: list[str]) -> None:
        self._lines = lines

    def __iter__(self) -> Iterator[str]:
        return iter(self._lines)

    def waiting(self) -> bool:
        return False

    def interrupted(self) -> bool:
        return False


def session(*lines: str) -> tuple[list[str], list[str], Table]:
    """What is answered, what is said on standard error, and the table at the end."""
    table = Table(GAME, RolloutPlayer(8), np.random.default_rng(0))
    output, errors = io.StringIO(), io.StringIO()
    NBoard(table, Typed(list(lines)), output, errors).run()
    return output.getvalue().splitlines(), errors.getvalue().splitlines(), table


def test_the_session_of_the_protocol() -> None:
    told, errors, table = session(
        "nboard 2", f"set game {GGF}", "set depth 6", "ping 1", "go", "hint 2", "move d6//0.5",
        "ping 2", "quit", "ping 3",
    )  # fmt: skip
    assert not errors
    assert told[0] == "set myname mcts:8"
    assert told[1:3] == ["pong 1", "status Thinking"]
    go = next(line for line in told if line.startswith("==="))
    assert re.fullmatch(r"=== [A-H][1-8]/-?\d+\.\d\d/\d+\.\d\d", go)
    hints = [line for line in told[told.index("status Analyzing") :] if line.startswith("search")]
    assert len(hints) >= 2
    for line in hints:
        assert re.fullmatch(r"search ([A-H][1-8])+ -?\d+\.\d\d 0 \d+ \d+ visits", line)
    assert any(re.fullmatch(r"nodestats \d+ \d+\.\d\d", line) for line in told)
    assert told[-1] == "pong 2"
    played = [GAME.action_name(at.action) for at in table.history[:-1]]
    assert played == [
        "f5",
        "f6",
        "d3",
        "c5",
        "e6",
        "f7",
        "e7",
        "f4",
        "d6",
    ]  # go played nothing itself


def test_depths_are_simulations_where_nothing_else_was_asked_for() -> None:
    for depth, simulations in ((0, 10), (6, 80), (12, 640), (20, 10_240), (60, 200_000)):
        assert session(f"set depth {depth}")[2].limit == Limit(simulations)
    table = Table(GAME, RolloutPlayer(8), np.random.default_rng(0), Limit(3))
    NBoard(table, Typed(["set depth 20"]), io.StringIO(), io.StringIO()).run()
    assert table.limit == Limit(3)


def test_boards_that_somebody_set_up() -> None:
    told = read_ggf(f"(;GM[Othello]BO[8 {START} O];)", GAME)
    assert told.start.mover == 1
    names = [GAME.action_name(a) for a in np.flatnonzero(GAME.legal(told.start.state)[0])]
    assert names == ["e3", "f4", "c5", "d6"]  # White's first moves
    row = "O*------" + "-" * 56
    assert read_ggf(f"(;BO[8 {row} O];)", GAME).start.mover == 1
    assert read_ggf(f"(;BO[8 {row} *];)", GAME).start.mover == 1  # Black has no move
    over = read_ggf(f"(;BO[8 {'*' * 3 + '-' * 61} O];)", GAME).start
    assert (over.over, over.paid) == (True, (1.0, -1.0))
    for wrong in (
        "BO[8 -- *]",
        f"BO[6 {START} *]",
        f"BO[8 {START} ?]",
        "GM[Chess]",
        "",
        "x" * 30_000,
    ):
        with pytest.raises(ValueError, match=r"BO\[|GM\[|at most"):
            read_ggf(f"(;{wrong};)", GAME)
    assert read_move("PA/0.0") == "pass"


def test_who_is_passed_over_answers_pa() -> None:
    row = "-O*-----" + "-" * 48 + "*O------"  # Black plays a1; then only Black has a move, c8
    told, errors, table = session(f"set game (;BO[8 {row} *];)", "move A1", "go", "move PA", "go")
    assert not errors
    assert table.now.mover == 0
    assert [line[:6] for line in told if line.startswith("===")] == ["=== PA", "=== C8"]


def test_what_is_not_understood_is_passed_over() -> None:
    lots = random.Random(3)
    words = [
        "set", "game", "depth", "move", "hint", "go", "ping", "learn", "x", "1", "F5", GGF, "é",
        "PA", "\x00", "-3", "nan", "BO[8", "__init__", "nboard",
    ]  # fmt: skip
    lines = [" ".join(lots.choices(words, k=lots.randrange(4))) for _ in range(120)]
    told, errors, _ = session(*lines, "ping 77")
    assert told[-1] == "pong 77"
    assert errors
    assert all(line.startswith("selfplay: ") for line in errors)
