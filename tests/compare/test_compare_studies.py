"""Studies as folders, with answers to each position: what is told of them, and how fast."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from program import answer, run
from synthetic_study import ALPHA_C, ALPHA_D, NET, match_of, write_study
from tiny_runs import events_of

from selfplay.compare.comparison import compare
from selfplay.compare.records import read_run, read_runs
from selfplay.compare.redraws import DRAWS
from selfplay.measure.answers import answers_path, read_answers, write_answers

GAMES = (200, 2000, 20_000)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two experts, three amounts of games, 3 seeds each, 600 positions."""
    place = tmp_path_factory.mktemp("study")
    return write_study(place / "study", ("solver", "minimax:4"), GAMES, (4, 3), 600, 9)


@pytest.fixture(scope="module")
def content(study: Path) -> dict[str, Any]:
    words = "compare", "study", "--json", f"--metric={NET}"
    found: dict[str, Any] = answer(run(study.parent, *words))
    return found


def test_the_exchange_rate_is_told_everywhere(study: Path, content: dict[str, Any]) -> None:
    sentence = content["exchange_sentence"]
    assert sentence.startswith("matching D perfect games takes self-play ")
    (view, *_) = content["views"]
    assert view["exchange_sentence"] == sentence
    perfect, weak = view["exchanges"]
    assert (perfect["expert"], weak["expert"]) == ("solver", "minimax:4")
    assert [match["games"] for match in perfect["matches"]] == list(GAMES)
    assert perfect["matches"][1]["expert_s"] == 200.0
    law = perfect["law"]
    assert law["exponent"]["low"] <= ALPHA_D / ALPHA_C <= law["exponent"]["high"]
    assert law["scale"]["low"] <= match_of(2000) <= law["scale"]["high"]
    page = (study / "report.html").read_text()
    assert f'<p class="answer">{sentence[0].upper()}{sentence[1:]}.</p>' in page
    assert 'id="figure-exchange"' in page
    assert "Exchange rate as a law: mistake rate, net alone" in page
    drawn = (study / "compare" / "figures" / "exchange.svg").read_text()
    assert "CPU seconds of the expert" in drawn
    assert "games of the expert, D" in drawn


def test_pairs_are_paired_and_their_errors_told(content: dict[str, Any]) -> None:
    (view, *_) = content["views"]
    assert all(each["paired"] for each in view["crossings"])
    for each in view["crossings"]:
        spread = each["gap"]["high"] - each["gap"]["low"]
        assert 2 * each["error"] < spread < 9 * each["error"]  # Student's t of few seeds


def test_tensorboard_holds_the_exchange_rate(study: Path, content: dict[str, Any]) -> None:
    (folder,) = (study / "compare").glob("exchange*perfect games*")
    found = events_of(folder)
    tags = [tag for tag in found.Tags()["scalars"] if tag.startswith("exchange/")]
    (tag,) = (tag for tag in tags if "net mistake rate" in tag)
    events = found.Scalars(tag)
    assert [event.step for event in events] == list(GAMES)
    (view, *_) = content["views"]
    last = view["curves"][-1]["flops"][-1]  # stands for what lies beyond
    told = [match["flops"]["value"] or last for match in view["exchanges"][0]["matches"]]
    assert [event.value for event in events] == pytest.approx(np.log10(told), rel=1e-5)


def test_a_run_tells_how_draws_would_move_it(study: Path) -> None:
    points = read_run(study / "own-0").points
    moves, halves = points.redrawn(NET), points.halves(NET)
    assert moves is not None
    assert halves is not None
    assert moves.shape == (9, DRAWS)
    rate = points.of(NET)
    np.testing.assert_allclose(moves.std(axis=1), np.sqrt(rate * (1 - rate) / 600), rtol=0.1)
    assert abs(moves.mean(axis=1)).max() < 0.003
    np.testing.assert_allclose(halves.sum(axis=1), 0, atol=1e-12)
    step = int(sorted((study / "own-0" / "strength").iterdir())[0].stem)
    first = read_answers(answers_path(study / "own-0", step)).mistakes["net"]
    assert halves[0, 0] == pytest.approx(first[::2].mean() - first.mean())
    # runs that were judged on the same positions are moved by the same draws
    other = read_run(study / "own-1").points.redrawn(NET)
    assert other is not None
    assert np.corrcoef(moves[-1], other[-1])[0, 1] > 0.4


def test_missing_and_damaged_answers_leave_pairs_unpaired(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_study(tmp_path, ("solver",), (200,), (2, 2), 100, 3)
    first, second = sorted((tmp_path / "own-0" / "strength").iterdir())[:2]
    first.write_bytes(b"nothing")
    read = read_run(tmp_path / "own-0").points
    assert read.redrawn(NET) is None
    assert "is missing or damaged" in capsys.readouterr().err
    second.unlink()
    found = compare([tmp_path], NET)
    assert not any(each.paired for each in found.views[0].free.crossings)
    assert any("answers to each position" in note for note in found.notes)


def test_other_positions_of_the_same_name_are_refused(tmp_path: Path) -> None:
    write_study(tmp_path, ("solver",), (200,), (1, 1), 100, 2)
    for path in (tmp_path / "own-0" / "strength").iterdir():
        write_answers(path, read_answers(path)._replace(positions="f" * 16))
    with pytest.raises(ValueError, match="were measured on different positions"):
        read_runs([tmp_path])
    write_answers(path, read_answers(path)._replace(positions="e" * 16))
    with pytest.raises(ValueError, match="own-0 was measured on other positions from some step"):
        read_run(tmp_path / "own-0")


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_two_hundred_runs_are_compared_in_a_minute_and_two_gigabytes(tmp_path: Path) -> None:
    """By the CPU seconds of one thread: 6,000 positions, 3 players, 15 checkpoints a run."""
    write_study(tmp_path / "study")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "selfplay.verbs.cli", "compare", "study", f"--metric={NET}"]
    subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    assert seconds < 60
    assert after.ru_maxrss < 2_000_000  # kB
