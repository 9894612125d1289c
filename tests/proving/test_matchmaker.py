"""Which problems are served, and which are kept aside."""

from __future__ import annotations

import math

import numpy as np
import pytest

from envs.proving.calculus.matrix import build_library
from envs.proving.game import OWN, Fold, Proving, held_out
from selfplay.config import parse_config
from selfplay.proving.curriculum import Matchmaker


def told(*results: str, uniform: bool = False) -> Matchmaker:
    """A matchmaker that saw these tries of each problem, oldest first; "+" proved, "-" not."""
    match = Matchmaker(len(results), uniform)
    for problem, tries in enumerate(results):
        for sign in tries:
            match.note(problem, sign == "+")
    return match


def test_weights_are_the_published_ones() -> None:
    weights = {
        "": 1.0, "-": 1.0, "-" * 7: 1.0, "-" * 8: 0.1, "-" * 30: 0.1,
        # eight proofs are too few to be sure
        "+" * 7: 1.0, "+" * 8: 1.0, "+" * 11: 1.0, "+" * 12: 0.001, "+" * 40: 0.001,
        # the oldest of thirteen is forgotten
        "-" + "+" * 11: 1.0, "-" + "+" * 12: 0.001, "+" + "-" * 11: 1.0, "+" + "-" * 12: 0.1,
        "-+" * 6: 1.0, "+" * 12 + "-": 1.0,
    }  # fmt: skip
    assert told(*weights).weights().tolist() == list(weights.values())
    assert told(*weights, uniform=True).weights().tolist() == [1.0] * len(weights)


@pytest.mark.parametrize("tries", ["", "-" * 9, "+" * 12])
@pytest.mark.parametrize("uniform", [False, True])
def test_a_refuted_problem_is_never_served_again(tries: str, uniform: bool) -> None:
    match = told(tries, "", "-", uniform=uniform)
    match.note(0, proved=False, refuted=True)
    match.note(0, proved=True)  # once refuted, always
    assert match.weights().tolist() == [0.0, 1.0, 1.0]
    rng = np.random.default_rng(0)
    for _ in range(20):
        assert sorted(match.serve(3, np.arange(3), rng)) == [1, 2]
    assert match.serve(3, np.array([0]), rng).tolist() == []


def test_problems_are_different_and_among_those_asked_for() -> None:
    match = told(*["-" * 10, "+" * 12, "", "+-"] * 25)
    match.note(2, proved=False, refuted=True)
    rng = np.random.default_rng(0)
    among = np.arange(0, 100, 2)
    for count in (1, 10, 49, 50, 200):
        served = match.serve(count, among, rng).tolist()
        assert len(served) == len(set(served)) == min(count, 49)
        assert set(served) <= set(among.tolist()) - {2}


def test_problems_are_served_in_proportion_to_their_weights() -> None:
    match = told("+-", "-" * 8, "+" * 12, "", "+")
    match.note(4, proved=False, refuted=True)
    rng, draws = np.random.default_rng(0), 4000
    served = [int(match.serve(1, np.arange(5), rng)[0]) for _ in range(draws)]
    counts = np.bincount(served, minlength=5)
    weights = [1, 0.1, 0.001, 1, 0]
    for count, share in zip(counts, [weight / 2.101 for weight in weights], strict=True):
        assert abs(count - draws * share) <= 3 * math.sqrt(draws * share * (1 - share))


def test_rates_are_of_the_last_twelve_and_the_edge_between_a_fifth_and_four_fifths() -> None:
    match = told("", "+", "-+--", "-" * 5 + "+" * 12, "+" * 6 + "-" * 9)
    np.testing.assert_array_equal(match.rates(), [np.nan, 1.0, 0.25, 1.0, 0.25])
    assert match.tries.tolist() == [0, 1, 4, 17, 15]
    match = told("", "-", "+----", "-+", "++++-", "+" * 9 + "-", "+", "-" * 9 + "+")
    # rates: none, 0, 0.2, 0.5, 0.8, 0.9, 1, 0.1
    assert match.at_edge(np.arange(8)) == 3 / 7
    assert match.at_edge(np.array([0, 2, 3])) == 1.0
    assert match.at_edge(np.array([1, 6, 2, 3])) == 0.5
    assert math.isnan(match.at_edge(np.array([0])))
    assert math.isnan(match.at_edge(np.array([], np.int64)))


def test_it_goes_on_from_where_it_was() -> None:
    match = told("-" * 9, "+-", "+" * 12, "")
    match.note(1, proved=False, refuted=True)
    saved = match.state_dict()
    again = Matchmaker(4)
    again.load_state_dict(saved)
    assert again.weights().tolist() == match.weights().tolist() == [0.1, 0.0, 0.001, 1.0]
    match.note(3, proved=True)  # what was saved does not change with it
    assert again.tries.tolist() == saved["tries"].tolist() == [9, 3, 12, 0]
    again.note(3, proved=False)
    assert again.rates().tolist() == [0.0, 1 / 3, 1.0, 0.0]
    served = [
        one.serve(2, np.arange(4), np.random.default_rng(5)).tolist() for one in (match, again)
    ]
    assert served[0] == served[1]


# What is kept aside ------------------------------------------------------------------------------


def test_about_fifteen_in_a_hundred_are_kept_aside() -> None:
    count, share = 2000, 0.15
    kept = sum(held_out(f"made_up_{number}") for number in range(count))
    assert abs(kept - count * share) <= 3 * math.sqrt(count * share * (1 - share))
    assert not any(held_out(f"made_up_{number}", 0.0) for number in range(100))
    assert all(held_out(f"made_up_{number}", 1.0) for number in range(100))


def test_each_problem_is_kept_aside_in_one_fold() -> None:
    game = Proving(str(OWN / "pelletier"))
    for folds in (2, 5):
        aside = np.array([game.keeping(fold, folds).held_out for fold in range(folds)])
        assert (aside.sum(axis=0) == 1).all()
        assert aside.any(axis=1).all()
    assert game.fold is None
    recipe = {"game": "proving", "regime": {"kind": "prove", "folds": 5}, "net": {"kind": "walks"}}
    for seed in (3, 8):
        rules = parse_config({**recipe, "seed": seed}).rules()
        assert isinstance(rules, Proving)
        assert rules.fold == (3, 5)
    names = [f"made_up_{number}" for number in range(2000)]
    sizes = [sum(held_out(name, fold=Fold(k, 5)) for name in names) for k in range(5)]
    assert max(abs(size - 400) for size in sizes) <= 3 * math.sqrt(2000 * 0.16)


def test_the_name_alone_decides() -> None:
    """The same on every machine and in every release, whatever stands beside it."""
    names = ["agatha", "pelletier_24", "barber", "one_knave", "ducks", "union_upper", "los"]
    kept = ["pelletier_24", "one_knave", "union_upper"]
    assert [name for name in names if held_out(name)] == kept
    game = Proving(str(OWN / "puzzles"))
    forms = game.library.forms
    aside = [forms[number].name for number in np.flatnonzero(game.held_out)]
    assert aside == ["nobody_claims_to_be_a_knave", "one_knave"]
    backwards = Proving(library=build_library(forms[::-1]))
    assert backwards.held_out.tolist() == game.held_out[::-1].tolist()
