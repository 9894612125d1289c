"""Collectors of whole games without search: against past selves, and where an expert helps.

A server answers for the second in processes that never load torch, so nothing here imports it.
"""

from __future__ import annotations

import json
import pickle
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from selfplay.actors.base import Setup
from selfplay.actors.harvest import Tally
from selfplay.actors.underway import restore_random
from selfplay.arrays import take
from selfplay.cached import Usage
from selfplay.lines.games import Choice, Games, pick, play
from selfplay.lines.keys import canonical_keys
from selfplay.lines.lockstep import Turn
from selfplay.players.players import NetPlayer
from selfplay.stats import soften
from selfplay.truth.labels import Labeller, Labels
from selfplay.types import Evaluator, Float, State


class _Episodes:
    """Plays ``lanes`` games from start to end each time: of them only its generator stays."""

    def __init__(self, setup: Setup, lanes: int, rng: np.random.Generator) -> None:
        self.setup, self.game, self.lanes, self.rng = setup, setup.game, lanes, rng

    def state_dict(self) -> dict[str, Any]:
        return {"rng": json.dumps(self.rng.bit_generator.state)}

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Raises ValueError with a sentence where that is damaged."""
        restore_random(self.rng, saved["rng"])


# Against a past self -----------------------------------------------------------------------------


@dataclass(frozen=True)
class AgainstPast:
    """Makes players of games against a past self, which an order is: its net, pickled.

    A share ``self_share`` of the games is played by the present self on both sides.
    """

    self_share: float
    openings: int  # at most so many random moves begin half of the games

    served: ClassVar[bool] = False  # by two nets
    quick: ClassVar[bytes | None] = None  # there is no past self yet

    def __call__(self, setup: Setup, lanes: int, rng: np.random.Generator) -> PastPlayer:
        return PastPlayer(self, setup, lanes, rng)


class Episodes(NamedTuple):
    """The moves of the present self in whole games."""

    games: Games  # with policies
    value: Float  # [M] f32, what the present self thinks of the positions
    keys: NDArray[np.uint64]  # [M], canonical
    tally: Tally
    past: Usage  # of the past self's net


class PastPlayer(_Episodes):
    """Two nets on two sides, drawn anew for each game."""

    def __init__(
        self, how: AgainstPast, setup: Setup, lanes: int, rng: np.random.Generator
    ) -> None:
        super().__init__(setup, lanes, rng)
        self._how = how
        self._past: Any = None  # its evaluator

    def collect(self, evaluator: Evaluator, order: bytes | None) -> Episodes:
        """One game in each lane, both sides by their nets' own probabilities.

        The past self of all games is the same: two nets, two large batches.
        """
        game, lanes, rng = self.game, self.lanes, self.rng
        past = evaluator if order is None else self._loaded(order)
        alone = rng.random(lanes) < self._how.self_share
        seat = rng.random(lanes) < 0.5  # True: the present self moves second
        nets = NetPlayer("present", evaluator), NetPlayer("past", past)

        def weigh(turn: Turn, rng: np.random.Generator) -> Choice:
            own = alone[turn.lane] | (turn.second == seat[turn.lane])
            chances = np.empty((len(own), game.num_actions), np.float32)
            for net, rows in zip(nets, (own, ~own), strict=True):
                if rows.any():
                    chances[rows] = net.decide(game, take(turn.state, rows), rng).policy
            return chances, None

        games = play(game, weigh, lanes, self._how.openings, rng)
        assert games.second is not None
        own = pick(games, alone[games.game] | (games.second == seat[games.game]))
        value = evaluator(game, own.state).value
        usage = Usage(0, 0, 0.0, 0.0) if self._past is None else self._past.take_usage()
        keys = canonical_keys(game, own.state)
        return Episodes(own, value, keys, tally_of(games, len(value)), usage)

    def _loaded(self, past: bytes) -> Evaluator:
        net = pickle.loads(past)
        if self._past is None:
            self._past = self.setup.inference.evaluator(net, self.game)
        else:
            self._past.load(net)
        evaluator: Evaluator = self._past
        return evaluator


# With an expert ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class WithExpert:
    """Makes players by whose side an expert stands: in a share of the games, which an order is, the
    game's solver chooses the moves."""

    openings: int  # at most so many random moves begin half of the games

    served: ClassVar[bool] = True
    quick: ClassVar[float] = 0.0

    def __call__(self, setup: Setup, lanes: int, rng: np.random.Generator) -> GuidedPlayer:
        return GuidedPlayer(self, setup, lanes, rng)


class GuidedGames(NamedTuple):
    """The positions of whole games."""

    state: State  # arrays [M, ...]
    keys: NDArray[np.uint64]  # [M], canonical
    labels: Labels | None  # that the expert was asked for here for the first time
    expert_s: float  # of this thread, that the expert took
    tally: Tally


class GuidedPlayer(_Episodes):
    """The net's own probabilities, or in some games the expert's moves."""

    def __init__(self, how: WithExpert, setup: Setup, lanes: int, rng: np.random.Generator) -> None:
        super().__init__(setup, lanes, rng)
        self._how = how
        self._labeller: Labeller | None = None

    def collect(self, evaluator: Evaluator, order: float) -> GuidedGames:
        """One game in each lane."""
        game, net = self.game, NetPlayer("net", evaluator)
        guided = self.rng.random(self.lanes) < order
        expert_s = 0.0

        def weigh(turn: Turn, rng: np.random.Generator) -> Choice:
            nonlocal expert_s
            chances = net.decide(game, turn.state, rng).policy
            rows = guided[turn.lane]
            if rows.any():
                begun = time.thread_time()
                scores = self._expert().scores(take(turn.state, rows))
                chances[rows] = soften(scores, 0.0)
                expert_s += time.thread_time() - begun
            return chances, None

        games = play(game, weigh, self.lanes, self._how.openings, self.rng)
        labels = None
        if guided.any():
            labels = self._expert().take_charged()
            self._expert().refresh()  # a killed process takes no labels along
        keys = canonical_keys(game, games.state)
        return GuidedGames(games.state, keys, labels, expert_s, tally_of(games, len(keys)))

    def _expert(self) -> Labeller:
        if self._labeller is None:
            self._labeller = Labeller(self.game)
        return self._labeller


def tally_of(games: Games, positions: int) -> Tally:
    """What is counted of whole games, of which so many positions are handed over; openings count
    as moves."""
    assert games.ply is not None
    assert games.second is not None
    last = np.flatnonzero(np.diff(games.game, append=-1))
    first_return = np.where(games.second[last], -games.outcome[last], games.outcome[last])
    return Tally(
        games=len(last),
        positions=positions,
        first_wins=float((first_return > 0).sum()),
        draws=float((first_return == 0).sum()),
        length=float(games.ply[last].sum(dtype=np.int64)) + len(last),
    )
