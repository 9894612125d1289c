"""Runs of provers, compared."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from synthetic_runs import write_run
from test_compare_records import LAW, labels
from tiny_runs import change_config

from selfplay.compare.groups import group_runs
from selfplay.compare.records import read_runs
from selfplay.regimes import REGIMES

pytestmark = pytest.mark.skipif("prove" not in REGIMES, reason="there is no regime 'prove'")


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
