"""Plays the games of a pool: the last checkpoints of runs and anchors, all at equal search."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

import envs
from selfplay.arrays import concatenate, take
from selfplay.compare.analysis.dependent import Tally, add, tally
from selfplay.compare.groups import Group
from selfplay.compare.metrics import METRIC
from selfplay.compare.pool import (
    Entrant,
    Meeting,
    Pool,
    rate,
    read_meetings,
    read_pool,
    write_pool,
)
from selfplay.compare.records import Run
from selfplay.lines.lockstep import Ply, Turn
from selfplay.lines.openings import Openings
from selfplay.measure.own_games import sample_different
from selfplay.players.arena import Match, new_match, play_on
from selfplay.players.limits import Limit
from selfplay.players.pairing import make_schedule, unbalanced_openings, usual_plies
from selfplay.players.players import NetPlayer, SearchPlayer, make_player
from selfplay.training.agent import load_agent
from selfplay.training.folder import RunFolder
from selfplay.truth.base import optimal_moves
from selfplay.truth.labels import Labeller
from selfplay.types import Game, Int, Player, State

ANCHORS = ("minimax:4", "mcts:100", "minimax:2", "random")  # the best guess of the best first
SIMULATIONS = 64
OPPONENTS = 8  # that each player meets
SEED = 0  # of openings and games
AT_HAND = 32  # agents kept in memory
GAMES_AT_ONCE = 512  # that are lost when it is interrupted


class PoolOrder(NamedTuple):
    """What pool is wanted."""

    games: int  # a pair, made even
    simulations: int = SIMULATIONS  # 0: the nets alone
    anchors: tuple[str, ...] = ANCHORS
    own_positions: int = 200  # of each player, at most about so many are labelled

    @property
    def pairs(self) -> int:
        """Openings, from which two players play two games each."""
        return -(-self.games // 2)


class Progress(NamedTuple):
    """How far a pool is."""

    played: int  # matches
    of: int
    pair: str  # the first of those that play now


def play_pool(
    folder: Path,
    groups: Sequence[Group],
    order: PoolOrder,
    tell: Callable[[Progress], None] = lambda _: None,
) -> Pool:
    """Plays what is missing of the pool in ``folder``, all runs of ``groups``, and rates all.

    Raises ValueError with a sentence where there is nothing to play.
    """
    runs = [run for group in groups for run in group.runs if RunFolder(run.path).latest()]
    if not runs:
        raise ValueError("no run has a checkpoint that could play")
    game = envs.make(runs[0].settings.game)
    if game.num_players != 2:
        raise ValueError(f"a pool needs a game for two players; {game.name} has one")
    entrants, paths = _enter(groups, order.anchors)
    known_moves = -(-order.own_positions // min(OPPONENTS, len(entrants) - 1))
    pool_games = PoolGames(game, order, paths, known_moves)
    terms = pool_games.terms(runs[0].settings.game)
    before = read_pool(folder)
    meetings = {(each.a, each.b): each for each in read_meetings(folder, terms)}
    ready = {pair for pair, each in meetings.items() if len(each.results) >= order.pairs}
    todo = [
        meetings.get((a, b)) or meetings.get((b, a)) or Meeting(*new_match(a, b))
        for a, b in _missing(entrants, ready)
    ]
    at_once = max(1, GAMES_AT_ONCE // (2 * order.pairs))
    for number in range(0, len(todo), at_once):
        some = todo[number : number + at_once]
        tell(Progress(number, len(todo), f"{some[0].a} against {some[0].b}"))
        for met in pool_games.meet(some):
            meetings[met.a, met.b] = met
        write_pool(folder, terms, list(meetings.values()), before)
    pool_games.close()
    pool = rate(entrants, [*meetings.values()], 2 * order.pairs, order.simulations)
    write_pool(folder, terms, list(meetings.values()), pool)
    return pool


def _enter(
    groups: Sequence[Group], anchors: Sequence[str]
) -> tuple[list[Entrant], dict[str, Path]]:
    """All players by rank, with the folders of the runs."""
    ranked: list[tuple[float, Entrant]] = []
    paths: dict[str, Path] = {}
    for group in groups:
        for run in group.runs:
            checkpoint = RunFolder(run.path).latest()
            if checkpoint is not None:
                digest = hashlib.sha256(checkpoint.read_bytes()).hexdigest()[:12]
                identity = f"{run.path.name}@{int(checkpoint.stem)}-{digest}"
                paths[identity] = run.path
                ranked.append((_last_rate(run), Entrant(identity, group.label, anchor=False)))
    ranked.sort(key=lambda each: each[0])
    return [entrant for _, entrant in ranked] + [Entrant(a, a, anchor=True) for a in anchors], paths


def _last_rate(run: Run) -> float:
    """The latest share of mistakes, for a guess of who is strong; 1 where it is not known."""
    rates = run.points.of(METRIC)
    rates = rates[np.isfinite(rates)]
    return float(rates[-1]) if len(rates) else 1.0


def _missing(entrants: Sequence[Entrant], ready: set[tuple[str, str]]) -> list[tuple[str, str]]:
    """The pairs of identities that have games to play, as they are ranked."""
    names = [each.identity for each in entrants]
    labels = list(dict.fromkeys(each.label for each in entrants))
    teams = [labels.index(each.label) for each in entrants]
    met = [(names.index(a), names.index(b)) for a, b in ready if {a, b} <= set(names)]
    return [(names[i], names[j]) for i, j in make_schedule(teams, OPPONENTS, met)]


class PlayedMoves:
    """The moves of matches as they are played: who made them, where, and from which opening."""

    def __init__(self) -> None:
        self._plies: list[tuple[Turn, Int]] = []
        self._opening = np.empty(0, np.int64)  # of each game
        self._seats = np.empty((0, 2), np.str_)

    def begin(self, openings: Openings, seats: Sequence[tuple[str, str]]) -> None:
        """Games begin from ``openings``, one from each: who has the first and second seat."""
        self._seats = np.array(seats)
        _, of = np.unique(openings.moves, axis=0, return_inverse=True)
        self._opening = of.reshape(-1)

    def moved(self, ply: Ply) -> None:
        """One more move in those that go on."""
        self._plies.append((ply.turn, ply.action))

    def stopped(self, game: int, result: int, sentence: str) -> None:
        """The moves of a game that was not played to its end count as others do."""

    def end(self, seats: Sequence[tuple[str, str]], results: NDArray[np.int8]) -> None:
        """Nothing is done with results here."""

    def moves_of(self, player: str) -> tuple[State, Int, NDArray[np.int64]] | None:
        """Where it was to move, what it played, and the number of the opening; None: nowhere."""
        found = []
        for turn, action in self._plies:
            mover = self._seats[turn.lane, turn.second.astype(np.int64)]
            rows = np.flatnonzero(mover == player)
            if len(rows):
                opening = self._opening[turn.lane[rows]]
                found.append((take(turn.state, rows), action[rows], opening))
        return concatenate(found) if found else None


class PoolGames:
    """Plays the matches of a pool: its openings, its solver, and the players that are at hand."""

    def __init__(
        self, game: Game, order: PoolOrder, paths: dict[str, Path], known_moves: int
    ) -> None:
        self._game, self._order, self._paths = game, order, paths
        self._known_moves = known_moves  # of each player in a match, that are labelled
        self._plies = usual_plies(game)  # random moves that games begin with
        # one search for all: its options belong to the evaluation, not to a regime
        self._search = load_agent(str(next(iter(paths.values())))).search
        self._labeller = _labeller(game)
        self._player = lru_cache(AT_HAND)(self._load)

    @cached_property
    def _openings(self) -> Openings:
        pairs = self._order.pairs
        return unbalanced_openings(self._game, pairs, self._plies, SEED, self._labeller)

    def terms(self, spec: str) -> dict[str, Any]:
        """What all games of a pool have in common."""
        search = self._search.model_dump(mode="json", exclude={"simulations"})
        return {
            "game": spec,
            "simulations": self._order.simulations,
            "plies": self._plies,
            "seed": SEED,
            "search": search if self._order.simulations else None,
        }

    def meet(self, meetings: Sequence[Meeting]) -> list[Meeting]:
        """The meetings with all openings played, side by side, from the first they lack."""
        names = [name for each in meetings for name in (each.a, each.b)]
        players = {name: self._player(name) for name in names}
        words = "".join(f"{each.a} {each.b} {len(each.results)} " for each in meetings)
        rng = np.random.default_rng([SEED, zlib.crc32(words.encode())])
        matches = [Match(each.a, each.b, each.results) for each in meetings]
        played = PlayedMoves()
        results = play_on(self._game, players, matches, self._openings, rng, played)
        # what a player did in all these matches is written down with its first
        own = {name: self._judge(played, name, names.count(name), rng) for name in players}
        return [
            Meeting(*match, (_sum(own, match.a, before.own[0]), _sum(own, match.b, before.own[1])))
            for before, match in zip(meetings, results, strict=True)
        ]

    def close(self) -> None:
        if self._labeller is not None:
            self._labeller.close()

    def _load(self, identity: str) -> Player:
        if identity not in self._paths:
            return make_player(identity, self._game, _no_run)
        agent = load_agent(str(self._paths[identity]))
        if not self._order.simulations:
            return NetPlayer(identity, agent.evaluator)
        search = self._search.with_simulations(self._order.simulations)
        return SearchPlayer(identity, search, agent.evaluator)

    def _judge(
        self, played: PlayedMoves, player: str, matches: int, rng: np.random.Generator
    ) -> Tally:
        """The mistakes of a player in a sample of the moves that it has just made."""
        seen = None if self._labeller is None else played.moves_of(player)
        if self._labeller is None or seen is None:
            return Tally()
        state, action, opening = seen
        most = self._known_moves * matches
        rows = sample_different(self._game, state, most, self._labeller, rng)
        right = optimal_moves(self._labeller.scores(take(state, rows)))
        spared = right[np.arange(len(rows)), action[rows]]
        self._labeller.refresh()
        return tally(~spared, opening[rows])


def _sum(judged: dict[str, Tally], name: str, before: Tally) -> Tally:
    """What was judged of a player before and now, which is taken out of ``judged``."""
    return add([before, judged.pop(name, Tally())])


def _labeller(game: Game) -> Labeller | None:
    """None where there is no solver for the game."""
    try:
        return Labeller(game)
    except ValueError:
        return None


def _no_run(run: str, step: int | None, limit: Limit) -> Player:
    raise ValueError(f"{run!r} is no anchor; use random, mcts:N, minimax:D or solver")
