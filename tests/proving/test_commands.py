"""What holds of every verb and of every run holds of those of proving."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
from compare.test_compare_records import LAW, labels
from program import refused
from sweep.test_sweep import plan_of
from synthetic_runs import write_run
from tiny_runs import change_config
from verbs.test_ranges import BEYOND, assert_refused

from envs import trust
from envs.proving.game import SMALL, Proving
from selfplay.compare.groups import group_runs
from selfplay.compare.records import read_runs
from selfplay.config import Config
from selfplay.sweep.preview import Rates, preview
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
    found = preview(plan, 2, never)
    told = {task.name: (estimate.seconds, estimate.source) for task, _, estimate in found.rows}
    assert told["walks-s0"] == told["graph-s0"] == (30, "its budget")
    assert math.isnan(told["long-s0"][0])


# Runs compared ------------------------------------------------------------------------------------


def test_provers_that_learn_imitate_or_have_no_net_are_three_regimes(tmp_path: Path) -> None:
    for name, learns, measured in (
        ("a", True, True),
        ("b", False, True),
        ("c", False, False),
        ("d", True, False),  # it learned from guided proofs, and was measured without
    ):
        guided = {"regime": {"guided": learns}, "strength": {"guided": measured}}
        write_run(tmp_path / name, LAW, kind="prove", **guided)  # type: ignore[arg-type]
    runs = read_runs([tmp_path])
    assert runs.skipped == ()
    assert [(group.kind, group.label, group.expert) for group in group_runs(runs.runs)] == [
        ("imitation", "imitation", "the unguided search"),
        ("prove", "guided proving", ""),
        ("unguided", "unguided proving, guided false", ""),
        ("unguided", "unguided proving, guided true", ""),
    ]
    for name, width, guided in (("a", 16, True), ("b", 32, True), ("c", 16, False)):
        run = tmp_path / "wide" / name  # where nets differ in size, a search without tells of none
        write_run(run, LAW, kind="prove", width=width, strength={"guided": guided})
    assert labels(tmp_path / "wide") == [
        "guided proving, 508 parameters", "guided proving, 1,004 parameters", "unguided proving",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"strength": {"inferences": 50}}, r"strength.inferences = 0, .*b has 50"),
        ({"strength": {"problems": 7}}, r"strength.problems = 100, .*b has 7"),
        ({"problems": "elsewhere"}, r"problems = '', .*b has 'elsewhere'"),
    ],
)
def test_runs_measured_in_other_ways_are_refused(
    changes: dict[str, Any], said: str, tmp_path: Path
) -> None:
    change_config(write_run(tmp_path / "a", LAW, kind="prove"), game="proving")
    change_config(write_run(tmp_path / "b", LAW, kind="prove", seed=1), game="proving", **changes)
    with pytest.raises(ValueError, match=said):
        read_runs([tmp_path])
