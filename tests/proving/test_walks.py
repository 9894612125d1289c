"""Hashed term walks: what they tell apart and what not, and how many there are."""

from typing import Any

import numpy as np
from provers import game_of
from reference import assert_same_arrays, row

from envs.proving.calculus.tableau import INFERENCES, MOVES, OPTIONS, OVER, SIZE, VARIABLES
from envs.proving.game import Proving, ProvingState
from envs.proving.views.walks import CONTEXT, OPTION, TABLE, WalksObs
from selfplay import arrays
from selfplay.proving.lessons import replay

SIZES: dict[str, Any] = {"nodes": 32, "variables": 32, "actions": 8}

# a goal and what comes after it; two ways to close it, with a choice after each
SMALL = """
cnf(goal, negated_conjecture, ~ p(a,f(X,b)) | ~ q(a)).
cnf(one, axiom, p(Y,f(X,b)) | ~ r(X,Y)).
cnf(two, axiom, p(Y,f(a,b)) | ~ r(Y,a)).
cnf(three, axiom, r(X,Y) | ~ q(f(X,Y))).
cnf(four, axiom, r(Y,X) | ~ s(X)).
cnf(five, axiom, q(f(Y,a)) | ~ s(Y)).
cnf(six, axiom, q(f(X,Y)) | ~ p(X,a)).
"""
# two start clauses, from which the same goal r(a) is reached below different literals
TWO_WAYS = """
cnf(left, negated_conjecture, ~ p(a)). cnf(right, negated_conjecture, ~ q(a)).
cnf(l, axiom, p(X) | ~ r(X)). cnf(r, axiom, q(X) | ~ r(X)).
cnf(m, axiom, r(X) | ~ t(X)). cnf(n, axiom, r(X) | ~ u(X,X)).
cnf(t1, axiom, t(X) | ~ v1(X)). cnf(t2, axiom, t(X) | ~ v2(X)).
cnf(u1, axiom, u(X,Y) | ~ v1(X)). cnf(u2, axiom, u(X,Y) | ~ v2(X)).
"""


def small(text: str = SMALL) -> Proving:
    return game_of(text, **SIZES)


def played(game: Proving, *actions: int) -> ProvingState:
    return replay(game, 0, actions)[1]


def seen(game: Proving, state: ProvingState) -> WalksObs:
    obs = game.observe(state)
    assert isinstance(obs, WalksObs)
    return obs


def count(walks: np.ndarray) -> int:
    return int((walks != 0).sum())


def test_variables_have_no_names_but_symbols_have() -> None:
    game, other = small(), small(SMALL.replace("X", "Z").replace("Y", "Other"))
    for actions in ((), (0,), (0, 0), (0, 1), (0, 0, 0)):
        mine, yours = seen(game, played(game, *actions)), seen(other, played(other, *actions))
        assert count(mine.options[0]) > 0
        assert_same_arrays(mine, yours)
    other = small(SMALL.replace("~ q(a)", "~ s(a)"))
    mine, yours = seen(game, played(game, 0)), seen(other, played(other, 0))
    assert set(mine.context[0].tolist()) != set(yours.context[0].tolist())


def test_different_goals_and_different_paths_to_a_goal_are_seen() -> None:
    game = small(TWO_WAYS)
    left, right = (played(game, start) for start in (0, 1))
    for state in (left, right):  # the same goal, the same inferences, and but for the path the rest
        assert state.tableau.scalars[0, OPTIONS] == 2
    for column in (SIZE, VARIABLES, MOVES, INFERENCES):
        assert left.tableau.scalars[0, column] == right.tableau.scalars[0, column]
    a, b = (set(seen(game, state).context[0].tolist()) - {0} for state in (left, right))
    assert len(a - b) == len(b - a) == 2  # the literal above: its predicate, and its argument
    first, second = (seen(game, played(game, 0, i)) for i in (0, 1))
    assert not np.array_equal(first.context, second.context)


def test_a_binding_is_seen() -> None:
    game = small()
    free = played(game, 0)
    bound = arrays.tree_map(np.copy, free)
    terms = game.library.matrix.terms
    constant = next(i for i, head in enumerate(terms.head) if game.library.symbols[head] == "a")
    bound.tableau.bound[0, 0] = constant  # the X of the goal
    a, b = seen(game, free), seen(game, bound)
    assert len(set(a.context[0].tolist()) ^ set(b.context[0].tolist())) == 2  # one walk, two hashes


def test_equal_positions_look_equal_and_rows_do_not_mix() -> None:
    game = small()
    states = [played(game, *actions) for actions in ((0,), (0, 0), (0,), (0, 1))]
    batch = arrays.tree_map(lambda *fields: np.concatenate(fields), *states)
    together = seen(game, batch)
    for i, state in enumerate(states):
        assert_same_arrays(row(together, i), seen(game, state))
    np.testing.assert_array_equal(together.context[0], together.context[2])
    assert not np.array_equal(together.context[0], together.context[1])


def test_nothing_is_seen_when_it_is_over() -> None:
    game = small(
        "cnf(goal, negated_conjecture, ~ p(X)). cnf(end, axiom, p(a))."
        "cnf(dead, axiom, p(b) | ~ q(b))."
    )
    state = played(game, 0)
    assert state.tableau.scalars[0, OVER] == 0
    for action in (0, 1):  # proved, lost
        over, paid = game.step(state, np.array([action], np.int32))
        assert paid.reward[0] == (1, -1)[action]
        obs = seen(game, over)
        assert not obs.context.any()
        assert not obs.options.any()


def test_the_walks_of_a_small_position_counted_by_hand() -> None:
    """Goal ~p(a, f(X, b)): predicate, a, f, X, b.  Beside ~q(a): predicate, a.  Seven numbers.

    The first inference, p(Y, f(X, b)) with ~r(X, Y): the clause, its length, its role; the pairs of
    goal and clause, of which two with the goal's predicate and shape; how often it stands above;
    p, Y, f, X, b; r, X, Y.
    """
    game = small()
    obs = seen(game, played(game, 0))
    assert count(obs.context[0]) == (5) + (2) + (7)
    assert count(obs.options[0, 0]) == (3) + (3) + (1) + (5) + (3)
    assert count(obs.options[0, 1]) == (3) + (3) + (1) + (5) + (3)
    assert count(obs.options[0, 2:]) == 0
    assert obs.context.shape == (1, CONTEXT)
    assert obs.options.shape == (1, 8, OPTION)
    for walks in (obs.context, obs.options):
        assert int(walks.min()) >= 0
        assert int(walks.max()) < TABLE
    start = seen(small(TWO_WAYS), played(small(TWO_WAYS)))
    assert count(start.context[0]) == 1  # nothing is there yet
    assert count(start.options[0, 0]) == (3) + (2)  # the clause, its length, its role; p, a
