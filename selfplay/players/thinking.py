"""Searches that grow while one looks, within bounds of simulations and of time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from selfplay.arrays import length, take, tree_map
from selfplay.lines.openings import any_move
from selfplay.players.levels import LevelPlayer, weaken
from selfplay.players.limits import Limit as Limit
from selfplay.players.players import Guessing, RolloutPlayer, SearchPlayer
from selfplay.search.growing import GrowingSearch
from selfplay.types import Decision, Float, Game, Int, Player, State

FIRST = 8  # simulations before anything is told, if they do not take long
PACE = 0.1  # seconds between what is told
_PIECE = 0.03  # seconds that a piece of a search shall take: so soon it can be halted
# simulations of a piece: positions that are known cost nothing, and the next may not be
_MOST = 32
_WARM = 4  # simulations in which a search runs all that it compiles

Clock = Callable[[], float]  # seconds from some moment on


class Insight(NamedTuple):
    """What is known of one position so far, for the player to move."""

    action: int  # what it would play now
    value: float  # in [-1, 1], the return it expects from that
    prior: Float | None  # [A] f32, the net's policy; None without a net
    net_value: float | None  # the net's value, likewise
    policy: Float  # [A] f32, as in Decision
    visits: Int  # [A] i32, likewise
    qvalues: Float  # [A] f32, likewise, NaN where it is not known
    line: tuple[int, ...]  # the moves expected, ``action`` first
    simulations: int
    seconds: float
    proven: bool  # the value is exact
    last: bool  # the limit is reached


class Thinker:
    """What a player thinks of a position: a search tells while it grows, other players once.

    A limit of simulations alone ends with exactly what ``player.decide`` gives for that number with
    the same ``rng``; so does what is known where the position is proven before.  With a limit of
    time the number is not known beforehand, and searches are planned in rounds, see GrowingSearch.
    """

    def __init__(
        self, game: Game, player: Player, rng: np.random.Generator, clock: Clock = time.monotonic
    ) -> None:
        self.game, self.player, self._rng, self._clock = game, player, rng, clock

    def think(
        self, state: State, limit: Limit, halted: Callable[[], bool] = lambda: False
    ) -> Iterator[Insight]:
        """Insights of the position ``state`` [1], which is not over, the last one marked.

        ``halted`` is asked every few hundredths of a second and ends it; then none is marked.
        Raises ValueError where there are more simulations than a search takes.
        """
        begun, player = self._clock(), self.player
        if isinstance(player, LevelPlayer):
            yield from self._weakened(player, state, limit, halted)
            return
        if isinstance(player, TimedPlayer):
            limit = Limit(seconds=player.seconds) if limit == Limit() else limit
            player = player.player
        if isinstance(player, RolloutPlayer):
            has_net, player = False, player.searching(self._rng)
        else:
            has_net = True
        if isinstance(player, SearchPlayer):
            yield from self._grow(player, has_net, state, limit, halted, begun)
        elif not halted():
            decision = take(player.decide(self.game, state, self._rng), 0)
            yield _insight(decision, self._clock() - begun)

    def _weakened(
        self, player: LevelPlayer, state: State, limit: Limit, halted: Callable[[], bool]
    ) -> Iterator[Insight]:
        """What a player at a level decides, once the full one has thought to the end."""
        whole = Thinker(self.game, player.full, self._rng, self._clock)
        told = list(whole.think(state, limit, halted))
        if told and told[-1].last:
            insight = told[-1]
            full = tree_map(lambda array: np.asarray(array)[None], _decision(insight))
            decision = weaken(full, self.game.legal(state), player.level, self._rng)
            weak = _insight(take(decision, 0), insight.seconds)
            yield weak._replace(
                prior=insight.prior, net_value=insight.net_value, simulations=insight.simulations
            )

    def _grow(
        self,
        player: SearchPlayer,
        has_net: bool,
        state: State,
        limit: Limit,
        halted: Callable[[], bool],
        begun: float,
    ) -> Iterator[Insight]:
        growing = self._growing(player, state, limit)
        prior = growing.prior if has_net else None
        net_value = growing.raw_value if has_net else None
        ends = np.inf if limit.seconds is None else begun + limit.seconds
        now, told, piece = self._clock(), begun, 1
        while not halted():
            spare = 1.0 if ends == np.inf else min(1.0, max(0.0, ends - now) / _PIECE)
            before = growing.simulations
            growing.grow(max(1, int(piece * spare)))
            done, now, since = growing.simulations - before, self._clock(), now
            if now - since < _PIECE / 2:
                piece = min(_MOST, 2 * piece)
            else:
                piece = max(1, int(done * _PIECE / (now - since)))
            last = growing.ended or now >= ends
            first = told == begun and growing.simulations >= FIRST
            if last or first or now - told >= PACE:
                told = now
                decision = growing.decision()
                insight = _insight(decision, now - begun)
                yield insight._replace(
                    prior=prior, net_value=net_value, last=last, proven=growing.proven,
                    line=growing.line(insight.action), simulations=growing.simulations,
                )  # fmt: skip
                now = self._clock()
            if last:
                return

    def _growing(self, player: SearchPlayer, state: State, limit: Limit) -> GrowingSearch:
        own = player.search.simulations if limit.seconds is None else None
        simulations = own if limit.simulations is None else limit.simulations
        search = (
            player.search if simulations is None else player.search.with_simulations(simulations)
        )
        model = search.model(self.game, player.evaluator)
        if limit.seconds is None:
            return GrowingSearch(search, model, state, self._rng, simulations)
        most = {} if simulations is None else {"most": simulations}
        return GrowingSearch(search, model, state, self._rng, None, **most)


@dataclass(eq=False)
class TimedPlayer(Guessing):
    """A search that has so many seconds for every position, one position after the other."""

    name: str
    player: SearchPlayer
    seconds: float
    clock: Clock = time.monotonic
    net_guided = True

    def decide(self, game: Game, state: State, rng: np.random.Generator) -> Decision:
        thinker, limit = Thinker(game, self.player, rng, self.clock), Limit(seconds=self.seconds)
        found = []
        for i in range(length(state)):
            *_, insight = thinker.think(take(state, slice(i, i + 1)), limit)
            found.append(insight)
        return Decision(
            np.array([each.action for each in found], np.int32),
            np.stack([each.policy for each in found]),
            np.array([each.value for each in found], np.float32),
            np.stack([each.visits for each in found]),
            np.stack([each.qvalues for each in found]),
        )


def warm_up(game: Game, player: Player) -> None:
    """Lets a player think of the start of a game, a search for a few simulations only.

    What it needs is compiled then, and what the game needs for the move that follows.
    """
    rng = np.random.default_rng(0)
    state = game.init(rng, 1)
    for _ in Thinker(game, player, rng).think(state, Limit(simulations=_WARM)):
        pass
    game.step(state, any_move(game, state, rng))


def _decision(insight: Insight) -> Decision:
    """What an insight was made of: [A] and scalars."""
    return Decision(
        np.asarray(insight.action, np.int32),
        insight.policy,
        np.asarray(insight.value, np.float32),
        insight.visits,
        insight.qvalues,
    )


def _insight(decision: Decision, spent: float) -> Insight:
    """The last one, of a decision of one position: [A] and scalars."""
    action = int(decision.action)
    known = float(decision.qvalues[action])
    value = float(decision.value) if np.isnan(known) else known
    return Insight(
        action, value, None, None, decision.policy, decision.visits, decision.qvalues,
        (action,), int(decision.visits.sum()), spent, False, True,
    )  # fmt: skip
