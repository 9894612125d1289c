"""A scripted player on the left, any player of the game ``pong`` on the right: balls returned."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from envs.pong import MISSED, RETURNED, start, step_one
from envs.rally import Rally, begun
from selfplay.arrays import take
from selfplay.mirror.relevance import HOLD, relevance
from selfplay.mirror.styles import STYLES, choose, mood
from selfplay.types import Game, Player

_COURTS = 16  # games side by side


class Met(NamedTuple):
    """How a player of Pong did against a scripted one."""

    returned: int  # balls that it met
    balls: int  # that came to it
    model_returned: int  # the same of the scripted player
    model_balls: int
    agreement: float  # share of steps at which it would do what that did, weighted by relevance


def meet(player: Player, game: Game, style: str, balls: int, seed: int = 0) -> Met:
    """Plays until ``balls`` balls or a few more have come to ``player``.

    ``style`` is one of STYLES.  Raises ValueError where ``game`` is not Pong.
    """
    if not isinstance(game, Rally):
        raise ValueError(f"the mirror plays {Rally.name}; {player.name} plays {game.name}")
    rng = np.random.default_rng(seed)
    courts = start(rng, _COURTS)
    lanes = [take(courts, slice(c, c + 1)) for c in range(_COURTS)]  # views, stepped in place
    minds = [mood(rng) for _ in lanes]
    right = np.repeat([False, True], _COURTS)
    returned, missed = np.zeros((2, 2), np.int64)
    event = np.zeros(2, np.int8)
    same = matters = 0.0
    while returned[1] + missed[1] < balls:
        both = begun(np.tile(courts.ball, (2, 1)), np.tile(courts.paddle, (2, 1)))
        wanted = player.decide(game, both._replace(second=right), rng).action
        for state, mind, copied, answer in zip(
            lanes, minds, wanted[:_COURTS].tolist(), wanted[_COURTS:].tolist(), strict=True
        ):
            action = choose(STYLES[style], mind, state)
            x, y, speed, rise = state.ball[0].tolist()
            weight = relevance(x, y, speed, rise, int(state.paddle[0, 0]), HOLD)
            same += weight * (copied == action)
            matters += weight
            step_one(state, 0, action, answer, event)
            returned += event == RETURNED
            missed += event == MISSED
    came = returned + missed
    agreement = same / matters if matters else 1.0
    return Met(int(returned[1]), int(came[1]), int(returned[0]), int(came[0]), agreement)
