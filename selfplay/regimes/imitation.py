"""Imitation: the net learns the moves, or their values, of an expert's games."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from selfplay.data.dataset import Dataset, open_data
from selfplay.learning.samples import targets
from selfplay.lines.games import Games
from selfplay.regimes.base import Look, Parts
from selfplay.regimes.epochs import EpochsLoop, Stock, StockSection
from selfplay.regimes.stakes import StakesSection
from selfplay.stats import result_probabilities, soften
from selfplay.truth.base import optimal_moves
from selfplay.types import Bool, Float, Targets

_JUDGED = 4096  # positions kept aside that are looked at, at most


class Imitation(StakesSection, StockSection):
    """Section ``[regime]`` with ``kind = "imitation"``: AlphaGo's first step (Silver et al. 2016).

    ``target``: "move" the one played; "policy" the expert's probabilities; "optimal" all moves
    alike that keep the best result in reach; "values" softmax of the scores of the actions at
    ``temperature`` (Ruoss et al. 2024 found these to teach most).
    """

    looks = (Look("imitation", "imitation", "#c4470f", "#ff9257"),)

    kind: Literal["imitation"] = "imitation"
    data: str
    """folder of a data set, made by the verb `data`"""
    games: int | None = Field(None, ge=1, le=10**12)
    """so many of its training games, those of fewer among those of more; none: all"""
    target: Literal["move", "policy", "optimal", "values"] = "move"
    """what the policy learns: the `"move"` played, the expert's `"policy"`, all moves alike that
    are no mistakes by its scores (`"optimal"`), or its `"values"`"""
    temperature: float = Field(1.0, gt=0, le=1e6)
    """of target `"values"`: softmax(scores / temperature)"""
    value: Literal["outcome", "scores"] = "outcome"
    """what the value learns: the game's `"outcome"`, or the sign of the best of the expert's
    `"scores"`"""
    one_a_game: bool = False
    """one position of each game, against overfitted values"""

    def open(self, parts: Parts) -> EpochsLoop:
        """Raises ValueError when the data lacks what is asked for."""
        return EpochsLoop(self.positions, ExpertStock(self, parts), parts)


class ExpertStock(Stock):
    """The training games of a data set, without the positions that the run is judged on."""

    def __init__(self, section: Imitation, parts: Parts) -> None:
        self._section, self._game, self._seed = section, parts.game, parts.seed
        self._learnable = parts.learnable
        self.data = open_data(section.data, parts.game)
        _refuse_missing(self.data, section)
        self.redraw(section.draw_for(parts))
        aside = self.data.rows("validation")
        aside = aside[parts.learnable(self.data.keys(aside))]
        drawn = np.random.default_rng(0).permutation(len(aside))[:_JUDGED]  # the same for all seeds
        if len(drawn):
            rows = np.sort(aside[drawn])
            judged = self._targets(rows)
            self.aside_stakes = self.data.take(rows).stakes
            everywhere = np.ones_like(judged.policy_weight)  # whatever weighs in learning
            self.aside = judged._replace(policy_weight=everywhere)

    def redraw(self, draw: int) -> None:
        section, self.draw = self._section, draw
        rows = self.data.rows("train", section.games, section.one_a_game, self._seed, draw)
        self._rows = rows[self._learnable(self.data.keys(rows))]

    def __len__(self) -> int:
        return len(self._rows)

    def samples(self, rows: NDArray[np.int64]) -> Targets:
        return self._targets(self._rows[rows])

    def keys(self, rows: NDArray[np.int64]) -> NDArray[np.uint64]:
        return self.data.keys(self._rows[rows])

    def cost(self, rows: int) -> tuple[float, float]:
        source, share = self.data.manifest.source, rows / len(self.data)
        return source.expert_s * share, source.expert_flops * share

    def source(self) -> dict[str, Any]:
        return {
            "path": self._section.data,
            "expert": self.data.manifest.source.expert,
            "games": len(np.unique(self.data.take(self._rows).game)),
            "positions": len(self),
            "unique": len(np.unique(self.data.keys(self._rows))),
        }

    def _targets(self, rows: NDArray[np.int64]) -> Targets:
        """The positions of ``rows`` of the data set, as the learner wants them."""
        game, games = self._game, self.data.take(rows)
        legal, value = game.legal(games.state), games.outcome
        if self._section.value == "scores":
            assert games.scores is not None
            value = np.sign(np.nanmax(games.scores, axis=1)).astype(np.float32)
        results = result_probabilities(value, np.ones_like(value))
        policy = _policy(self._section, games, legal)
        weight = self._section.policy_weight(games.scores, games.stakes)
        return targets(game.observe(games.state), legal, policy, results, weight)


def _policy(section: Imitation, games: Games, legal: Bool) -> Float:
    if section.target in ("optimal", "values"):
        assert games.scores is not None
        if section.target == "values":
            return soften(games.scores, section.temperature)
        best = optimal_moves(games.scores).astype(np.float32)
        alike: Float = best / best.sum(axis=1, keepdims=True)
        return alike
    if section.target == "policy":
        assert games.policy is not None
        return games.policy
    played = np.zeros(legal.shape, np.float32)
    played[np.arange(len(played)), games.action] = 1
    return played


def _refuse_missing(data: Dataset, section: Imitation) -> None:
    """Raises ValueError when the data set does not tell what is to be learned."""
    one = data.take(np.zeros(1, np.int64))
    for option, wanted, there in (
        ("target", ("optimal", "values"), one.scores),
        ("value", ("scores",), one.scores),
        ("weigh", ("stakes",), one.scores if one.stakes is None else one.stakes),
        ("target", ("policy",), one.policy),
    ):
        asked = getattr(section, option)
        if asked in wanted and there is None:
            raise ValueError(
                f"{section.data} holds moves of {data.manifest.source.expert!r} without what "
                f"regime.{option} = \"{asked}\" learns; use regime.target = 'move', regime.value = "
                f"'outcome' and regime.weigh = 'positions', or data of an expert that tells it, "
                f"such as the solver"
            )
