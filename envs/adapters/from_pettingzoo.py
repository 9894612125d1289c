"""A Game out of a PettingZoo AEC environment.

    envs.make("pettingzoo:pettingzoo.classic.tictactoe_v3")
    envs.make("pettingzoo:my_package.my_module:MyEnv?scale=0.5&max_moves=200")

One or two agents, Discrete actions, zero-sum, perfect information, deterministic after the reset.
See ``envs/adapters/adapted.py`` for what that means and what it costs.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from pettingzoo import AECEnv
from pettingzoo.utils.conversions import parallel_to_aec_wrapper

from envs.adapters.adapted import AdaptedGame, construct
from envs.adapters.copies import Snapshot
from envs.adapters.encoding import Encoding, action_mask, discrete_size, number
from envs.adapters.outside import wrapped


class FromPettingZoo(AdaptedGame):
    """The Game that ``env`` plays.

    ``env`` is "module" (its ``env()`` is called), "module:name" (the name is called), an
    environment, or a function that makes one; further ``options`` go to the call.  ``channels``:
    see Encoding.
    """

    def __init__(
        self,
        env: Any,
        scale: float = 1.0,
        max_moves: int = 1000,
        channels: str = "auto",
        **options: Any,
    ) -> None:
        if isinstance(env, str):
            env = construct(env, options, ("env", "raw_env"))
        elif not isinstance(env, AECEnv) and callable(env):
            env = env(**options)
        own_name = getattr(env, "metadata", {}).get("name")
        name = str(own_name or type(getattr(env, "unwrapped", env)).__name__)
        if not isinstance(env, AECEnv):
            raise ValueError(f"{name} is no PettingZoo AEC environment but a {type(env).__name__}")
        _refuse_simultaneous(env, name)
        env.reset(seed=0)
        agents = list(getattr(env, "possible_agents", env.agents))
        if len(agents) > 2:
            raise ValueError(f"{name} has {len(agents)} agents ({agents}); at most 2 can play")
        self._agents = agents
        sizes = {discrete_size(env.action_space(agent), name) for agent in agents}
        if len(sizes) != 1:
            raise ValueError(f"{name}: the agents have different numbers of actions {sizes}")
        encoding = Encoding(env.observation_space(agents[0]), channels)
        super().__init__(env, name, agents, encoding, sizes.pop(), scale, max_moves)

    def _reset(self, env: Any, seed: int) -> Snapshot:
        env.reset(seed=seed)
        return self._look(env)

    def _advance(self, env: Any, action: int) -> Snapshot:
        env.step(action)
        return self._look(env)

    def _look(self, env: Any) -> Snapshot:
        """The snapshot of ``env`` as it stands, with what its last step paid."""
        paid = np.zeros(2)
        over = _collect(env, self._agents, paid)
        if not env.agents:
            blank = np.zeros(self._encoding.shape, self._encoding.dtype)
            return Snapshot(env, blank, None, 0, True, (paid[0], paid[1]))
        agent = env.agent_selection
        observation = env.observe(agent)
        encoded, seat = self._encoding.encode(observation), self._agents.index(agent)
        mask = action_mask(observation, env.infos[agent])
        return Snapshot(env, encoded, mask, seat, over, (paid[0], paid[1]))


def _collect(env: Any, agents: list[Any], paid: Any) -> bool:
    """Adds to ``paid`` [2] what the step paid, and skips finished agents; True once all are."""
    while True:
        for seat, agent in enumerate(agents):
            paid[seat] += number(env.rewards.get(agent, 0.0), f"a reward of {agent}")
        done = {agent: env.terminations[agent] or env.truncations[agent] for agent in env.agents}
        if all(done.values()):
            return True
        if not done[env.agent_selection]:
            return False
        env.step(None)


def _refuse_simultaneous(env: Any, name: str) -> None:
    """Raises ValueError where moves are simultaneous, by a wrapper or by the metadata's word."""
    simultaneous = bool(env.metadata.get("is_parallelizable"))
    if simultaneous or any(isinstance(each, parallel_to_aec_wrapper) for each in wrapped(env)):
        raise ValueError(
            f"{name} has simultaneous moves, hidden from the other player; only games with turns "
            "can be played (if it has turns, its metadata should not say is_parallelizable)"
        )
