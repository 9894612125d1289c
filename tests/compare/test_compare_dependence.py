"""What an exchange rate depends on: a source that own games learn later, and by how much."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from program import run
from synthetic_study import ALPHA_C, ALPHA_D, NET, match_of, write_sources, write_study

from selfplay.compare.analysis.dependence import MEASURES, Dependence
from selfplay.compare.comparison import Comparison, compare
from selfplay.compare.records import Settings
from selfplay.compare.report.exchange_tables import dependence_tables
from selfplay.compare.sources import read_sources

GAMES = (200, 600, 2000, 6000)
LATER = (0.5, 1.0, 5.0)  # times the compute that own games take for the positions of each source


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("dependence") / "study"
    return write_study(place, ("solver",), GAMES, (4, 3), 2400, 8, LATER)


@pytest.fixture(scope="module")
def compared(study: Path) -> Comparison:
    return compare([study], NET)


def by_source(compared: Comparison, metric: str = NET) -> dict[str, Dependence]:
    return {each.source: each for each in compared.dependences if each.metric == metric}


def test_a_source_that_is_learned_later_is_told(compared: Comparison) -> None:
    found = by_source(compared)
    assert list(found) == ["", "source 0", "source 1", "source 2"]
    assert [each.positions for each in found.values()] == [2400, 800, 800, 800]
    for name, times in zip(list(found)[1:], LATER, strict=True):
        law = found[name].law
        assert law is not None
        assert law.reference == 2000
        assert law.scale.low <= times * match_of(2000) <= law.scale.high
        assert law.exponent.low <= ALPHA_D / ALPHA_C <= law.exponent.high
    early, late = found["source 0"].law, found["source 2"].law
    assert early is not None
    assert late is not None
    assert early.scale.high < late.scale.low
    # beyond what was measured: 5 x 6,000 games
    assert [match.state for match in found["source 2"].matches][-1] == "beyond"


def test_all_positions_together_are_the_law_of_the_view(compared: Comparison) -> None:
    whole = by_source(compared)[""]
    (view, *_) = compared.views
    (exchange,) = view.exchanges
    assert whole.law is not None
    assert exchange.law is not None
    assert whole.law.scale == exchange.law.scale
    assert whole.ratio == pytest.approx((1.0, 1.0, 1.0))


def test_ratios_hold_what_was_planted_of_one_source_to_another(compared: Comparison) -> None:
    """Their own is to all positions, of which no closed form is known: it lies between them."""
    ratios = [each.ratio for source, each in by_source(compared).items() if source]
    assert ratios[0].high < 1 < ratios[2].low
    assert ratios[2].value / ratios[0].value == pytest.approx(10, rel=0.5)


def test_each_measure_that_is_stored_is_told(compared: Comparison) -> None:
    """Mass is 0.9 where a net is right and 0.3 where it errs, so that all three are one law."""
    assert {each.metric for each in compared.dependences} == set(MEASURES)
    usual = by_source(compared)[""].law
    assert usual is not None
    for metric in MEASURES[1:]:
        law = by_source(compared, metric)[""].law
        assert law is not None
        assert law.exponent.value == pytest.approx(usual.exponent.value, abs=0.1)
        assert law.scale.value == pytest.approx(usual.scale.value, rel=0.25)
        assert np.isfinite(law.exponent).all()


def test_the_table_is_compact_and_stands_in_terminal_page_and_numbers(study: Path) -> None:
    told = run(study.parent, "compare", "study", f"--metric={NET}").stdout
    content: dict[str, Any] = json.loads((study / "compare.json").read_text())
    assert len(content["dependences"]) == 12
    last = content["dependences"][3]
    assert (last["source"], last["metric"], last["positions"]) == ("source 2", NET, 800)
    assert last["law"]["scale"]["low"] < LATER[2] * match_of(2000) < last["law"]["scale"]["high"]
    page = (study / "report.html").read_text()
    title = "What the exchange rate depends on: self-play against D perfect games"
    assert page.count(f"{title}<") == 1
    assert told.count(title) == 1


def test_rows_are_mistakes_by_source_then_other_measures(compared: Comparison) -> None:
    (table,) = dependence_tables(compared.dependences)
    assert [row[:2] for row in table.rows] == [
        ("net mistake rate", "all (2,400)"),
        ("net mistake rate", "source 0 (800)"),
        ("net mistake rate", "source 1 (800)"),
        ("net mistake rate", "source 2 (800)"),
        ("policy cross entropy", "all (2,400)"),
        ("net optimal mass", "all (2,400)"),
    ]
    assert table.rows[3][2] == "200 to 2,000: 3 of 4"


def test_sources_are_those_of_the_file_that_runs_were_judged_on(tmp_path: Path) -> None:
    path, digest = write_sources(tmp_path / "positions.csv", 30, 3)
    settings = Settings("tictactoe", 64, str(path))
    found = read_sources(settings, digest)
    assert found is not None
    assert found.names == ("source 0", "source 1", "source 2")
    assert found.set_index.tolist() == [0, 1, 2] * 10
    assert read_sources(settings, "0" * 16) is None  # the file has changed
    assert read_sources(settings._replace(positions="away.csv"), digest) is None
    assert found.legal.tolist() == [6] * 30  # after three moves
    searched = found.searched(12)
    assert searched is not None
    assert searched.tolist() == [*range(12)]
    assert found.searched(13) is None
    whole = found.searched(30)
    assert whole is not None
    assert len(whole) == 30
    assert found.searched(31) is None
    path.write_text("damaged")
    assert read_sources(settings, digest) is None


def test_without_answers_only_measures_are_told(tmp_path: Path) -> None:
    study = write_study(tmp_path / "study", ("solver",), GAMES, (2, 2), 300, 5, LATER)
    for path in (study / "own-0" / "strength").iterdir():
        path.unlink()
    found = compare([study], NET).dependences
    assert {each.source for each in found} == {""}
    assert {each.metric for each in found} == set(MEASURES)
