"""Plays B games in lockstep with search and turns the finished ones into Targets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from selfplay import arrays
from selfplay.actors import underway
from selfplay.actors.harvest import COMMENT, Harvest, Tally
from selfplay.jit import kernel
from selfplay.learning.samples import joined, listed, longest, of_listed, resized, trimmed
from selfplay.lines.keys import canonical_obs_keys
from selfplay.lines.lockstep import Turn, lockstep
from selfplay.search import Forest, Model, Search, SearchResult
from selfplay.search.forest import advance
from selfplay.search.tree import NONE
from selfplay.section import Section
from selfplay.stats import result_probabilities
from selfplay.types import (
    NO_ACTION,
    Actions,
    Bool,
    Evaluator,
    Float,
    Game,
    Int,
    Obs,
    State,
    Targets,
)

_FORMAT = 2  # of the games under way; in the first policies were of all actions
_KEPT_GAMES = 16  # game records handed out with each harvest


class ActorSection(Section):
    """Section ``[actor]``: how games are played and what is learned from them."""

    games: int = Field(512, ge=1, le=1 << 16)
    """games side by side, all actors together"""
    threads: int = Field(0, ge=0, le=1024)
    """threads or processes that play, or that try problems; 0: as many as there are cores. Where
    processes ask a GPU it counts actors, two a process; 0: two for each core but one"""
    opening_share: float = Field(0.5, ge=0, le=1)
    """share of the games that begin with random moves, which are not learned"""
    opening_plies: int = Field(20, ge=0, le=10_000)
    """at most so many, each number from 0 equally likely"""
    full_share: float = Field(1.0, gt=0, le=1)
    """share of the moves searched in full (playout-cap randomisation)"""
    fast_simulations: int = Field(8, ge=1, le=100_000)
    """simulations of the other moves, without noise; only their value is learned"""
    reuse_tree: bool = False
    """keep the subtree of the move played"""
    stop_when_solved: float = Field(0.0, ge=0, le=1)
    """probability that a game ends at a move whose value is proven"""
    outcome_share: float = Field(0.5, ge=0, le=1)
    """value target: this share of the game's outcome, the rest the search's value; a value that the
    search has proven is the target itself, and the outcome of the moves before it"""
    weigh: Literal["positions", "games"] = "positions"
    """what has equal weight in the data: `"positions"` or `"games"`"""


class Plays(NamedTuple):
    """What was seen and done, by move number T and lane B."""

    obs: Obs  # arrays [T, B, ...]
    actions: Actions  # [T, B, L] the legal ones
    policy: Float  # [T, B, L] f32, of these
    policy_weight: Float  # [T, B] f32, 1 where the policy is to be learned
    value: Float  # [T, B] f32, the search's value
    draw: Float  # [T, B] f32, the net's probability of a draw
    solved: Bool  # [T, B], the value is exact
    action: Int  # [T, B] i32
    reward: Float  # [T, B] f32
    discount: Float  # [T, B] f32


_KEPT_FIELDS = tuple(name for name in Plays._fields if name not in ("obs", "actions"))


class Actor:
    """B lanes, each playing one game after another; deterministic for its generator."""

    def __init__(
        self,
        game: Game,
        search: Search,
        section: ActorSection,
        lanes: int,
        rng: np.random.Generator,
    ) -> None:
        self.game, self.search, self.section, self.rng = game, search, section, rng
        self._lanes = lanes
        self._forest: Forest | None = None
        self._memory: Forest | None = None  # the trees of before, for new ones to stand in
        self._played = np.zeros(lanes, np.int32)  # the last move of each lane
        self._running = np.zeros(lanes, np.bool_)  # whether the game went on after it
        self._seed = np.zeros(lanes, np.int64)  # of each lane's start position
        self._length = np.zeros(lanes, np.int32)  # moves played
        self._opening = np.zeros(lanes, np.int32)  # of these, random ones: nothing to learn there
        self._state: State = game.init(rng, lanes)
        # room for every opening: it may not depend on how long earlier games were
        self._plays = self._room(min(max(64, section.opening_plies + 1), game.max_moves))
        self._deal(np.arange(lanes))

    def collect(self, evaluator: Evaluator, positions: int) -> Harvest:
        """Plays until finished games have yielded at least ``positions`` samples.

        Trees are dropped first: the evaluator may have new weights.  All lanes start together, so
        the first harvests of a new actor hold only games that were over early; long games come
        when the lanes have spread.
        """
        self._memory, self._forest = self._forest or self._memory, None
        parts: list[Targets] = []
        records: list[str] = []
        tally = Tally()
        while tally.positions < positions:
            done, moved = self._move(evaluator)
            tally = tally.plus(moved)
            if len(done):
                samples, finished = self._finish(done)
                if len(records) < _KEPT_GAMES:
                    records += [self._record(lane) for lane in done]
                tally = tally.plus(finished)
                parts.append(samples)
                self._deal(done)
        samples = trimmed(joined(parts))
        keys = canonical_obs_keys(self.game, samples.obs)
        return Harvest(samples, keys, records[:_KEPT_GAMES], tally)

    def _move(self, evaluator: Evaluator) -> tuple[NDArray[np.int64], Tally]:
        """One searched move in every lane; the lanes whose games are over now."""
        full = self.rng.random(self._lanes) < self.section.full_share
        fast = min(self.section.fast_simulations, self.search.simulations)
        budget = np.where(full, self.search.simulations, fast)
        budget = budget.astype(np.int32)
        model = self.search.model(self.game, evaluator)
        forest = self._plant(model)
        # fast moves only carry the game on: they are played as strongly as they can be
        found = self.search.search(forest, model, self.rng, full, budget)
        decision = found.decision
        at = (self._length, np.arange(self._lanes))
        plays, actions = self._fitted(found.legal)
        arrays.put(plays.obs, at, self.game.observe(self._state))
        plays.actions[at] = actions
        plays.policy[at] = of_listed(decision.policy, actions)
        plays.policy_weight[at] = full
        plays.value[at] = decision.value
        plays.draw[at] = found.draw
        plays.solved[at] = found.solved
        plays.action[at] = decision.action
        self._state, paid = self.game.step(self._state, decision.action)
        plays.reward[at] = paid.reward
        plays.discount[at] = paid.discount
        self._length += 1
        stop = found.solved & (self.rng.random(self._lanes) < self.section.stop_when_solved)
        over = (paid.discount == 0.0) | stop | (self._length >= self.game.max_moves)
        self._played, self._running = decision.action, ~over
        if self._length.max() >= len(plays.value):
            self._plays = self._room(min(2 * len(plays.value), self.game.max_moves))
        return np.flatnonzero(over), _tally_of(found, budget)

    def _fitted(self, actions: Int) -> tuple[Plays, Actions]:
        """Lists [B, K] as long as those in ``_plays``, which are made longer if need be."""
        plays, width = self._plays, actions.shape[1]
        if width > plays.actions.shape[2]:
            lists = resized(plays.actions, width, NO_ACTION)
            self._plays = plays._replace(actions=lists, policy=resized(plays.policy, width))
            plays = self._plays
        lists = resized(actions, plays.actions.shape[2], NO_ACTION)
        return plays, lists.astype(plays.actions.dtype)

    def _plant(self, model: Model) -> Forest:
        """Trees for the present positions: the old ones moved on, or started anew."""
        if self._forest is None:
            reuse = self.section.reuse_tree
            self._forest = self.search.plant(model, self._state, reuse, self._memory)
        else:
            kept = self._running & self.section.reuse_tree
            advance(self._forest, model, self._state, np.where(kept, self._played, NONE))
        return self._forest

    def _finish(self, done: NDArray[np.int64]) -> tuple[Targets, Tally]:
        """The samples of the games in the lanes ``done``, and what is counted of them."""
        plays, length, opening = self._plays, self._length[done], self._opening[done]
        outcome = np.zeros((len(plays.value), len(done)), np.float32)
        _outcomes(
            plays.solved, plays.value, plays.reward, plays.discount, done, length, opening, outcome
        )
        counts = length - opening
        column = np.repeat(np.arange(len(done)), counts)
        ends = np.cumsum(counts)
        move = np.arange(ends[-1]) - np.repeat(ends - counts, counts) + opening[column]
        at = (move, done[column])
        exact = plays.solved[at]
        share = np.where(exact, 0.0, self.section.outcome_share).astype(np.float32)[:, None]
        searched = result_probabilities(plays.value[at], np.where(exact, 1.0, plays.draw[at]))
        reached = result_probabilities(outcome[move, column], np.ones(len(move), np.float32))
        weight = np.ones(len(move), np.float32)
        if self.section.weigh == "games":
            weight = (float(self.game.max_moves) / 2 / counts[column]).astype(np.float32)
        after = np.minimum(move + 1, len(plays.value) - 1), done[column]
        searched_after = plays.policy_weight[after] * (move + 1 < length[column])
        samples = Targets(
            obs=arrays.take(plays.obs, at),
            actions=plays.actions[at],
            policy=plays.policy[at],
            value=share * reached + (1 - share) * searched,
            reply_actions=np.where(searched_after[:, None], plays.actions[after], NO_ACTION),
            reply=plays.policy[after] * searched_after[:, None],
            policy_weight=plays.policy_weight[at] * weight,
            value_weight=weight,
        )
        first = outcome[opening, np.arange(len(done))] * _side(plays, done, opening)
        tally = Tally(
            games=len(done),
            positions=len(move),
            first_wins=float((first > 0).sum()),
            draws=float((first == 0).sum()),
            length=float(length.sum()),
        )
        return samples, tally

    def _deal(self, lanes: NDArray[np.int64]) -> None:
        """Starts new games in ``lanes``, some of them with random moves."""
        self._seed[lanes] = self.rng.integers(0, 2**63 - 1, len(lanes))
        arrays.put(self._state, lanes, self._starts(lanes))
        self._length[lanes] = 0
        plies = self.rng.integers(0, self.section.opening_plies, len(lanes), endpoint=True)
        plies[self.rng.random(len(lanes)) >= self.section.opening_share] = 0
        begun = lanes[plies > 0]
        most = np.clip(plies[plies > 0], 1, max(1, len(self._plays.value) - 1))

        def choose(turn: Turn) -> Int:
            noise = self.rng.random((len(turn.lane), self.game.num_actions))
            noise[~self.game.legal(turn.state)] = -1.0
            action: Int = noise.argmax(axis=1).astype(np.int32)
            return action

        state = arrays.take(self._state, begun)
        for turn, action, after, paid in lockstep(self.game, state, choose, most):
            alive = paid.discount != 0.0  # a move that would end the game is not played
            going = begun[turn.lane[alive]]
            arrays.put(self._state, going, arrays.take(after, alive))
            at = (turn.number, going)
            self._plays.action[at] = action[alive]
            self._plays.reward[at] = paid.reward[alive]
            self._plays.discount[at] = paid.discount[alive]
            self._length[going] += 1
        self._opening[lanes] = self._length[lanes]

    def _starts(self, lanes: NDArray[np.int64]) -> State:
        """The start positions of the games in ``lanes``, from their seeds."""
        seeds = (np.random.default_rng(int(seed)) for seed in self._seed[lanes])
        return arrays.concatenate([self.game.init(rng, 1) for rng in seeds])

    def _room(self, moves: int) -> Plays:
        """Room for ``moves`` moves a lane, with what has been played so far."""
        number = np.empty(self._lanes, np.float32)
        before = getattr(self, "_plays", None)
        actions = listed(self.game.legal(self._state)) if before is None else before.actions[0]
        of_a_move = Plays(
            obs=self.game.observe(self._state),
            actions=actions,
            policy=np.empty(actions.shape, np.float32),
            policy_weight=number,
            value=number,
            draw=number,
            solved=self._running,
            action=self._played,
            reward=number,
            discount=number,
        )
        plays: Plays = arrays.tree_map(lambda a: np.zeros((moves, *a.shape), a.dtype), of_a_move)
        if before is not None:
            arrays.put(plays, slice(len(before.value)), before)
        return plays

    def _record(self, lane: int) -> str:
        """The game in ``lane``: moves in the game's notation, random ones, seed of the start."""
        actions = self._plays.action[: self._length[lane], lane]
        moves = " ".join(self.game.action_name(int(action)) for action in actions)
        return f"{moves}{COMMENT}opening {self._opening[lane]} seed {self._seed[lane]}"

    def state_dict(self) -> dict[str, Any]:
        """All that ``collect`` depends on, as numpy arrays and strings; positions as move lists."""
        moves = int(self._length.max(initial=1))
        plays = {name: getattr(self._plays, name)[:moves].copy() for name in _KEPT_FIELDS}
        move = np.arange(moves)[:, None]
        for field in plays.values():
            field[move >= self._length] = 0  # remains of earlier games
        searched = (self._opening <= move) & (move < self._length)
        plays["policy"][~searched] = 0
        width = longest(self._plays.actions[:moves][searched])
        plays["policy"] = plays["policy"][:, :, :width]
        return {
            "format": _FORMAT,
            "rng": json.dumps(self.rng.bit_generator.state),
            "seed": self._seed.copy(),
            "length": self._length.copy(),
            "opening": self._opening.copy(),
            **plays,
        }

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Goes on from what ``state_dict`` returned, by playing the games' moves again.

        Raises ValueError with a sentence where that is damaged.
        """
        kept = {name: getattr(self._plays, name) for name in _KEPT_FIELDS}
        width = underway.policy_width(saved, self.game.num_actions)
        kept["policy"] = np.empty((0, 0, width), np.float32)
        underway.check_games(saved, self._lanes, self.game.max_moves, kept)
        underway.restore_random(self.rng, saved["rng"])
        self._seed, self._length = saved["seed"].copy(), saved["length"].copy()
        self._opening = saved["opening"].copy()
        self._state = self._starts(np.arange(self._lanes))
        while len(self._plays.value) <= self._length.max():
            self._plays = self._room(min(2 * len(self._plays.value), self.game.max_moves))
        moves = len(saved["action"])
        for name in kept:
            if name != "policy":
                getattr(self._plays, name)[:moves] = saved[name]

        def choose(turn: Turn) -> Int:
            at = (turn.number, turn.lane)
            legal = self.game.legal(turn.state)
            plays, actions = self._fitted(listed(legal))
            plays.actions[at] = actions
            plays.policy[at] = underway.policy_of(saved, *at, actions)
            arrays.put(plays.obs, at, self.game.observe(turn.state))
            action: Int = plays.action[at]
            underway.check_moves(legal, action)
            return action

        start = arrays.tree_map(np.copy, self._state)
        for turn, _, after, paid in lockstep(self.game, start, choose, self._length):
            underway.check_alive(paid.discount)
            arrays.put(self._state, turn.lane, after)
        self._forest = None


def _tally_of(found: SearchResult, budget: Int) -> Tally:
    """What is counted of B searches."""
    policy = of_listed(found.decision.policy, found.legal).astype(np.float64)
    log_policy = np.log(np.maximum(policy, 1e-12))
    log_prior = np.log(np.maximum(found.prior.astype(np.float64), 1e-12))
    return Tally(
        moves=len(policy),
        simulations=float(budget.sum()),
        depth=found.depth * len(policy),
        entropy=float(-(policy * log_policy).sum()),
        kl_target_prior=float((policy * (log_policy - log_prior)).sum()),
        value_gain=float((found.decision.value - found.raw_value).sum()),
        solved=float(found.solved.sum()),
    )


def _side(plays: Plays, lanes: NDArray[np.int64], opening: Int) -> Float:
    """+1 where the player to move after the opening is the one who moved first, else -1."""
    signs = np.ones(len(lanes), np.float32)
    for move in range(int(opening.max(initial=0))):
        signs *= np.where(move < opening, plays.discount[move, lanes], 1.0)
    return signs


@kernel
def _outcomes(
    solved: Bool,
    value: Float,
    reward: Float,
    discount: Float,
    lanes: NDArray[np.int64],
    length: Int,
    opening: Int,
    outcome: Float,
) -> None:
    """Fills ``outcome`` [T, len(lanes)]: the return from each move on, backwards from the end.

    A proven value takes the place of what later play made of it.  The arrays are those of Plays,
    which itself may hold a user's type: compiled code for that would break the shared cache.
    """
    for i in range(lanes.shape[0]):
        lane, result = lanes[i], np.float32(0.0)
        for move in range(length[i] - 1, opening[i] - 1, -1):
            if solved[move, lane]:
                result = value[move, lane]
            else:
                result = reward[move, lane] + discount[move, lane] * result
            outcome[move, i] = result
