"""Lessons: proofs as moves of the game, what is learned from trials and from parts of them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
from provers import TRAP, game_of
from reference import assert_same_arrays, uniform

from envs.proving.calculus.deepening import deepen
from envs.proving.calculus.tableau import (
    GOAL,
    LEMMAS,
    NO_GOAL,
    OPEN,
    OVER,
    PROVED,
    ROOT,
    SIZE,
    Tableau,
)
from envs.proving.game import Proving
from envs.proving.logic.tptp_writer import clause_text
from envs.proving.proofs.checker import check_proof
from envs.proving.proofs.extract import proof_of
from selfplay import arrays
from selfplay.learning.samples import joined
from selfplay.proving.lessons import (
    Part,
    closed_parts,
    from_failure,
    from_proof,
    lessons_of_parts,
    moves_of,
    part_of,
    replay,
)
from selfplay.proving.trials import Seen, Trial, attempt
from selfplay.search import Puct
from selfplay.types import Targets


@pytest.fixture
def trap() -> Proving:
    return game_of(TRAP, actions=4)


def test_proofs_of_the_unguided_search_are_moves_of_the_game(game: Proving) -> None:
    for problem, form in enumerate(game.library.forms):
        attempt = deepen(game.library.matrix, problem, inferences=20_000)
        if not attempt.proved:
            continue
        moves = moves_of(game, problem, attempt.tableau)
        assert moves is not None, form.name
        positions, end = replay(game, problem, moves)
        assert len(positions) == len(moves)
        tableaux = (arrays.take(end.tableau, 0), attempt.tableau)
        again, proof = (proof_of(game.library, problem, tableau) for tableau in tableaux)
        assert again == proof  # step by step


def test_a_lesson_has_a_sample_of_each_choice(trap: Proving) -> None:
    lesson = from_proof(trap, 0, (0, 1))
    assert lesson is not None
    # the start has one option, so it is no choice; then p(b) is the second of two
    assert lesson.policy.tolist() == [[0, 1]]
    assert lesson.actions.tolist() == [[0, 1]]
    assert lesson.value.tolist() == [[1, 0, 0]]
    assert (lesson.policy_weight.tolist(), lesson.value_weight.tolist()) == ([1], [1])
    positions, _ = replay(trap, 0, (0, 1))
    assert_same_arrays(lesson.obs, trap.observe(positions[1]))
    smooth = from_proof(trap, 0, (0, 1), smoothing=0.2)
    assert smooth is not None
    np.testing.assert_allclose(smooth.policy, [[0.1, 0.9]], atol=1e-6)


def test_no_proof_is_no_lesson_nor_is_one_without_choice(trap: Proving) -> None:
    with pytest.raises(ValueError, match="these moves do not prove t"):
        from_proof(trap, 0, (0, 0))
    text = "cnf(goal, negated_conjecture, ~ p | ~ q). cnf(a, axiom, p). cnf(b, axiom, q)."
    assert from_proof(game_of(text), 0, (0,)) is None


def test_failures_teach_the_value_alone(trap: Proving) -> None:
    positions, end = replay(trap, 0, (0, 0))
    assert end.tableau.scalars[0, OVER] != PROVED
    policy = np.array([0.75, 0.25, 0, 0], np.float32)
    seen = tuple(Seen(state, policy, 0.5) for state in positions) * 3
    trial = Trial(0, False, False, 10, 0.0, (), seen)
    lesson = from_failure(trap, trial, 2, np.random.default_rng(0))
    assert isinstance(lesson, Targets)
    assert lesson.value.tolist() == [[0, 0, 1]] * 2
    assert (lesson.policy_weight.tolist(), lesson.value_weight.tolist()) == ([0, 0], [1, 1])
    everything = from_failure(trap, trial, 99, np.random.default_rng(0))
    assert everything is not None
    assert len(everything.value) == 3  # the starts have one option: no choice was made there
    start = trial._replace(seen=seen[:1])
    assert from_failure(trap, start, 9, np.random.default_rng(0)) is None


# In hindsight: the last goal can be tried in two ways, so the game stops there
STUCK = """
cnf(stuck_1, axiom, z | ~ a(X)).
cnf(stuck_2, axiom, z | ~ b(X)).
cnf(a_1, axiom, a(X) | ~ z1(X)).
cnf(b_1, axiom, b(X) | ~ z2(X)).
cnf(z_1, axiom, z1(c) | ~ z2(c)).
cnf(z_2, axiom, z2(c) | ~ z1(c)).
"""


class Position(NamedTuple):
    game: Proving
    problem: int
    tableau: Tableau

    def part(self, top: int = 1) -> Part:
        part = part_of(*self, top)
        assert part is not None
        return part

    def goals(self) -> list[str]:
        """The goals of the parts that stand alone."""
        forms = (self.part(top).game.library.forms[0] for top in closed_parts(self.tableau))
        return [clause_text(form.clauses[0]) for form in forms]


def at(text: str, *moves: int) -> Position:
    """The position of a problem after these moves and what the game does alone."""
    game = game_of(text)
    return Position(game, 0, arrays.take(replay(game, 0, moves)[1].tableau, 0))


def proved(part: Part) -> set[str]:
    """The clauses that the part's proof uses, once the checker has accepted it."""
    tableau = arrays.take(replay(part.game, 0, part.moves)[1].tableau, 0)
    assert tableau.scalars[GOAL] == NO_GOAL
    proof = proof_of(part.game.library, 0, tableau)
    verdict = check_proof(part.game.library.forms[0], proof)
    assert verdict, verdict.reason
    return {instance.clause for instance in proof.instances}


def test_a_goal_that_was_closed_is_a_theorem_with_the_choices_that_closed_it() -> None:
    text = f"""
    cnf(goal, negated_conjecture, ~ p(X) | ~ z).
    cnf(p_1, axiom, p(X) | ~ q(X)).
    cnf(q_1, axiom, q(X) | ~ r(X, Y)).
    cnf(q_2, axiom, q(X) | ~ t(X)).
    cnf(t, axiom, t(d)).
    cnf(r, axiom, r(X, X) | ~ q(X)).
    {STUCK}"""
    position = at(text, 0, 1)
    assert position.goals() == ["~ p(d)"]
    part = position.part()
    assert part.moves == (0, 1)
    assert proved(part) == {"hindsight", "p_1", "q_2", "t"}
    form = part.game.library.forms[0]
    old = position.game.library.forms[0].clauses
    assert form.clauses[0].role == "negated_conjecture"
    assert form.clauses[1:] == (old[0]._replace(role="axiom"), *old[1:])
    assert closed_parts(at(text).tableau) == []  # nothing has begun
    assert closed_parts(at(text, 0).tableau) == []  # the game waits at q


REDUCED = """
cnf(goal, negated_conjecture, ~ p | ~ z).
cnf(p_1, axiom, p | ~ q | ~ {open}).
cnf(q_1, axiom, q | ~ r).
cnf(r_1, axiom, r | p).
cnf(u, axiom, u).
"""


def test_a_reduction_to_what_is_above_is_no_part_without_it() -> None:
    """Below ~q the proof needs ~p: not p follows, but not q."""
    closed = at(REDUCED.format(open="u") + STUCK, 0, 0)
    assert closed.goals() == ["~ p"]
    assert proved(closed.part()) == {"hindsight", "p_1", "q_1", "r_1", "u"}
    assert closed_parts(at(REDUCED.format(open="z") + STUCK, 0, 0).tableau) == []


def test_a_lemma_from_beside_is_no_part_without_it_one_from_within_goes_with_it() -> None:
    text = f"""
    cnf(goal, negated_conjecture, ~ h | ~ g | ~ z).
    cnf(h_1, axiom, h | ~ m).
    cnf(m, axiom, m).
    cnf(g_1, axiom, g | ~ k | ~ {{last}}).
    cnf(k_1, axiom, k | ~ l).
    cnf(l, axiom, l).
    {STUCK}"""
    assert at(text.format(last="h"), 0).goals() == ["~ h", "~ k"]
    assert at(text.format(last="l"), 0).goals() == ["~ g", "~ h"]
    text = f"""
    cnf(goal, negated_conjecture, ~ g | ~ z).
    cnf(g_1, axiom, g | ~ h | ~ k).
    cnf(h_1, axiom, h | ~ m).
    cnf(m, axiom, m).
    cnf(k_1, axiom, k | ~ h).
    {STUCK}"""
    position = at(text, 0)
    assert ((position.tableau.closed <= LEMMAS) & (position.tableau.closed != OPEN)).sum() == 1
    assert position.goals() == ["~ g"]
    assert proved(position.part()) == {"hindsight", "g_1", "h_1", "m", "k_1"}


def test_the_made_up_clause_has_a_name_of_its_own() -> None:
    text = f"""
    cnf(goal, negated_conjecture, ~ p | ~ z).
    cnf(hindsight, axiom, p | ~ q).
    cnf(q, axiom, q).
    {STUCK}"""
    assert len(proved(at(text, 0).part())) == 3


@pytest.fixture(scope="module")
def failed(game: Proving) -> list[Trial]:
    """Trials of all problems by a search without opinion that did not get far enough."""
    search = Puct(simulations=30, look_ahead=False)
    problems = list(range(len(game.library.forms)))
    trials = list(attempt(game, search, uniform, problems, 200, np.random.default_rng(0)))
    return [trial for trial in trials if not trial.proved]


@pytest.fixture(scope="module")
def positions(game: Proving, failed: list[Trial]) -> list[Position]:
    """What those trials came through, and what random moves lead to."""
    found = [
        Position(game, trial.problem, arrays.take(seen.state.tableau, 0))
        for trial in failed
        for seen in trial.seen
    ]
    rng = np.random.default_rng(0)
    state = game.start(np.repeat(np.arange(len(game.library.forms), dtype=np.int32), 4))
    for _ in range(12):
        legal = game.legal(state)
        action = (rng.random(legal.shape) * legal).argmax(axis=1).astype(np.int32)
        state, _ = game.step(state, action)
        found += [
            Position(game, int(problem), arrays.take(state.tableau, i))
            for i, problem in enumerate(state.problem)
        ]
    return found


def test_parts_are_those_that_a_slow_look_finds(positions: list[Position]) -> None:
    some = 0
    for position in positions[::7]:
        found = closed_parts(position.tableau)
        assert found == slow_parts(position.tableau)
        some += len(found)
    assert some > 100


def slow_parts(t: Tableau) -> list[int]:
    """By walking through all that is below each node."""
    size = int(t.scalars[SIZE])
    below: dict[int, set[int]] = {node: {node} for node in range(size)}
    for node in range(1, size):
        above = node
        while above != ROOT:
            above = int(t.parent[above])
            below[above].add(node)
    good = {}
    for node in range(1, size):
        ways = [int(t.closed[inner]) for inner in below[node]]
        if OPEN in ways:
            continue
        named = {LEMMAS - how if how <= LEMMAS else -1 - how for how in ways if how < 0}
        extensions = sum(how >= 0 for how in ways)
        if named <= below[node] and extensions >= 2:
            good[node] = extensions
    tops = [node for node in good if not any(node in below[top] - {top} for top in good)]
    return sorted(tops, key=lambda node: (-good[node], node))


def test_every_part_is_proved_by_its_moves(positions: list[Position]) -> None:
    """To the checker, out of the problem's clauses and the goal alone."""
    tried: dict[tuple[int, int, bytes], Part | None] = {}
    for position in positions:
        for top in closed_parts(position.tableau)[:1]:
            key = (position.problem, top, position.tableau.closed[:12].tobytes())
            if key not in tried and len(tried) < 250:
                tried[key] = part_of(*position, top)
    parts = [(problem, part) for (problem, _, _), part in tried.items() if part is not None]
    assert len(parts) > 0.9 * len(tried) > 100
    choices = 0
    for problem, part in parts:
        used = proved(part)
        (form,) = part.game.library.forms
        assert form.clauses[0].name in used
        old = positions[0].game.library.forms[problem].clauses
        for clause, copy in zip(old, form.clauses[1:], strict=True):
            assert copy == clause._replace(role=copy.role)
        choices += len(part.moves) - 1
    assert choices > 100


def test_lessons_say_which_moves_closed_the_parts(game: Proving, failed: list[Trial]) -> None:
    for trial in failed:
        assert trial.furthest is not None
        assert trial.furthest.problem.tolist() == [trial.problem]
        largest, last = trial.furthest.tableau.scalars, trial.seen[-1].state.tableau.scalars
        assert largest[0, SIZE] >= last[0, SIZE]
    lessons = [lessons_of_parts(game, trial, 2, 0.0) for trial in failed]
    assert max(map(len, lessons)) <= 2
    made = joined([one for lesson in lessons for one in lesson])
    assert len(made.policy) >= 2
    assert (made.policy.max(axis=1) == 1.0).all()
    assert (made.policy.sum(axis=1) == 1.0).all()
    assert (made.actions[np.arange(len(made.policy)), made.policy.argmax(axis=1)] >= 0).all()
    assert ((made.actions >= 0).sum(axis=1) > 1).all()
    assert (made.value == [1.0, 0.0, 0.0]).all()
    assert (made.policy_weight == 1.0).all()
    assert all(lessons_of_parts(game, trial, 0, 0.0) == [] for trial in failed)
    graphs = Proving(view="graph", library=game.library)
    assert all(lessons_of_parts(graphs, trial, 2, 0.0) == [] for trial in failed)
