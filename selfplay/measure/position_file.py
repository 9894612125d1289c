"""Mistakes on the positions of files: of the net alone, of its value, of searches of any size."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from selfplay.lines.keys import canonical_keys
from selfplay.measure.answers import MOVERS, Answers
from selfplay.measure.mistakes import (
    Truth,
    evaluate_positions,
    judge_agent,
    mistake_metric,
    rates_of,
    surprise_metric,
)
from selfplay.players.players import NetPlayer, SearchPlayer
from selfplay.search import Search
from selfplay.search.base import MAX_SIMULATIONS
from selfplay.section import Metric, Section
from selfplay.truth.positions import (
    NAMES,
    default_positions,
    digest,
    find_positions,
    first_of_sets,
    read_positions,
    shipped_positions,
)
from selfplay.types import Evaluator, Game, Player


class PositionsSection(Section):
    """The positions of files, with their truth."""

    positions: str = ""
    """a position file, or the name of one that ships for the game: `"stages"`, `"informative"`;
    empty: `"stages"`, if they do"""
    searched: int | None = Field(None, ge=1, le=10**6)
    """of these positions so many, as many of each set, are searched and judged by the value one
    move ahead, which costs more than the net alone; none: all"""
    ladder: tuple[Annotated[int, Field(ge=0, le=MAX_SIMULATIONS)], ...] = ()
    """simulations a move that the last measurement judges as well, as in `[0, 1, 4, 16, 64, 256]`;
    0: the net alone"""
    validation: str = ""
    """a second position file, on which to choose settings and checkpoints; empty: the one that
    ships for the game, if any"""
    apart: bool = True
    """no regime learns from the positions of either file; `false` for an agent that is to know the
    openings, of which the stages of Connect Four hold the first moves"""


class PositionFile:
    """Mistakes on the positions of a file; ``answers`` tells of each position.

    The last measurement of a run is followed by ``climb``.
    """

    metrics: tuple[Metric, ...] = (
        mistake_metric(
            "strength/mistake_rate",
            "mean over the sets of (mistakes / positions), with search",
            label="mistakes",
            form="{:.1%} with search",
        ),
        mistake_metric(
            "strength/net_mistake_rate",
            "the same for the net's most probable move",
            label="net alone",
            form="{:.1%}",
        ),
        mistake_metric(
            "strength/value_mistake_rate",
            "the same for the move to the position that the net's value likes best, looking one "
            "move ahead",
        ),
        Metric(
            "strength/mistake_rate/SET",
            "mistakes / positions of one set, with search",
            "share",
            "down",
        ),
        Metric(
            "strength/optimal_mass",
            "mean over the sets of the search policy's mean probability of moves that are no "
            "mistakes",
            "share",
            "up",
        ),
        Metric("strength/net_optimal_mass", "the same for the net's policy", "share", "up"),
        surprise_metric(
            "strength/policy_cross_entropy",
            "mean over the sets of mean(-log p(moves that are no mistakes)), p from the net",
        ),
        surprise_metric(
            "strength/value_cross_entropy",
            "mean over the sets of mean(-log p(true result)), p from the net",
        ),
        Metric(
            "strength/ladder_mistake_rate/SIMULATIONS",
            "as `strength/mistake_rate`, with so many simulations; in the last measurement",
            "share",
            "down",
        ),
    )

    def __init__(self, game: Game, section: PositionsSection) -> None:
        path = find_positions(game, section.positions)
        assert path is not None
        self._game, self._positions = game, read_positions(game, path)
        self._digest, self._searched = digest(self._positions), self._positions
        if section.searched is not None:
            each = max(1, section.searched // len(self._positions.set_names))
            self._searched = first_of_sets(self._positions, each)
        self._ladder = {f"search_{count}": count for count in section.ladder}
        self._judged: dict[str, Truth] = {}  # in the latest measurement, by player

    @staticmethod
    def applies(game: Game, section: PositionsSection) -> bool:
        return bool(section.positions or default_positions(game))

    @property
    def ladder(self) -> frozenset[str]:
        """The players that only ``climb`` judges."""
        return frozenset(self._ladder)

    def keys(self) -> NDArray[np.uint64]:
        """Canonical keys of the positions."""
        return canonical_keys(self._game, self._positions.state)

    def measure(self, search: Search, evaluator: Evaluator) -> dict[str, float]:
        """Shares of mistakes by set too, with the ends of their intervals."""
        agent = SearchPlayer("agent", search, evaluator)
        self._judged = judge_agent(self._game, self._positions, agent, self._searched)
        searched, net = self._judged["search"], self._judged["net"]
        scalars = rates_of("strength/", self._judged)
        scalars["strength/optimal_mass"] = searched.optimal_mass
        scalars["strength/net_optimal_mass"] = net.optimal_mass
        for each in searched.sets:
            scalars[f"strength/mistake_rate/{each.name}"] = each.mistake_rate.value
        return scalars

    def climb(self, search: Search, evaluator: Evaluator) -> dict[str, float]:
        """Mistakes by each search of the ladder, with the net that was measured before."""
        scalars: dict[str, float] = {}
        known = {search.simulations: self._judged["search"]}
        for name, count in self._ladder.items():
            truth = known.get(count)
            if truth is None:
                player: Player = NetPlayer("net", evaluator)
                if count:
                    player = SearchPlayer("agent", search.with_simulations(count), evaluator)
                truth = evaluate_positions(self._game, self._searched, player)
            self._judged[name] = truth
            scalars[f"strength/ladder_mistake_rate/{count}"] = truth.mistake_rate.value
        return scalars

    def answers(self) -> Answers:
        """What was judged since the latest ``measure`` began, position by position."""
        mistakes = {player: truth.mistakes for player, truth in self._judged.items()}
        mass = {player: truth.mass for player, truth in self._judged.items()}
        moves = {player: self._judged[player].moves for player in MOVERS}
        return Answers(self._digest, mistakes, mass, moves)


class Validation:
    """The net alone on positions that settings and checkpoints may be chosen by."""

    metrics: tuple[Metric, ...] = (
        mistake_metric(
            "strength/validation_mistake_rate",
            "as `strength/net_mistake_rate`, on the positions of `strength.validation`, which the "
            "others are judged without: what is chosen is chosen by these",
        ),
        Metric(
            "strength/validation_optimal_mass",
            "as `strength/net_optimal_mass`, on these",
            "share",
            "up",
        ),
    )

    def __init__(self, game: Game, section: PositionsSection) -> None:
        path = _validation(game, section)
        assert path is not None
        self._game, self._positions = game, read_positions(game, path)

    @staticmethod
    def applies(game: Game, section: PositionsSection) -> bool:
        return _validation(game, section) is not None

    def keys(self) -> NDArray[np.uint64]:
        """Canonical keys of the positions."""
        return canonical_keys(self._game, self._positions.state)

    def measure(self, search: Search, evaluator: Evaluator) -> dict[str, float]:
        """The share of mistakes with the ends of its interval; ``search`` is not asked."""
        truth = evaluate_positions(self._game, self._positions, NetPlayer("net", evaluator))
        rate = truth.mistake_rate.scalars("strength/validation_mistake_rate")
        return rate | {"strength/validation_optimal_mass": truth.optimal_mass}


def _validation(game: Game, section: PositionsSection) -> Path | None:
    if section.validation:
        return find_positions(game, section.validation)
    return shipped_positions(game, NAMES[-1])
