"""A one-player Game out of a Gymnasium environment.

    envs.make("gymnasium:CartPole-v1?scale=0.005&max_moves=200")
    envs.make("gymnasium:FrozenLake-v1?is_slippery=false")
    envs.make("gymnasium:my_package.my_module:MyEnv")

Discrete actions, perfect information, deterministic after the reset (an environment whose dice
decide a step is refused when that is noticed).  See ``envs/adapters/adapted.py`` for what that
costs.
"""

from __future__ import annotations

import contextlib
from typing import Any

import gymnasium
import numpy as np

from envs import importing
from envs.adapters.adapted import AdaptedGame, construct
from envs.adapters.copies import Snapshot, copied, throws_dice
from envs.adapters.encoding import Encoding, action_mask, discrete_size, number

_OTHER_DICE = 0xD1CE  # a seed that no user chose, so that its draws are not the environment's


class FromGymnasium(AdaptedGame):
    """The Game that ``env`` plays.

    ``env`` is an id of Gymnasium's registry, "module:name" (the name is called), an environment, or
    a function that makes one; further ``options`` go to the call.  Rewards are multiplied by
    ``scale``.  ``max_moves``: the environment's own limit, else 1000.  ``channels``: see Encoding.
    """

    def __init__(
        self,
        env: Any,
        scale: float = 1.0,
        max_moves: int | None = None,
        channels: str = "auto",
        **options: Any,
    ) -> None:
        if isinstance(env, str):
            env = _make(env, options)
        elif not isinstance(env, gymnasium.Env) and callable(env):
            env = env(**options)
        if not isinstance(env, gymnasium.Env):
            raise ValueError(f"{env!r} is no Gymnasium environment but a {type(env).__name__}")
        name = env.spec.id if env.spec is not None else type(env.unwrapped).__name__
        if max_moves is None:
            max_moves = (env.spec.max_episode_steps if env.spec is not None else None) or 1000
        encoding = Encoding(env.observation_space, channels)
        num_actions = discrete_size(env.action_space, name)
        super().__init__(env, name, ["the player"], encoding, num_actions, scale, max_moves)

    def _reset(self, env: Any, seed: int) -> Snapshot:
        observation, info = self._answer("reset", env.reset(seed=seed), "observation, info")
        encoded = self._encoding.encode(observation)
        return Snapshot(env, encoded, action_mask(observation, info), 0, False, (0.0, 0.0))

    def _advance(self, env: Any, action: int) -> Snapshot:
        observation, reward, terminated, truncated, info = self._answer(
            "step", env.step(action), "observation, reward, terminated, truncated, info"
        )
        encoded = self._encoding.encode(observation)
        over = bool(number(terminated, "terminated") or number(truncated, "truncated"))
        paid = number(reward, f"a reward of {self.name}"), 0.0
        return Snapshot(env, encoded, action_mask(observation, info), 0, over, paid)

    def _play(self, env: Any, action: int) -> Snapshot:
        """As the base class; raises ValueError where other dice would have led elsewhere."""
        move = super()._play(env, action)
        if _random_state(env) != _random_state(move.env):
            other = copied(env, self.name)
            other.unwrapped.np_random = np.random.default_rng(_OTHER_DICE)
            twin = self._advance(other, action)
            same = np.array_equal(twin.observation, move.observation)
            if not same or (twin.paid, twin.over) != (move.paid, move.over):
                raise ValueError(throws_dice(self.name, action))
        return move

    def _answer(self, what: str, answer: Any, names: str) -> Any:
        """``answer`` where it is a tuple of as many values as ``names``; ValueError if not."""
        wanted = names.count(",") + 1
        if isinstance(answer, tuple) and len(answer) == wanted:
            return answer
        given = f"{len(answer)} values" if isinstance(answer, tuple) else type(answer).__name__
        raise ValueError(
            f"{what} of {self.name} returned {given}; since Gymnasium 0.26 it returns {wanted} "
            f"({names})"
        )


def _random_state(env: Any) -> Any:
    """The state of the environment's own generator; None before its first use."""
    generator = getattr(env.unwrapped, "_np_random", None)
    return None if generator is None else generator.bit_generator.state


def _make(target: str, options: dict[str, Any]) -> Any:
    """The environment that an id or "module:name" makes; raises ValueError with a sentence."""
    module_name, colon, name = target.partition(":")
    if colon:
        with contextlib.suppress(ImportError):  # else the module, if any, only registers ids
            if hasattr(importing.load(module_name), name):
                return construct(target, options, ())
    registers = colon and not importing.is_installed(module_name)
    try:
        registry = "gymnasium.envs.registration"  # imports the class that an id stands for
        with importing.answering(registry) if registers else contextlib.nullcontext():
            return gymnasium.make(target, disable_env_checker=True, **options)
    except Exception as error:  # whatever an environment makes of its options
        its_own = isinstance(error, gymnasium.error.Error)
        reason = error if its_own else importing.told(error)
        raise ValueError(f"Gymnasium cannot make {target!r}: {reason}") from error
