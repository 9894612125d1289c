"""Every Game as a PettingZoo AEC environment.

    from envs import make
    from envs.adapters import to_pettingzoo
    env = to_pettingzoo.env(make("connect4"))       # or env("connect4")

Agents are "player_1" and "player_2" (the first alone in a one-player game).  An observation is
{"observation": what the Game shows the player to move, "action_mask": int8 [A]}; the agent that is
not to move sees the same position through the mover's eyes, with a mask of zeros.  Rewards are the
Game's, the opponent's of the other sign.  ``env`` adds PettingZoo's customary wrappers: after an
illegal action the agent that chose it gets -1, the other 0, and the game is over.
"""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from pettingzoo import AECEnv
from pettingzoo.utils import wrappers

import envs
from envs.adapters import encoding
from selfplay.types import Game, State


def env(game: Game | str, render_mode: str | None = None) -> AECEnv:
    """The environment of ``game`` (a Game or a spec for ``envs.make``), wrapped as is customary."""
    wrapped = wrappers.TerminateIllegalWrapper(ToPettingZoo(game, render_mode), illegal_reward=-1)
    wrapped = wrappers.AssertOutOfBoundsWrapper(wrapped)
    return wrappers.OrderEnforcingWrapper(wrapped)


class ToPettingZoo(AECEnv):  # type: ignore[misc]  # PettingZoo ships no types
    """The environment without wrappers: an illegal action raises ValueError."""

    def __init__(self, game: Game | str, render_mode: str | None = None) -> None:
        super().__init__()
        self._game = envs.make(game) if isinstance(game, str) else game
        self.render_mode = render_mode
        modes = {"render_modes": ["ansi", "human"], "is_parallelizable": False}
        self.metadata = {"name": self._game.name, **modes}
        self.possible_agents = [f"player_{i + 1}" for i in range(self._game.num_players)]
        self.agents = list(self.possible_agents)
        seen, played = encoding.masked_space, gymnasium.spaces.Discrete
        self.observation_spaces = {agent: seen(self._game) for agent in self.possible_agents}
        self.action_spaces = {
            agent: played(self._game.num_actions) for agent in self.possible_agents
        }
        self._state: State = None

    def observation_space(self, agent: str) -> gymnasium.spaces.Space[Any]:
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> gymnasium.spaces.Discrete:
        return self.action_spaces[agent]

    def reset(self, seed: int | None = None, options: dict[str, Any] | None = None) -> None:
        self._state = self._game.init(np.random.default_rng(seed), 1)
        self.agents = list(self.possible_agents)
        self.agent_selection = self.agents[0]
        self.rewards = dict.fromkeys(self.agents, 0.0)
        self._cumulative_rewards = dict.fromkeys(self.agents, 0.0)
        self.terminations = dict.fromkeys(self.agents, False)
        self.truncations = dict.fromkeys(self.agents, False)
        self.infos: dict[str, dict[str, Any]] = {agent: {} for agent in self.agents}

    def observe(self, agent: str) -> dict[str, Any]:
        mask = np.zeros(self._game.num_actions, np.int8)
        if agent == self.agent_selection and not self.terminations.get(agent, True):
            mask[:] = self._game.legal(self._state)[0]
        return {"observation": encoding.observation(self._game, self._state), "action_mask": mask}

    def step(self, action: int | None) -> None:
        mover = self.agent_selection
        if self.terminations[mover] or self.truncations[mover]:
            self._was_dead_step(action)
            return
        self._cumulative_rewards[mover] = 0.0
        self._clear_rewards()
        self._state, paid = self._game.step(self._state, np.array([action], np.int32))
        reward, discount = float(paid.reward[0]), float(paid.discount[0])
        for agent in self.agents:
            self.rewards[agent] = reward if agent == mover else -reward
        self.terminations = dict.fromkeys(self.agents, discount == 0)
        if discount <= 0:
            other = (self.agents.index(mover) + 1) % len(self.agents)
            self.agent_selection = self.agents[other]
        self._accumulate_rewards()
        if self.render_mode == "human":
            self.render()

    def render(self) -> str | None:
        """The position as text: returned in mode "ansi", printed in mode "human"."""
        if self.render_mode is None:
            gymnasium.logger.warn("render() does nothing without a render_mode: ansi or human")
            return None
        text = self._game.text(self._state, 0)
        if self.render_mode == "ansi":
            return text
        print(text)
        return None
