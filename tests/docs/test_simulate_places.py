"""The simulation of places, where its answers can be had by hand."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

FILE = Path(__file__).parents[2] / "docs" / "simulate_places.py"
spec = importlib.util.spec_from_file_location("simulate_places", FILE)
assert spec is not None
assert spec.loader is not None
places = importlib.util.module_from_spec(spec)
sys.modules["simulate_places"] = places
spec.loader.exec_module(places)

# four places play 1,000 positions in 1 s; the ways are free
EVEN = places.World(
    4, 1000.0, 4000, 8000.0, spread=0.0, harvest_s=0.0, position_s=0.0, publish_s=0.0
)


def test_in_the_order_of_places_playing_and_learning_alternate() -> None:
    told = places.simulate(EVEN._replace(in_order=True))
    assert told.positions_per_s == pytest.approx(2000)  # 1 s of play, 1 s of 8,000 samples
    assert (told.idle, told.played) == (pytest.approx(0.5), pytest.approx(0.5))
    assert (told.lag, told.lag_max, told.lost) == (0, 0, 0)


@pytest.mark.parametrize(
    ("learner", "rate", "idle", "lag"), [(16_000.0, 4000, 0.5, 1), (2000.0, 1000, 0.0, 2)]
)
def test_in_any_order_the_slower_side_is_the_limit(
    learner: float, rate: float, idle: float, lag: float
) -> None:
    told = places.simulate(EVEN._replace(learner=learner))
    assert told.positions_per_s == pytest.approx(rate, rel=0.02)
    assert told.idle == pytest.approx(idle, abs=0.02)
    assert told.lag == pytest.approx(lag, abs=0.05)


def test_the_lag_is_bounded_by_waiting() -> None:
    slow = EVEN._replace(learner=1e6, spread=0.9, max_lag=1)
    assert places.simulate(slow).lag_max <= 1


def test_deaths_cost_what_was_under_way() -> None:
    """A life of 100 s on average: half a harvest and 500 positions of running games are lost."""
    told = places.simulate(EVEN._replace(learner=1e6, deaths=36.0, under_way=500.0), 4000)
    assert told.lost == pytest.approx(1000 / 100_000, rel=0.15)
