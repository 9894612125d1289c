"""Trials by bigsteps: what they prove, what they count, when they end."""

from __future__ import annotations

import copy
import itertools
from typing import Any

import numpy as np
import pytest
from provers import TRAP, game_of, moves_are_accepted, number_of
from reference import uniform

from envs.proving.calculus.tableau import INFERENCES, MOVES, OVER, RUNNING
from envs.proving.game import Proving
from selfplay import arrays
from selfplay.proving.lessons import replay
from selfplay.proving.searches import attempt_unguided
from selfplay.proving.trials import Metered, TreeMemory, Trial, _favourites, attempt
from selfplay.search import Gumbel, Puct, Search
from selfplay.search.forest import Forest
from selfplay.search.tree import NONE, edges_of, new_tree

BUDGET = 400
SEARCHES = [
    pytest.param(Puct(simulations=32), id="puct"),
    pytest.param(Gumbel(simulations=32), id="gumbel"),
    pytest.param(Puct(simulations=32, look_ahead=False), id="puct-without-look-ahead"),
]


def pelletier(game: Proving, numbers: range) -> list[int]:
    return [number_of(game.library, f"pelletier_{number:02d}") for number in numbers]


def trials(
    game: Proving,
    search: Search,
    problems: list[int],
    inferences: int = BUDGET,
    seed: int = 0,
    memory: TreeMemory | None = None,
) -> list[Trial]:
    rng = np.random.default_rng(seed)
    return list(attempt(game, search, uniform, problems, inferences, rng, 8, memory=memory))


# with one simulation a bigstep, most moves are made before the tree has tried them
ONE = pytest.param(Puct(simulations=1, look_ahead=False), id="one-simulation")


@pytest.mark.parametrize("search", [*SEARCHES, ONE])
def test_easy_problems_are_proved_and_the_proofs_accepted(game: Proving, search: Search) -> None:
    problems = pelletier(game, range(1, 34))
    found = trials(game, search, problems)
    assert sorted(trial.problem for trial in found) == sorted(problems)
    proved = [trial for trial in found if trial.proved]
    assert len(proved) >= 24
    for trial in proved:
        _, end = replay(game, trial.problem, trial.actions)
        assert end.tableau.scalars[0, INFERENCES] <= trial.inferences
        assert moves_are_accepted(game, trial.problem, trial.actions)


def test_inferences_are_those_that_the_tree_holds(game: Proving) -> None:
    """Every node of the tree cost what its tableau holds more than its parent's."""
    metered = Metered(game, uniform, False)
    (problem,) = pelletier(game, range(43, 44))
    search = Puct(simulations=300, look_ahead=False)
    state = game.start(np.array([problem], np.int32))
    forest = search.plant(metered, state)
    search.search(forest, metered, np.random.default_rng(0), np.zeros(1, np.bool_))
    inferences = forest.states.tableau.scalars[0, :, INFERENCES]
    size = int(forest.tree.size[0])
    held = int((inferences[1:size] - inferences[forest.tree.nodes["parent"][0, 1:size]]).sum())
    assert metered.used[problem] == held > 300
    assert metered.used.sum() == held


@pytest.mark.parametrize("search", SEARCHES)
@pytest.mark.parametrize("budget", [1, 50, 300])
def test_the_budget_is_kept(game: Proving, search: Search, budget: int) -> None:
    """What is under way is finished: the last simulations may each take some inferences more."""
    for trial in trials(game, search, pelletier(game, range(30, 48)), budget):
        if trial.proved:
            assert trial.inferences <= budget
        else:
            assert trial.actions == ()
            assert trial.exhausted or budget <= trial.inferences


def test_a_problem_without_proof_is_exhausted_or_ends_with_the_budget() -> None:
    game = game_of(TRAP.replace("q(b)", "q(c)"))
    assert trials(game, Puct(), []) == []
    (trial,) = trials(game, Puct(simulations=32), [0])
    assert (trial.proved, trial.exhausted, trial.actions) == (False, True, ())
    assert trial.inferences < 20
    endless = game_of(
        """cnf(goal, negated_conjecture, ~ p(a)). cnf(one, axiom, p(X) | ~ p(f(X))).
           cnf(two, axiom, p(X) | ~ p(g(X)))."""
    )
    (trial,) = trials(endless, Puct(simulations=16), [0], 500)
    assert (trial.proved, trial.exhausted) == (False, False)
    assert 500 <= trial.inferences < 600
    assert len(trial.seen) > 10


@pytest.mark.parametrize("search", SEARCHES)
def test_the_same_seed_gives_the_same_trials_in_memory_used_before(
    game: Proving, search: Search
) -> None:
    """Whatever stands in that memory; and what earlier trials gave away stays as it was."""
    problems, others = pelletier(game, range(20, 38)), pelletier(game, range(1, 20))
    memory = TreeMemory()
    before = trials(game, search, others, memory=memory)
    kept = copy.deepcopy(before)
    used = memory.forest
    assert used is not None
    for array in arrays.leaves((used.tree, used.states)):
        array.view(np.uint8)[:] = 0x5B
    again = trials(game, search, problems, memory=memory)
    assert memory.forest is used
    for ours, theirs in ((again, trials(game, search, problems)), (before, kept)):
        assert outcomes(ours) == outcomes(theirs)
        for one, other in zip(positions(ours), positions(theirs), strict=True):
            np.testing.assert_array_equal(one, other)
    assert outcomes(again) != outcomes(trials(game, search, problems, seed=1))


def outcomes(trials: list[Trial]) -> list[Trial]:
    """The trials without seconds and positions."""
    return [trial._replace(seconds=0.0, seen=(), furthest=None) for trial in trials]


def positions(trials: list[Trial]) -> list[Any]:
    return arrays.leaves(tuple((trial.seen, trial.furthest) for trial in trials))


def test_the_ground_holds_the_largest_forest(game: Proving) -> None:
    memory, model = TreeMemory(), Metered(game, uniform, False)
    starts = {count: game.start(np.arange(count, dtype=np.int32)) for count in (3, 5)}
    large = memory.plant(model, starts[5], 9)
    small = memory.plant(model, starts[3], 9)
    assert small.tree.nodes.shape == (3, 9)
    assert np.shares_memory(small.tree.nodes, large.tree.nodes)
    again = memory.plant(model, starts[5], 9)
    assert np.shares_memory(again.tree.nodes, large.tree.nodes)
    other = memory.plant(model, starts[3], 7)
    assert other.tree.nodes.shape == (3, 7)
    assert not np.shares_memory(other.tree.nodes, large.tree.nodes)
    grown = memory.plant(model, starts[5], 7)
    assert memory.forest is grown


def test_lanes_without_a_problem_disturb_no_others(game: Proving) -> None:
    """The last problem, alone among lanes that are done, begins as by itself and has its budget."""
    hard = pelletier(game, range(34, 35))
    easy = pelletier(game, range(1, 8))
    search = Puct(simulations=32)

    def calm(problems: list[int]) -> list[Trial]:
        rng = np.random.default_rng(0)
        return list(attempt(game, search, uniform, problems, BUDGET, rng, 8, explore=False))

    together, (alone,) = calm(easy + hard), calm(hard)
    assert sorted(trial.problem for trial in together) == sorted(easy + hard)
    assert together[-1].problem == hard[0]
    assert not alone.proved
    first = [len(trial.seen) and trial.seen[0].policy.argmax() for trial in (together[-1], alone)]
    assert first[0] == first[1]
    assert together[-1].inferences >= BUDGET <= alone.inferences


def test_favourites_are_what_the_search_looked_into_most(game: Proving) -> None:
    """The most visited child of each position, from the root on, as long as it has 50 visits."""
    tree = new_tree(1, 7, 49)
    tree.edges["child"][:], tree.edges["action"][:] = NONE, np.arange(49) % 7
    tree.nodes["first"][0] = 7 * np.arange(7)  # seven actions each
    tree.nodes["end"][0] = 7 * np.arange(1, 8)
    #          root  1    2   3   4   5   6
    visits = [200, 120, 60, 49, 50, 49, 59]
    parents = [NONE, 0, 0, 1, 1, 4, 2]
    for node, (count, parent) in enumerate(zip(visits, parents, strict=True)):
        tree.nodes["discount"][0, node], tree.nodes["raw_value"][0, node] = 1.0, node / 10
        if parent != NONE:
            edge = edges_of(tree, 0, parent)[node]
            edge["child"], edge["visits"] = node, count
    start = game.start(np.zeros(1, np.int32))
    states = arrays.tree_map(lambda array: np.repeat(array[:, None], 7, axis=1), start)
    states.tableau.scalars[0, :, MOVES] = np.arange(7)
    seen = list(_favourites(Forest(tree, states, game.num_actions), 0))
    assert [one.state.tableau.scalars[0, MOVES] for one in seen] == [0, 1, 4]
    assert [one.value for one in seen] == pytest.approx([0.0, 0.1, 0.4])


def test_what_is_found_in_another_order_is_a_proof_of_the_problem(game: Proving) -> None:
    problem = number_of(game.library, "pelletier_24")
    lines = set()
    for seed in range(8):
        trial = attempt_unguided(game, problem, 2000, np.random.default_rng(seed))
        assert trial.proved
        assert moves_are_accepted(game, problem, trial.actions)
        lines.add(trial.actions)
    assert len(lines) > 1


def test_what_was_seen_are_positions_with_their_policies(game: Proving) -> None:
    """They are copies: what is played later does not change them."""
    problems = pelletier(game, range(30, 48))
    found = trials(game, Puct(simulations=8, look_ahead=False), problems, 120)
    longest = 0
    for trial in found:
        moves = [int(one.state.tableau.scalars[0, MOVES]) for one in trial.seen]
        for before, after in itertools.pairwise(moves):
            assert after in (before + 1, 0) or after <= before  # on along the line, or anew
        assert not moves or moves[0] == 0
        longest = max([longest, *moves])
        for one in trial.seen:
            assert one.state.problem.tolist() == [trial.problem]
            assert one.state.tableau.scalars[0, OVER] == RUNNING
            assert not one.policy[~game.legal(one.state)[0]].any()
            assert one.policy.sum() == pytest.approx(1, abs=1e-5)
            assert -1 <= one.value <= 1
    assert longest > 3
