"""One tab's game: its tree, who plays which side, and what is shown of it, as JSON."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from selfplay.lines.openings import any_move
from selfplay.play.course import Course, Estimate, Judged, error_of, worst
from selfplay.play.svg import Layer, board_svg
from selfplay.play.variations import ROOT, Position, Variations, after
from selfplay.players.levels import split_level
from selfplay.players.thinking import Insight, Limit, Thinker
from selfplay.types import NO_ACTION, Drawn, Player
from selfplay.web.catalogue import Catalogue

PERSON = ""  # who sits where no player does
LAYERS = ("none", "prior", "visits", "value")
LOOK = Limit(simulations=20_000, seconds=30.0)  # of the search that grows while one looks
USUAL = Limit(simulations=200)  # of a player's search, a move
JUDGE = Limit(simulations=400, seconds=1.0)  # of the search that judges a position of the course
MOST_SIMULATIONS, MOST_SECONDS = 20_000, 60.0  # a move
SEEDS = 2**31
MOST_RANDOM = 20  # moves of a random opening
MOST_LINKED = 1500  # moves of the branches that a link restores: addresses stay below 8 kB
_TRIES = 50  # random openings that end before


class HaltedError(Exception):
    """The search was ended before it knew anything."""


class Settings(NamedTuple):
    """What a game is played with."""

    seats: tuple[str, str]  # names of players, or PERSON
    limit: Limit  # of a player's search


def begun(
    catalogue: Catalogue,
    side: int = 0,
    limit: Limit = USUAL,
    level: int | None = None,
) -> Settings:
    """What a tab begins with: a person on ``side`` against the catalogue's player.

    Its searches end within the page's bounds.
    """
    own = catalogue.net_of(catalogue.own) if limit.simulations == 0 else catalogue.own
    if level is not None:
        own = f"{own}:level={level}"
    seats = (PERSON, own) if side == 0 else (own, PERSON)
    if limit.seconds is not None:
        return Settings(seats, Limit(MOST_SIMULATIONS, min(limit.seconds, MOST_SECONDS)))
    simulations = limit.simulations or USUAL.simulations
    return Settings(seats, Limit(min(simulations or 1, MOST_SIMULATIONS)))


def rollouts_of(name: str) -> int | None:
    """The simulations in the name of a player of rollouts; None for another player."""
    kind, _, number = split_level(name)[0].partition(":")
    return int(number) if kind == "mcts" else None


class Table:
    """A game with its branches, at one of whose positions the tab looks."""

    def __init__(self, catalogue: Catalogue, settings: Settings) -> None:
        self._catalogue = catalogue
        self.rng = np.random.default_rng()
        self.layer = "visits"
        self.thought: tuple[str, Insight] | None = None  # who thinks what of the position
        self.begin(catalogue.game, settings)

    def begin(
        self,
        spec: str,
        settings: Settings,
        actions: Sequence[int] = (),
        branches: Sequence[Sequence[int]] = (),
        random_plies: int = 0,
    ) -> None:
        """A new game, from the position after ``actions`` or after ``random_plies`` random moves.

        ``branches`` are lines from the start that stand in its tree.  ValueError leaves all as it
        was.
        """
        game = self._catalogue.rules(spec)
        if game.num_players == 1:
            settings = settings._replace(seats=(settings.seats[0], PERSON))
        tree = Variations(game, int(self.rng.integers(SEEDS)))
        for line in branches:
            tree.branch(ROOT, line)
        tree.branch(ROOT, actions or _random_moves(tree, random_plies, self.rng))
        self.spec, self.game, self.tree, self.settings = spec, game, tree, settings
        self.adviser_name = self._catalogue.adviser(spec)
        self._course: Course | None = None
        self._lost: dict[int, float] = {}  # by the move that led to a node

    def set_settings(self, settings: Settings) -> None:
        """Who plays on, and how strongly."""
        self.settings = settings

    def player(self, name: str) -> Player:
        """The player of a name, loaded when first asked for."""
        return self._catalogue.player(name, self.spec)

    def limit_of(self, name: str) -> Limit:
        """How long a player searches for a move: rollouts as their name says, others as set."""
        rollouts = rollouts_of(name)
        if rollouts is None:
            return self.settings.limit
        return Limit(min(rollouts, MOST_SIMULATIONS), MOST_SECONDS)

    @property
    def to_move(self) -> str:
        """Who is to move where the tab looks: the name of a player, or PERSON."""
        now = self.tree.now
        return PERSON if now.over else self.settings.seats[now.mover]

    def undo(self) -> None:
        """Back to the person's decision before, so behind both moves; behind one where both sides
        are played by persons or by players."""
        seats = self.settings.seats
        alone = [side for side in (0, 1) if seats[side] == PERSON]
        parent = max(self.tree.nodes[self.tree.at].parent, ROOT)
        self.tree.undo(alone[0] if len(alone) == 1 else self.tree.nodes[parent].position.mover)

    def retry(self, node: int) -> None:
        """Back to before the move that led to ``node``, where that lost enough."""
        self.tree.retry(node, self._lost.get(node, 0.0))

    def view(self) -> dict[str, Any]:
        """The position looked at and its game, as JSON."""
        tree, game, now = self.tree, self.game, self.tree.now
        legal = [] if now.over else np.flatnonzero(game.legal(now.state)[0]).tolist()
        return {
            "spec": self.spec,
            "game": game.name,
            "players": game.num_players,
            "node": tree.at,
            "svg": self.svg(),
            "text": game.text(now.state, 0),
            "look": game.board(now.state, 0).look if isinstance(game, Drawn) else "text",
            "mover": now.mover,
            "over": now.over,
            "result": self._result(now),
            "legal": [[action, game.action_name(action)] for action in legal],
            "line": [self._move(node) for node in tree.line_through(tree.at)],
            "main": tree.main_line(),
            "tree": tree.to_json(),
            "moves": self._actions(tree.at),
            "branches": self._branches(),
            "seats": list(self.settings.seats),
            "limit": self.settings.limit._asdict(),
            "layer": self.layer,
            "adviser": self.adviser_name,
            "yours": not now.over and self.to_move == PERSON,
        }

    def _actions(self, node: int) -> list[int]:
        return [self.tree.nodes[each].action for each in self.tree.line(node)[1:]]

    def _branches(self) -> list[list[int]]:
        """The lines that make the tree anew, none where the moves looked at are all of it.

        As many of them as an address has room for.
        """
        nodes, lines, room = self.tree.nodes, [], MOST_LINKED
        for node, _, _ in self.tree.to_json()["nodes"]:
            if not nodes[node].children:
                line = self._actions(node)
                room -= len(line)
                if room < 0:
                    break
                lines.append(line)
        return [] if lines == [self._actions(self.tree.at)] else lines

    def _move(self, node: int) -> dict[str, Any]:
        at = self.tree.nodes[node]
        if at.action == NO_ACTION:
            return {"node": node, "name": "", "mover": -1}
        mover = self.tree.nodes[at.parent].position.mover
        return {"node": node, "name": self.game.action_name(at.action), "mover": mover}

    def _result(self, now: Position) -> str:
        if not now.over:
            return ""
        if self.game.num_players == 1:
            return f"The game is over: {now.paid[0]:+.2f}."
        if now.paid[0] == 0:
            return "A draw."
        winner = 0 if now.paid[0] > 0 else 1
        seats = self.settings.seats
        if PERSON in seats and seats[1 - seats.index(PERSON)] != PERSON:
            return "You win." if seats[winner] == PERSON else "You lose."
        return f"The {('first', 'second')[winner]} player wins."

    def svg(self) -> str:
        """The board, with the layer's numbers where something has been thought."""
        tree, layer = self.tree, None
        if self.thought is not None and self.layer != "none":
            layer = layer_of(self.layer, self.thought[1])
        last = tree.nodes[tree.at].action
        return board_svg(self.game, tree.now.state, last, layer, legal=not tree.now.over)

    def shown(self) -> dict[str, Any]:
        """What is thought of the position looked at, as JSON; numbers are the mover's.

        There must be a ``thought``.
        """
        assert self.thought is not None
        who, insight = self.thought
        name = self.game.action_name
        legal = np.flatnonzero(self.game.legal(self.tree.now.state)[0])
        order = sorted(legal.tolist(), key=lambda action: _rank(insight, action))
        return {
            "node": self.tree.at,
            "who": who,
            "svg": self.svg(),
            "action": insight.action,
            "name": name(insight.action),
            "win": (1 + insight.value) / 2,
            "mover": self.tree.now.mover,
            "rows": [_row(insight, action, name(action)) for action in order],
            "line": [name(action) for action in insight.line],
            "simulations": insight.simulations,
            "seconds": insight.seconds,
            "proven": insight.proven,
            "last": insight.last,
        }

    def judge(
        self, halted: Callable[[], bool], give_way: Callable[[], None]
    ) -> Iterator[dict[str, Any]]:
        """The moves of the line looked at as JSON, one by one as they are judged.

        The start comes first.  What was judged before is known still.  ``halted`` ends it, by
        HaltedError; ``give_way`` is called between the pieces of its searches.
        """
        self._halted, self._give_way = halted, give_way
        if self._course is None:
            solver = self._catalogue.solver(self.spec)
            self._course = Course(self.game, self._estimator(), solver)
        line = self.tree.line_through(self.tree.at)
        positions = self.tree.positions(line)
        scores = self._course.scores(positions[0])
        truth = None if scores is None else (1 + float(np.sign(np.nanmax(scores)))) / 2
        win = self._course.win(positions[0])
        yield {"node": line[0], "win": win, "mark": "", "truth": truth, "worst": []}
        told: dict[int, Judged] = {}  # by ply
        for judged in self._course.judge(positions):
            node = line[judged.ply + 1]
            self._lost[node] = judged.lost
            told[judged.ply] = judged
            cost_most = [line[each.ply + 1] for each in worst(list(told.values()))]
            yield {**self._judged(node, judged), "worst": cost_most}

    def _estimator(self) -> Callable[[Position], Estimate]:
        """What judges a position: a bounded search of the adviser."""
        player = self.player(self.adviser_name)
        waited = 0.0  # seconds given to others, which are none of the search

        def clock() -> float:
            return time.monotonic() - waited

        thinker = Thinker(self.game, player, np.random.default_rng(0), clock)

        def estimate(position: Position) -> Estimate:
            nonlocal waited
            insight: Insight | None = None
            for seen in thinker.think(position.state, JUDGE, self._halted):
                insight, begun = seen, time.monotonic()
                self._give_way()
                waited += time.monotonic() - begun
            if insight is None or self._halted():
                raise HaltedError
            visits = int(insight.visits[insight.action])
            error = error_of(player, insight.value, visits, insight.proven)
            return Estimate(insight.action, insight.value, error, insight.line)

        return estimate

    def _judged(self, node: int, move: Judged) -> dict[str, Any]:
        """A judged move that leads to ``node``, as JSON."""
        name = self.game.action_name
        truth = None
        if move.truth is not None:
            truth = (1 + move.truth.after * (1 if move.mover == 0 else -1)) / 2
        return {
            "node": node,
            "win": move.win,
            "lost": move.lost,
            "mark": move.mark,
            "punished": move.punished,
            "better": name(move.better) if move.mark else "",
            "line": [name(action) for action in move.line],
            "retry": move.may_retry,
            "truth": truth,
        }


def _random_moves(tree: Variations, plies: int, rng: np.random.Generator) -> list[int]:
    """So many random moves from the start that do not end the game; ValueError if all do."""
    for _ in range(_TRIES if plies else 0):
        at = tree.nodes[ROOT].position
        moves: list[int] = []
        while len(moves) < plies and not at.over:
            moves.append(int(any_move(tree.game, at.state, rng)[0]))
            at = after(tree.game, at, moves[-1])
        if not at.over:
            return moves
    if plies:
        raise ValueError(f"random games of {tree.game.name} end before {plies} moves are played")
    return []


def layer_of(name: str, insight: Insight) -> Layer | None:
    """The numbers on the squares; None where the search has none of that kind."""
    if name == "prior":
        numbers = insight.prior
    elif name == "visits":
        numbers = np.where(insight.visits > 0, insight.visits, np.nan).astype(np.float32)
    else:
        numbers = insight.qvalues
    if numbers is None or np.isnan(numbers).all():
        return None
    return Layer(name, numbers, insight.action)


def _rank(insight: Insight, action: int) -> tuple[float, ...]:
    """Sorts moves: the choice first, then by visits, policy and prior."""
    prior = 0.0 if insight.prior is None else float(insight.prior[action])
    first = action != insight.action
    return (first, -int(insight.visits[action]), -float(insight.policy[action]), -prior)


def _row(insight: Insight, action: int, name: str) -> dict[str, Any]:
    value = float(insight.qvalues[action])
    return {
        "action": action,
        "name": name,
        "prior": None if insight.prior is None else float(insight.prior[action]),
        "visits": int(insight.visits[action]),
        "q": value if math.isfinite(value) else None,
    }
