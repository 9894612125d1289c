"""Every Game as a Gymnasium environment: one seat is the agent's, the other an opponent's.

    from envs.adapters import to_gymnasium
    env = to_gymnasium.ToGymnasium("connect4", opponent=player, seat="random")

A step plays the agent's move and then the opponent's until the agent is to move again or the game
is over; its reward is what all these moves paid, seen by the agent, so that an episode's rewards
add up to its return in [-1, 1].

``info["action_mask"]`` [A] int8 says what is legal, as does ``action_masks()`` (the name that
sb3-contrib's MaskablePPO looks for).  An illegal action ends the episode with reward -1 and
``info["illegal_action"]``; no move is made.
"""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

import envs
from envs.adapters import encoding
from selfplay.types import Game, Player, State

SEATS = ("first", "second", "random")


class ToGymnasium(gymnasium.Env[Any, Any]):
    """``game`` (a Game or a spec for ``envs.make``) against ``opponent``.

    ``opponent``: a Player, or None for uniformly random legal moves.  ``seat``: which side the
    agent has, "first", "second" or "random" (drawn at each reset); ``reset(options={"seat": ...})``
    overrides it.  ``mask_in_observation`` makes observations {"observation", "action_mask"}.
    """

    def __init__(
        self,
        game: Game | str,
        opponent: Player | None = None,
        seat: str = "first",
        mask_in_observation: bool = False,
        render_mode: str | None = None,
    ) -> None:
        self._game = envs.make(game) if isinstance(game, str) else game
        if self._game.num_players == 1 and (opponent is not None or seat != "first"):
            raise ValueError(f"{self._game.name} has one player: no opponent and no other seat")
        self._opponent, self._seat = opponent, _checked(seat)
        self._mask_in_observation = mask_in_observation
        self.metadata = {"render_modes": ["ansi"], "render_fps": 1}
        self.render_mode = render_mode
        self.action_space = gymnasium.spaces.Discrete(self._game.num_actions)
        space = encoding.masked_space if mask_in_observation else encoding.observation_space
        self.observation_space = space(self._game)
        self._state: State = None
        self._agents_turn, self._over = True, False
        self._owed = 0.0  # paid to the agent by moves that no step has reported yet

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        seat = _checked((options or {}).get("seat", self._seat))
        if seat == "random":
            seat = SEATS[self.np_random.integers(2)]
        self._state = self._game.init(self.np_random, 1)
        self._agents_turn, self._over, self._owed = seat == "first", False, 0.0
        self._answer()
        return self._observation(), {"action_mask": self.action_masks()}

    def step(self, action: int) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        if not self._over:
            if not (0 <= action < self._game.num_actions and self.action_masks()[action]):
                self._over = True
                info = {"action_mask": self.action_masks(), "illegal_action": True}
                return self._observation(), -1.0, True, False, info
            self._move(int(action))
            self._answer()
        reward, self._owed = self._owed, 0.0
        info = {"action_mask": self.action_masks()}
        return self._observation(), reward, self._over, False, info

    def action_masks(self) -> NDArray[np.int8]:
        """[A] int8: 1 where the agent may play; all 1 once the game is over."""
        mask: NDArray[np.int8] = self._game.legal(self._state)[0].astype(np.int8)
        return mask

    def render(self) -> str | None:
        """The position as text in mode "ansi"."""
        return self._game.text(self._state, 0) if self.render_mode == "ansi" else None

    def _answer(self) -> None:
        """The opponent's moves, until the agent is to move or the game is over."""
        while not self._agents_turn and not self._over:
            if self._opponent is None:
                legal = np.flatnonzero(self._game.legal(self._state)[0])
                self._move(int(self.np_random.choice(legal)))
            else:
                decision = self._opponent.decide(self._game, self._state, self.np_random)
                self._move(int(decision.action[0]))

    def _move(self, action: int) -> None:
        """Plays ``action`` for whoever is to move and books what it paid."""
        self._state, paid = self._game.step(self._state, np.array([action], np.int32))
        reward, discount = float(paid.reward[0]), float(paid.discount[0])
        self._owed += reward if self._agents_turn else -reward
        self._over = discount == 0
        if discount == -1:
            self._agents_turn = not self._agents_turn

    def _observation(self) -> Any:
        observation = encoding.observation(self._game, self._state)
        if self._mask_in_observation:
            return {"observation": observation, "action_mask": self.action_masks()}
        return observation


def _checked(seat: str) -> str:
    if seat not in SEATS:
        raise ValueError(f"seat is one of {', '.join(SEATS)}, not {seat!r}")
    return seat
