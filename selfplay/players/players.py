"""Everything that chooses moves: random, minimax, rollouts, the solver, nets and searches."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from selfplay.arrays import concatenate, length, take
from selfplay.lines.every_line import TooLargeError, edge_limit, enumerate_lines
from selfplay.lines.lockstep import lockstep
from selfplay.lines.openings import any_move
from selfplay.players.guests import GtpPlayer
from selfplay.players.levels import LevelPlayer, split_level
from selfplay.players.limits import Limit
from selfplay.players.names import KINDS, split_run
from selfplay.search import Puct, Search
from selfplay.stats import random_actions
from selfplay.truth.solver import solver_for
from selfplay.types import Bool, Decision, Evaluation, Evaluator, Game, Player, State

EDGES_AT_ONCE = 500_000  # moves that minimax looks at in one go
NODES_AT_ONCE = 400_000  # nodes of the trees that grow side by side

# (run, step or None for the last, limit of its search or none for what is usual) -> player
LoadRun = Callable[[str, int | None, Limit], Player]


def make_player(name: str, game: Game, load_run: LoadRun) -> Player:
    """The player that ``name`` names.

    ``random``, ``solver``, ``minimax:DEPTH``, ``mcts:SIMULATIONS``, ``gtp:COMMAND`` for the engine
    that a command starts, else a run: RUN, RUN@STEP, and behind either ``:SIMULATIONS`` or
    ``:2s`` for two seconds a move.  Behind any but an engine ``:level=N`` weakens it, see
    levels.py.  Raises ValueError with a sentence for the user.
    """
    kind, colon, argument = name.partition(":")
    full, level = split_level(name) if kind != "gtp" else (name, None)
    if level is not None:
        return LevelPlayer(make_player(full, game, load_run), level)
    if kind in ("random", "solver"):
        if colon:
            raise ValueError(f"the player {kind!r} stands alone, without {colon + argument!r}")
        return RandomPlayer() if kind == "random" else SolverPlayer(game)
    if kind == "minimax":
        return MinimaxPlayer(_positive(name, argument, "minimax:4 for depth 4"))
    if kind == "mcts":
        return RolloutPlayer(_positive(name, argument, "mcts:100 for 100 rollouts a move"))
    if kind == "gtp":
        return GtpPlayer(argument, game)
    run, step, limit = split_run(name)
    try:
        return load_run(run, step, limit)
    except ValueError as error:
        near = difflib.get_close_matches(kind, KINDS, n=1, cutoff=0.7)
        if near:
            raise ValueError(f"{error} (did you mean the player {near[0]!r}?)") from error
        raise


def _positive(name: str, argument: str, example: str) -> int:
    if not argument.isdecimal() or int(argument) < 1:
        raise ValueError(f"{name!r} needs a whole number above 0, as in {example}")
    return int(argument)


class Guessing:
    """Base of the players whose values are more than what they know."""

    guesses = True
    net_guided = False  # whether a search averages what a net thinks, rather than results of games


class RandomPlayer(Guessing):
    """Any legal move, all equally likely."""

    name = "random"

    def decide(self, game: Game, state: State, rng: np.random.Generator) -> Decision:
        legal = game.legal(state)
        return _choose(legal, np.zeros(len(legal)), np.full(legal.shape, np.nan), rng)


class MinimaxPlayer(Guessing):
    """Looks at every line of ``depth`` moves; what lies beyond counts 0.

    Plays any of the best moves: wins as soon, loses as late as possible.  ``decide`` raises
    ValueError with a sentence where the depth leaves too much to look at.
    """

    def __init__(self, depth: int) -> None:
        self.name = f"minimax:{depth}"
        self._depth = depth

    def decide(self, game: Game, state: State, rng: np.random.Generator) -> Decision:
        branching = float(game.legal(state).sum(axis=1).mean())
        edges = math.exp(min(100.0, self._depth * math.log(branching)))
        at_once = int(EDGES_AT_ONCE / edges)
        return _in_parts(state, at_once, lambda part: self._look(game, part, rng))

    def _look(self, game: Game, state: State, rng: np.random.Generator) -> Decision:
        limit = length(state) * edge_limit(state)
        try:
            _, outcomes = enumerate_lines(game, state, self._depth, limit)
        except TooLargeError as error:
            too_far = f"{self.name} looks too far ahead in {game.name}"
            raise ValueError(f"{too_far}: {error}; choose a smaller depth") from error
        best = _best(outcomes[0].scores)
        value = np.nanmax(np.where(best, outcomes[0].returns, np.nan), axis=1)
        return _choose(best, value, outcomes[0].returns, rng)


class SolverPlayer:
    """Any of the moves with the best exact score."""

    name = "solver"

    def __init__(self, game: Game) -> None:
        self._solver = solver_for(game)

    def decide(self, game: Game, state: State, rng: np.random.Generator) -> Decision:
        scores = self._solver.scores(state)
        result = np.sign(scores)
        return _choose(_best(scores), np.nanmax(result, axis=1), result, rng)


class RolloutEvaluator:
    """An Evaluator without knowledge: no preference, and the result of one random playout."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng

    def __call__(self, game: Game, state: State) -> Evaluation:
        batch = length(state)
        value, sign = np.zeros(batch, np.float32), np.ones(batch, np.float32)
        plies = lockstep(game, state, lambda turn: any_move(game, turn.state, self._rng))
        for turn, _, _, paid in plies:
            value[turn.lane] += sign[turn.lane] * paid.reward
            sign[turn.lane] *= paid.discount
        logits = np.zeros((batch, game.num_actions), np.float32)
        return Evaluation(logits, value, np.zeros(batch, np.float32))


class RolloutPlayer(Guessing):
    """Monte Carlo tree search as before the nets: each leaf is worth one random playout."""

    def __init__(self, simulations: int) -> None:
        self.name = f"mcts:{simulations}"
        self._search = Puct(exploration=2.5, unvisited_penalty=0.0).with_simulations(simulations)

    def searching(self, rng: np.random.Generator) -> SearchPlayer:
        """The search that it is, with playouts by ``rng``."""
        return SearchPlayer(self.name, self._search, RolloutEvaluator(rng))

    def decide(self, game: Game, state: State, rng: np.random.Generator) -> Decision:
        return self.searching(rng).decide(game, state, rng)


@dataclass(eq=False)
class SearchPlayer(Guessing):
    """A search over an evaluator, with as many trees side by side as fit into bounded memory."""

    name: str
    search: Search
    evaluator: Evaluator
    net_guided = True

    def decide(self, game: Game, state: State, rng: np.random.Generator) -> Decision:
        model = self.search.model(game, self.evaluator)
        at_once = NODES_AT_ONCE // self.search.simulations
        return _in_parts(state, at_once, lambda part: self.search.run(model, part, rng))


@dataclass(eq=False)
class NetPlayer(Guessing):
    """The evaluator's favourite move, without search."""

    name: str
    evaluator: Evaluator

    def decide(self, game: Game, state: State, rng: np.random.Generator) -> Decision:
        evaluation = self.evaluator(game, state)
        logits = np.where(game.legal(state), evaluation.logits, -np.inf)
        policy = np.exp(logits - logits.max(axis=1, keepdims=True))
        policy = (policy / policy.sum(axis=1, keepdims=True)).astype(np.float32)
        qvalues = np.full_like(policy, np.nan)
        chosen = _choose(_best(logits), evaluation.value, qvalues, rng)
        return chosen._replace(policy=policy)


@dataclass(eq=False)
class ValuePlayer(Guessing):
    """Looks one move ahead and goes where the evaluator's value is best for it."""

    name: str
    evaluator: Evaluator

    def decide(self, game: Game, state: State, rng: np.random.Generator) -> Decision:
        legal = game.legal(state)
        row, action = np.nonzero(legal)
        after, paid = game.step(take(state, row), action.astype(np.int32))
        going = np.flatnonzero(paid.discount)
        value = paid.reward.copy()
        if len(going):
            beyond = self.evaluator(game, take(after, going)).value
            value[going] += paid.discount[going] * beyond
        qvalues = np.full(legal.shape, np.nan, np.float32)
        qvalues[row, action] = value
        best = np.nanmax(qvalues, axis=1)
        return _choose(_best(qvalues), best, qvalues, rng)


def _in_parts(state: State, at_once: int, decide: Callable[[State], Decision]) -> Decision:
    """``decide`` on ``at_once`` positions at a time, on single ones if that is below 1."""
    rows = max(1, at_once)
    starts = range(0, max(1, length(state)), rows)
    parts = [decide(take(state, slice(start, start + rows))) for start in starts]
    return concatenate(parts)


def _best(scores: NDArray[np.floating]) -> Bool:
    """[B, A], True where the score is its row's largest."""
    best: Bool = scores == np.nanmax(scores, axis=1, keepdims=True)
    return best


def _choose(
    among: Bool,
    value: NDArray[np.floating],
    qvalues: NDArray[np.floating],
    rng: np.random.Generator,
) -> Decision:
    """Any of the actions ``among`` [B, A], all equally likely."""
    policy = among / among.sum(axis=1, keepdims=True)
    return Decision(
        random_actions(among, rng),
        policy.astype(np.float32),
        value.astype(np.float32),
        np.zeros(among.shape, np.int32),
        qvalues.astype(np.float32),
    )
