"""Lessons: what a net learns from proofs, and from trials that failed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from envs.proving.calculus.tableau import GOAL, OPTIONS, OVER, PROVED, RUNNING, Tableau
from envs.proving.game import Proving, ProvingState
from selfplay import arrays
from selfplay.learning.samples import targets
from selfplay.proving.trials import Trial
from selfplay.types import Float, Targets

_WON = np.array([1.0, 0.0, 0.0], np.float32)
_LOST = np.array([0.0, 0.0, 1.0], np.float32)


def moves_of(game: Proving, problem: int, closed: Tableau) -> tuple[int, ...] | None:
    """The moves of the game that build a closed tableau found by another search.

    None where the game's limits do not allow it, or where it takes a closing step that the game
    does not leave open.
    """
    state = game.start(np.array([problem], np.int32))
    moves: list[int] = []
    while state.tableau.scalars[0, OVER] == RUNNING:
        t = arrays.take(state.tableau, 0)
        goal = int(t.scalars[GOAL])
        options = t.options[: t.scalars[OPTIONS]]
        fits = np.flatnonzero(options == closed.closed[goal])
        if not len(fits):
            return None
        moves.append(int(fits[0]))
        state, _ = game.step(state, np.array(moves[-1:], np.int32))
    return tuple(moves) if state.tableau.scalars[0, OVER] == PROVED else None


def replay(
    game: Proving, problem: int, moves: Sequence[int]
) -> tuple[list[ProvingState], ProvingState]:
    """The positions in which the moves are made, and the one they lead to."""
    state = game.start(np.array([problem], np.int32))
    positions = []
    for move in moves:
        positions.append(state)
        state, _ = game.step(state, np.array([move], np.int32))
    return positions, state


def from_proof(
    game: Proving, problem: int, moves: Sequence[int], smoothing: float = 0.0
) -> Targets | None:
    """A sample of each choice of a proof: the move it took, and that it was won.

    The share ``smoothing`` of the policy goes to all moves alike: there are other proofs.
    None where the proof took no choice.
    """
    positions, end = replay(game, problem, moves)
    if end.tableau.scalars[0, OVER] != PROVED:
        raise ValueError(f"these moves do not prove {game.library.forms[problem].name}")
    chosen = [
        (state, move)
        for state, move in zip(positions, moves, strict=True)
        if state.tableau.scalars[0, OPTIONS] > 1
    ]
    if not chosen:
        return None
    policy = np.zeros((len(chosen), game.num_actions), np.float32)
    policy[np.arange(len(chosen)), [move for _, move in chosen]] = 1.0
    state = arrays.concatenate([state for state, _ in chosen])
    legal = game.legal(state)
    policy = (1 - smoothing) * policy + smoothing * legal / legal.sum(axis=1, keepdims=True)
    policy = policy.astype(np.float32)
    weight = np.ones(len(chosen), np.float32)
    return _samples(game, state, policy, _WON, weight, weight)


def from_failure(
    game: Proving, trial: Trial, most: int, rng: np.random.Generator
) -> Targets | None:
    """Positions that a failed trial came through, for the value alone; ``most`` of them at most."""
    seen = [one for one in trial.seen if one.state.tableau.scalars[0, OPTIONS] > 1]
    if not seen:
        return None
    if len(seen) > most:
        seen = [seen[i] for i in np.sort(rng.choice(len(seen), most, replace=False))]
    state = arrays.concatenate([one.state for one in seen])
    policy = np.stack([one.policy for one in seen])
    nothing, one = np.zeros(len(seen), np.float32), np.ones(len(seen), np.float32)
    return _samples(game, state, policy, _LOST, nothing, one)


def _samples(
    game: Proving,
    state: ProvingState,
    policy: Float,
    value: Float,
    policy_weight: Float,
    value_weight: Float,
) -> Targets:
    values = np.repeat(value[None], len(policy), axis=0)
    return targets(
        game.observe(state), game.legal(state), policy, values, policy_weight, value_weight
    )
