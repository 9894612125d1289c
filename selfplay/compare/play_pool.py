"""Plays the games of a pool: the last checkpoints of runs and anchors, all at equal search."""

from __future__ import annotations

import hashlib
import time
import zlib
from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import envs
from selfplay.arrays import length, take
from selfplay.compare.groups import Group
from selfplay.compare.metrics import METRIC
from selfplay.compare.pool import (
    Entrant,
    Judged,
    Meeting,
    Pool,
    rate,
    read_meetings,
    read_pool,
    write_pool,
)
from selfplay.compare.records import Run
from selfplay.lines.openings import Openings
from selfplay.measure.own_games import Witness, draw_different
from selfplay.players.arena import play_side_by_side
from selfplay.players.players import NetPlayer, SearchPlayer, make_player
from selfplay.players.schedule import make_schedule
from selfplay.players.unbalanced import unbalanced_openings, usual_plies
from selfplay.search import Search
from selfplay.training.agent import load_agent
from selfplay.training.folder import RunFolder
from selfplay.truth.labels import Labeller
from selfplay.truth.solver import optimal_moves
from selfplay.types import Game, Player

ANCHORS = ("minimax:4", "mcts:100", "minimax:2", "random")  # the best guess of the best first
SIMULATIONS = 64
OPPONENTS = 8  # that each player meets
OWN_POSITIONS = 200  # of each player, at most about so many are labelled
AT_HAND = 32  # agents kept in memory
GAMES_AT_ONCE = 512  # that are lost when it is interrupted


class Order(NamedTuple):
    """What pool is wanted."""

    games: int  # a pair, made even
    simulations: int = SIMULATIONS  # 0: the nets alone
    plies: int | None = None  # random moves that games begin with; None: unbalanced.usual_plies
    anchors: tuple[str, ...] = ANCHORS
    seed: int = 0
    opponents: int = OPPONENTS
    own_positions: int = OWN_POSITIONS


class Progress(NamedTuple):
    """How far a pool is."""

    played: int  # matches
    of: int
    pair: str  # the first of those that play now
    wall_s: float


def play_pool(
    folder: Path,
    groups: Sequence[Group],
    order: Order,
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
    known_moves = -(-order.own_positions // min(order.opponents, len(entrants) - 1))
    hall = Hall(game, order, paths, known_moves)
    terms = hall.terms(runs[0].settings.game)
    before = read_pool(folder)
    meetings = {(each.a, each.b): each for each in read_meetings(folder, terms)}
    pairs = -(-order.games // 2)
    ready = {pair for pair, each in meetings.items() if len(each.results) >= pairs}
    missing = _missing(entrants, ready, order.opponents)
    todo = [(b, a) if (b, a) in meetings else (a, b) for a, b in missing]
    start = time.monotonic()
    at_once = max(1, GAMES_AT_ONCE // (2 * pairs))
    for number in range(0, len(todo), at_once):
        names = todo[number : number + at_once]
        tell(Progress(number, len(todo), " against ".join(names[0]), time.monotonic() - start))
        for met in hall.meet([(*pair, meetings.get(pair)) for pair in names], pairs):
            meetings[met.a, met.b] = met
        write_pool(folder, terms, list(meetings.values()), before)
    hall.close()
    pool = rate(entrants, [*meetings.values()], 2 * pairs, order.simulations)
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
            if checkpoint is None:
                continue
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


def _missing(
    entrants: Sequence[Entrant], ready: set[tuple[str, str]], opponents: int
) -> list[tuple[str, str]]:
    """The pairs of identities that have games to play, as they are ranked."""
    rank = {each.identity: i for i, each in enumerate(entrants)}
    labels = list(dict.fromkeys(each.label for each in entrants))
    teams = [labels.index(each.label) for each in entrants]
    met = [(rank[a], rank[b]) for a, b in ready if a in rank and b in rank]
    planned = make_schedule(teams, opponents, met)
    names = [each.identity for each in entrants]
    return [(names[i], names[j]) for i, j in planned]


Task = tuple[str, str, Meeting | None]  # who is to meet, and how far they had come


class Hall:
    """Where the games take place: openings, solver, and the players that are at hand."""

    def __init__(self, game: Game, order: Order, paths: dict[str, Path], known_moves: int) -> None:
        self._game, self._order, self._paths = game, order, paths
        self._known_moves = known_moves  # of each player in a match, that are labelled
        self._plies = usual_plies(game) if order.plies is None else order.plies
        first = load_agent(str(next(iter(paths.values()))))
        # one search for all: its options belong to the evaluation, not to a regime
        self._search: Search = first.search
        self._labeller = _labeller(game)
        self._at_hand: OrderedDict[str, Player] = OrderedDict()
        self._openings: Openings | None = None

    def terms(self, spec: str) -> dict[str, Any]:
        """What all games of a pool have in common."""
        search = self._search.model_dump(mode="json", exclude={"simulations"})
        return {
            "game": spec,
            "simulations": self._order.simulations,
            "plies": self._plies,
            "seed": self._order.seed,
            "search": search if self._order.simulations else None,
        }

    def meet(self, matches: Sequence[Task], pairs: int) -> list[Meeting]:
        """The matches side by side, each from its opening ``len(before.results)`` on."""
        names = list(dict.fromkeys(name for a, b, _ in matches for name in (a, b)))
        players = [Witness(self._player(name)) for name in names]
        starts = [0 if before is None else len(before.results) for _, _, before in matches]
        openings = [take(self._first_openings(pairs), slice(start, None)) for start in starts]
        seats = [(names.index(a), names.index(b)) for a, b, _ in matches]
        words = "".join(f"{a} {b} {n} " for (a, b, _), n in zip(matches, starts, strict=True))
        rng = np.random.default_rng([self._order.seed, zlib.crc32(words.encode())])
        results = play_side_by_side(self._game, players, seats, openings, rng)
        counts = np.bincount(np.ravel(seats))
        # what a player did in all these matches is written down with its first
        own = {
            name: self._judge(player, int(count), rng)
            for name, player, count in zip(names, players, counts, strict=True)
        }
        nothing = Judged(0, 0)
        return [
            _joined(before, Meeting(a, b, each, (own.pop(a, nothing), own.pop(b, nothing))))
            for (a, b, before), each in zip(matches, results, strict=True)
        ]

    def close(self) -> None:
        if self._labeller is not None:
            self._labeller.close()

    def _first_openings(self, pairs: int) -> Openings:
        if self._openings is None or length(self._openings.second) < pairs:
            self._openings = unbalanced_openings(
                self._game, pairs, self._plies, self._order.seed, self._labeller
            )
        return Openings(*take(self._openings, slice(pairs)))

    def _player(self, identity: str) -> Player:
        """The player, loaded if it is not at hand."""
        if identity not in self._at_hand:
            self._at_hand[identity] = self._load(identity)
            if len(self._at_hand) > AT_HAND:
                self._at_hand.popitem(last=False)
        self._at_hand.move_to_end(identity)
        return self._at_hand[identity]

    def _load(self, identity: str) -> Player:
        if identity not in self._paths:
            return make_player(identity, self._game, _no_run)
        agent = load_agent(str(self._paths[identity]))
        if not self._order.simulations:
            return NetPlayer(identity, agent.evaluator)
        search = self._search.with_simulations(self._order.simulations)
        return SearchPlayer(identity, search, agent.evaluator)

    def _judge(self, player: Witness, matches: int, rng: np.random.Generator) -> Judged:
        """The mistakes of a player in a sample of the moves that it has just made."""
        met = player.take_met()
        if self._labeller is None or met is None:
            return Judged(0, 0)
        count = self._known_moves * matches
        rows = draw_different(self._game, met.state, count, self._labeller, rng)
        right = optimal_moves(self._labeller.scores(take(met.state, rows)))
        played = right[np.arange(len(rows)), met.action[rows]]
        self._labeller.refresh()
        return Judged(int((~played).sum()), len(rows))


def _joined(before: Meeting | None, now: Meeting) -> Meeting:
    """A match that went on."""
    if before is None:
        return now
    own = [Judged(x.mistakes + y.mistakes, x.moves + y.moves)
           for x, y in zip(before.own, now.own, strict=True)]  # fmt: skip
    results = np.concatenate([before.results, now.results])
    return now._replace(results=results, own=(own[0], own[1]))


def _labeller(game: Game) -> Labeller | None:
    """None where there is no solver for the game."""
    try:
        return Labeller(game)
    except ValueError:
        return None


def _no_run(run: str, step: int | None, simulations: int | None) -> Player:
    raise ValueError(f"{run!r} is no anchor; use random, mcts:N, minimax:D or solver")
