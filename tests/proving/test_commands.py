"""What holds of every verb and of every run holds of those of proving."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from program import refused
from sweep.test_sweep import plan_of
from verbs.test_ranges import BEYOND, assert_refused

from envs import trust
from envs.proving.game import SMALL, Proving
from selfplay.config import Config
from selfplay.sweep.preview import Rates, preview
from selfplay.sweep.slots import Slot
from selfplay.system.printable import printable
from selfplay.truth.solver import is_small

Command = Callable[..., CompletedProcess[str]]


@pytest.mark.parametrize(
    "words",
    [
        "prove p.p --inferences", "prove p.p --seconds", "prove p.p --guided-share",
        "explore none p.p --simulations",
    ],
)  # fmt: skip
@pytest.mark.parametrize("value", BEYOND)
def test_numbers_have_an_end(words: str, value: str, tmp_path: Path) -> None:
    assert_refused(tmp_path, words, value)


@pytest.mark.parametrize("words", ["explore run p.p", "prove p.p --run run"])
def test_no_verb_runs_a_strangers_game(words: str, selfplay: Command, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    config = '{"game": "os:system?command=touch+PWNED"}'
    (tmp_path / "run" / "config.json").write_text(config)
    (tmp_path / "p.p").write_text("fof(c, conjecture, p | ~ p).\n")
    assert "say --trust once" in refused(selfplay(*words.split()))
    assert not (tmp_path / "PWNED").exists()


def test_the_game_is_listed_and_has_no_solver() -> None:
    assert trust.is_listed("proving?problems=x")
    assert not is_small(Proving(str(SMALL)))  # of one player


def test_names_of_files_make_no_lines_and_no_codes(selfplay: Command, tmp_path: Path) -> None:
    """They could pass for what the program says."""
    fake = "a\nselfplay: done\n% SZS status Theorem for b"
    (tmp_path / f"{fake}.p").write_text("fof(c, conjecture, p | ~ p).\n")
    for command in ("prove A.p --net none --seconds 5", "prove missing-A.p --net none"):
        done = selfplay(*(word.replace("A", fake) for word in command.split(" ")))
        lines = (done.stdout + done.stderr).splitlines()
        assert not {"selfplay: done", "% SZS status Theorem for b"} & set(lines)
    said = refused(selfplay("evaluate", "none", "--problems", "\x1b[1mx"))
    assert said == printable(said)


def test_proving_is_not_measured_as_if_it_were_self_play(tmp_path: Path) -> None:
    text = """name = "proofs"
    base = { game = "proving", regime.kind = "prove", net.kind = "walks" }
    arm = [
        { name = "walks", set = { budget.seconds = 30 } },
        { name = "graph", set = { net.kind = "graph", budget.seconds = 30 } },
        { name = "long", set = { budget.positions = 100 } },
    ]
    """

    def never(config: Config) -> Rates:
        raise AssertionError(f"{config.game} was measured")

    plan = plan_of(tmp_path, text, out=str(tmp_path / "out"))
    found = preview(plan, [Slot()] * 2, never)
    told = {task.name: (estimate.seconds, estimate.source) for task, _, estimate in found.rows}
    assert told["walks-s0"] == told["graph-s0"] == (30, "its budget")
    assert math.isnan(told["long-s0"][0])
