"""Lessons: proofs of the unguided search as moves of the game, and what is learned from trials."""

from __future__ import annotations

import numpy as np
import pytest
from provers import TRAP, game_of

from envs.proving.calculus.deepening import deepen
from envs.proving.calculus.matrix import Library
from envs.proving.calculus.tableau import OVER, PROVED
from envs.proving.game import Proving, load_library
from envs.proving.proofs.extract import proof_of
from selfplay import arrays
from selfplay.proving.lessons import from_failure, from_proof, moves_of, replay
from selfplay.proving.trials import Seen, Trial
from selfplay.types import Targets


@pytest.fixture(scope="module")
def own() -> Library:
    """The problems that ship."""
    return load_library()


@pytest.fixture
def trap() -> Proving:
    return game_of(TRAP, actions=4)


def test_proofs_of_the_unguided_search_are_moves_of_the_game(own: Library) -> None:
    game = Proving(library=own)
    for problem, form in enumerate(own.forms):
        attempt = deepen(own.matrix, problem, inferences=20_000)
        if not attempt.proved:
            continue
        moves = moves_of(game, problem, attempt.tableau)
        assert moves is not None, form.name
        positions, end = replay(game, problem, moves)
        assert len(positions) == len(moves)
        # the same proof, step by step
        tableau = arrays.take(end.tableau, 0)
        assert proof_of(own, problem, tableau) == proof_of(own, problem, attempt.tableau)


def test_a_lesson_has_a_sample_of_each_choice(trap: Proving) -> None:
    lesson = from_proof(trap, 0, (0, 1))
    assert lesson is not None
    # the start has one option, so it is no choice; then p(b) is the second of two
    assert lesson.policy.tolist() == [[0, 1]]
    assert lesson.actions.tolist() == [[0, 1]]
    assert lesson.value.tolist() == [[1, 0, 0]]
    assert (lesson.policy_weight.tolist(), lesson.value_weight.tolist()) == ([1], [1])
    positions, _ = replay(trap, 0, (0, 1))
    for stored, seen in zip(lesson.obs, trap.observe(positions[1]), strict=True):
        assert np.array_equal(stored, seen)


def test_smoothing_leaves_something_to_other_moves(trap: Proving) -> None:
    lesson = from_proof(trap, 0, (0, 1), smoothing=0.2)
    assert lesson is not None
    np.testing.assert_allclose(lesson.policy, [[0.1, 0.9]], atol=1e-6)


def test_what_is_no_proof_is_no_lesson(trap: Proving) -> None:
    with pytest.raises(ValueError, match="these moves do not prove t"):
        from_proof(trap, 0, (0, 0))


def test_a_proof_without_choice_teaches_nothing() -> None:
    text = "cnf(goal, negated_conjecture, ~ p | ~ q). cnf(a, axiom, p). cnf(b, axiom, q)."
    assert from_proof(game_of(text), 0, (0,)) is None


def test_failures_teach_the_value_alone(trap: Proving) -> None:
    positions, end = replay(trap, 0, (0, 0))
    assert end.tableau.scalars[0, OVER] != PROVED
    policy = np.array([0.75, 0.25, 0, 0], np.float32)
    seen = tuple(Seen(state, policy, 0.5) for state in positions) * 3
    trial = _failed(seen)
    lesson = from_failure(trap, trial, 2, np.random.default_rng(0))
    assert isinstance(lesson, Targets)
    assert lesson.value.tolist() == [[0, 0, 1]] * 2
    assert (lesson.policy_weight.tolist(), lesson.value_weight.tolist()) == ([0, 0], [1, 1])
    everything = from_failure(trap, trial, 99, np.random.default_rng(0))
    assert everything is not None
    assert len(everything.value) == 3  # the starts have one option: no choice was made there
    assert from_failure(trap, _failed(seen[:1]), 9, np.random.default_rng(0)) is None


def _failed(seen: tuple[Seen, ...]) -> Trial:
    return Trial(0, False, False, 10, 0.0, (), seen)
