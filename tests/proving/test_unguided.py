"""The search without a net: first in the order of the clauses, then in random orders."""

from __future__ import annotations

import numpy as np
import pytest
from provers import is_accepted, library_of

from envs.proving.calculus.deepening import deepen
from envs.proving.calculus.matrix import Library
from envs.proving.game import load_library
from selfplay.proving import unguided
from selfplay.proving.unguided import search_unguided


@pytest.fixture(scope="module")
def own() -> Library:
    """The problems that ship."""
    return load_library()


def test_short_searches_are_those_in_order(own: Library) -> None:
    for problem in range(0, len(own.forms), 5):
        plain = deepen(own.matrix, problem, inferences=2000)
        found = search_unguided(own.matrix, problem, inferences=2000)
        assert (found.proved, found.exhausted, found.inferences) == (
            plain.proved, plain.exhausted, plain.inferences,
        )  # fmt: skip


def test_other_orders_prove_what_the_first_does_not(
    own: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unguided, "IN_ORDER", 300)
    monkeypatch.setattr(unguided, "_SHUFFLED", 300)
    more = 0
    for problem in range(len(own.forms)):
        plain = deepen(own.matrix, problem, inferences=300)
        found = search_unguided(own.matrix, problem, inferences=3000)
        assert found.inferences <= 3000
        assert found.proved or not plain.proved
        if found.proved and not plain.proved and found.inferences > 300:
            more += 1
            assert is_accepted(own, problem, found.tableau)
    assert more >= 3


def test_budgets_grow(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that what takes long in any order is found in the end."""
    text = "cnf(g, negated_conjecture, ~ p(a)). cnf(o, axiom, p(X) | ~ p(f(X)) | ~ q(X))."
    endless = library_of(text + "cnf(q, axiom, q(X)).")
    monkeypatch.setattr(unguided, "IN_ORDER", 100)
    monkeypatch.setattr(unguided, "_SHUFFLED", 10)
    budgets: list[int] = []
    plain = deepen

    def noted(matrix: object, problem: int, inferences: int, *rest: object, **named: object):  # type: ignore[no-untyped-def]
        budgets.append(inferences)
        return plain(matrix, problem, inferences, *rest, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(unguided, "deepen", noted)
    found = search_unguided(endless.matrix, 0, inferences=100 + 80 + 160 + 25)
    assert not found.proved
    assert budgets == [100] + 8 * [10] + 8 * [20] + [25]
    assert found.inferences == sum(budgets)


def test_it_ends_when_there_is_nothing_left_to_try_or_the_user_says_so() -> None:
    text = "cnf(g, negated_conjecture, ~ p(X) | ~ q(X)). cnf(a, axiom, p(a)). cnf(b, axiom, q(b))."
    library = library_of(text)
    found = search_unguided(library.matrix, 0)
    assert (found.proved, found.exhausted) == (False, True)
    text = (
        "cnf(g, negated_conjecture, ~ p(a)). cnf(o, axiom, p(X) | ~ p(f(X))). cnf(q, axiom, p(b))."
    )
    library = library_of(text)
    asked = iter(np.zeros(3))
    stopped = search_unguided(library.matrix, 0, stop=lambda: next(asked, 1.0) > 0)
    assert (stopped.proved, stopped.exhausted) == (False, False)
    late = search_unguided(library.matrix, 0, seconds=0.2)
    assert not late.proved
    assert late.seconds < 5
