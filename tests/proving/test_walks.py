"""Hashed term walks: what they tell apart and what not, and how many there are."""

import numpy as np

from envs.proving.calculus.matrix import build_library
from envs.proving.calculus.tableau import INFERENCES, MOVES, OPTIONS, OVER, SIZE, VARIABLES
from envs.proving.game import Proving, ProvingState
from envs.proving.logic.formula import Atom, Clause, ClauseForm, Function, Literal, Term, Variable
from envs.proving.views.walks import CONTEXT, OPTION, TABLE, WalksObs
from selfplay import arrays

X, Y, Z = Variable("X"), Variable("Y"), Variable("Z")
A, B = Function("a"), Function("b")


def f(*parts: Term) -> Term:
    return Function("f", parts)


def clause(name: str, *literals: tuple[bool, str, tuple[Term, ...]], goal: bool = False) -> Clause:
    parts = tuple(Literal(sign, Atom(symbol, terms)) for sign, symbol, terms in literals)
    return Clause(parts, name, name, "negated_conjecture" if goal else "axiom")


def game_of(*clauses: Clause) -> Proving:
    form = ClauseForm("small", clauses, True, False, frozenset(), frozenset())
    return Proving(library=build_library([form]), nodes=32, variables=32, actions=8)


def small(x: Term = X, y: Term = Y, second: str = "q") -> Proving:
    """Goal ~p(a, f(x, b)), then ``second``; two ways to close it, with a choice after each."""
    return game_of(
        clause("goal", (False, "p", (A, f(x, B))), (False, second, (A,)), goal=True),
        clause("one", (True, "p", (y, f(x, B))), (False, "r", (x, y))),
        clause("two", (True, "p", (y, f(A, B))), (False, "r", (y, A))),
        clause("three", (True, "r", (x, y)), (False, "q", (f(x, y),))),
        clause("four", (True, "r", (y, x)), (False, "s", (x,))),
        clause("five", (True, "q", (f(y, A),)), (False, "s", (y,))),
        clause("six", (True, "q", (f(x, y),)), (False, "p", (x, A))),
    )


def two_ways(first: str, second: str) -> Proving:
    """Two start clauses, from which the same goal r(a) is reached below different literals."""
    return game_of(
        clause("left", (False, first, (A,)), goal=True),
        clause("right", (False, second, (A,)), goal=True),
        clause("l", (True, first, (X,)), (False, "r", (X,))),
        clause("r", (True, second, (X,)), (False, "r", (X,))),
        clause("m", (True, "r", (X,)), (False, "t", (X,))),
        clause("n", (True, "r", (X,)), (False, "u", (X, X))),
        *(clause(f"t{i}", (True, "t", (X,)), (False, f"v{i}", (X,))) for i in (1, 2)),
        *(clause(f"u{i}", (True, "u", (X, Y)), (False, f"v{i}", (X,))) for i in (1, 2)),
    )


def played(game: Proving, *actions: int) -> ProvingState:
    state = game.start(np.zeros(1, np.int32))
    for action in actions:
        state, _ = game.step(state, np.array([action], np.int32))
    return state


def seen(game: Proving, state: ProvingState) -> WalksObs:
    obs = game.observe(state)
    assert isinstance(obs, WalksObs)
    return obs


def count(row: np.ndarray) -> int:
    return int((row != 0).sum())


def test_variables_have_no_names() -> None:
    game, other = small(), small(Z, Variable("Other"))
    for actions in ((), (0,), (0, 0), (0, 1), (0, 0, 0)):
        mine, yours = seen(game, played(game, *actions)), seen(other, played(other, *actions))
        assert count(mine.options[0]) > 0
        np.testing.assert_array_equal(mine.context, yours.context)
        np.testing.assert_array_equal(mine.options, yours.options)


def test_symbols_have() -> None:
    game, other = small(), small(second="s")
    mine, yours = seen(game, played(game, 0)), seen(other, played(other, 0))
    assert set(mine.context[0].tolist()) != set(yours.context[0].tolist())


def test_different_goals_and_different_paths_to_a_goal_are_seen() -> None:
    game = two_ways("p", "q")
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
        alone = seen(game, state)
        np.testing.assert_array_equal(together.context[i], alone.context[0])
        np.testing.assert_array_equal(together.options[i], alone.options[0])
    np.testing.assert_array_equal(together.context[0], together.context[2])
    assert not np.array_equal(together.context[0], together.context[1])


def test_nothing_is_seen_when_it_is_over() -> None:
    game = game_of(
        clause("goal", (False, "p", (X,)), goal=True),
        clause("end", (True, "p", (A,))),
        clause("dead", (True, "p", (B,)), (False, "q", (B,))),
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
    start = seen(two_ways("p", "q"), played(two_ways("p", "q")))
    assert count(start.context[0]) == 1  # nothing is there yet
    assert count(start.options[0, 0]) == (3) + (2)  # the clause, its length, its role; p, a
