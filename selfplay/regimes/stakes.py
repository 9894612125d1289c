"""What is at stake in a position, as the weight with which its policy is learned."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field

from selfplay.section import Section
from selfplay.types import Float


class StakesSection(Section):
    """Options of the regimes that know what is at stake."""

    weigh: Literal["positions", "stakes"] = "positions"
    """what has equal weight in the policy's loss: `"positions"`, or what is at `"stakes"` in them:
    half of the best less the worst result (win 1, draw 0, loss -1) that a legal move leads to, by
    the expert's scores, or what the data set itself tells, as one of `mirror` does"""
    least_weight: float = Field(0.0, ge=0, le=1)
    """of `"stakes"`: the weight of a position where no move can err; that of one where a move
    decides between win and loss is 1"""

    def policy_weight(self, scores: Float | None, told: Float | None = None) -> Float | None:
        """[M] f32 by the stakes [M] that are ``told``, else by the scores [M, A] of the moves.

        None where all positions weigh 1.
        """
        if self.weigh == "positions":
            return None
        if told is None:
            assert scores is not None
            told = stakes(scores)
        weight: Float = self.least_weight + (1 - self.least_weight) * told
        return weight


def stakes(scores: Float) -> Float:
    """[M] f32 in [0, 1], half of the best less the worst result that a legal move leads to.

    ``scores`` [M, A] as from a Solver, NaN where illegal; 0 where no move can err.
    """
    result = np.sign(scores)
    spread: Float = (np.nanmax(result, axis=1) - np.nanmin(result, axis=1)) / 2
    return spread
