"""Strength in matches against baselines."""

from __future__ import annotations

from pydantic import Field

from selfplay.nets.evaluator import NetEvaluator
from selfplay.players import arena
from selfplay.players.limits import Limit
from selfplay.players.players import SearchPlayer, make_player
from selfplay.search import Search
from selfplay.section import Metric, Section
from selfplay.types import Game, Player


class MatchesSection(Section):
    """The baselines, and how many games are played against each."""

    versus: tuple[str, ...] = ()
    """baselines to play: `"random"`, `"mcts:N"`, `"minimax:D"`, `"solver"`"""
    games: int = Field(40, ge=2, le=10**6)
    """games against each"""


class Matches:
    """The score against each baseline."""

    metrics: tuple[Metric, ...] = (
        Metric(
            "strength/vs_PLAYER",
            "(wins + draws / 2) / games against a baseline, with search",
            "share",
            "up",
            interval=True,
            label="score against PLAYER",
            form="{:.0%}",
        ),
    )

    def __init__(self, game: Game, section: MatchesSection) -> None:
        self._game, self._pairs = game, section.games // 2
        self._baselines = [make_player(name, game, _no_runs) for name in section.versus]

    @staticmethod
    def applies(game: Game, section: MatchesSection) -> bool:
        return bool(section.versus)

    def measure(self, search: Search, evaluator: NetEvaluator) -> dict[str, float]:
        """Scores in [0, 1] with the ends of their intervals."""
        agent = SearchPlayer("agent", search, evaluator)
        scalars: dict[str, float] = {}
        for baseline in self._baselines:
            (match,) = arena.tournament(self._game, [agent, baseline], self._pairs, plies=2, seed=0)
            scalars |= arena.score(match).scalars(f"strength/vs_{baseline.name}")
        return scalars


def _no_runs(name: str, step: int | None, limit: Limit) -> Player:
    raise ValueError(
        f"strength.versus: {name!r} is no baseline; use random, mcts:N, minimax:D or solver"
    )
