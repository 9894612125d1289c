"""What holds of every verb holds of those of proving: numbers, trust, names, what comes next."""

from __future__ import annotations

import json
import math
import shlex
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from sweep.test_sweep import plan_of
from verbs.test_ranges import BEYOND, assert_refused

import envs
from envs.proving.game import SMALL, Proving
from selfplay.config import Config
from selfplay.sweep.measure import Rates
from selfplay.sweep.preview import preview
from selfplay.system.printable import printable
from selfplay.truth.solver import is_small
from selfplay.verbs import cli


@pytest.mark.parametrize(
    "words",
    [
        "prove p.p --inferences", "prove p.p --seconds", "prove p.p --guided-share",
        "explore none p.p --simulations",
    ],
)  # fmt: skip
@pytest.mark.parametrize("value", BEYOND)
def test_numbers_have_an_end(words: str, value: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert_refused(words, value, capsys)


@pytest.mark.parametrize("words", ["explore run p.p", "prove p.p --run run"])
def test_no_verb_runs_a_strangers_game(
    words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("run").mkdir()
    config = {"game": "os:system?command=touch+PWNED"}
    Path("run/config.json").write_text(json.dumps(config), encoding="utf-8")
    Path("p.p").write_text("fof(c, conjecture, p | ~ p).\n", encoding="utf-8")
    assert cli.main(words.split()) == 1
    assert "say --trust once" in capsys.readouterr().err
    assert not Path("PWNED").exists()


def test_the_game_is_listed_within_its_limits_and_has_no_solver() -> None:
    assert envs.is_listed("proving?problems=x")
    with pytest.raises(ValueError, match="expected 1 to 32,767"):
        envs.make("proving?nodes=99999999")
    assert not is_small(Proving(str(SMALL)))  # of one player


def test_names_of_files_make_no_lines_and_no_codes(
    selfplay: Callable[..., CompletedProcess[str]], tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """They could pass for what the program says."""
    fake = "a\nselfplay: done\n% SZS status Theorem for b"
    (tmp_path / f"{fake}.p").write_text("fof(c, conjecture, p | ~ p).\n")
    for command in ("prove A.p --net none --seconds 5", "prove missing-A.p --net none"):
        done = selfplay(*(word.replace("A", fake) for word in command.split(" ")))
        lines = (done.stdout + done.stderr).splitlines()
        assert not {"selfplay: done", "% SZS status Theorem for b"} & set(lines)
    assert cli.main(["evaluate", "none", "--problems", "\x1b[1mx"]) == 1
    err = capsys.readouterr().err
    assert err == printable(err) != ""


@pytest.mark.parametrize(
    ("words", "following"),
    [
        (f"prove {SMALL} --net none --inferences 2000", f"explore none {SMALL}"),
        (f"explore none {SMALL} --simulations 0", f"prove {SMALL} --net none"),
        (f"evaluate none --problems {SMALL} --limit 1 --inferences 50", f"explore none {SMALL}"),
    ],
)
def test_what_is_proposed_next(
    words: str, following: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", None)
    cli.main(shlex.split(words))
    assert f"Next: selfplay {following}" in capsys.readouterr().out


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
