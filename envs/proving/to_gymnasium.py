"""The proving game as a Gymnasium environment.

    import gymnasium
    env = gymnasium.make("envs.proving.to_gymnasium:selfplay/Proving-v0", problems="my/folder")
    observation, info = env.reset(seed=0, options={"problem": "agatha"})

An episode is one attempt on one problem.  Action i is the i-th inference that is possible on the
leftmost open goal; ``info["action_mask"]`` [A] int8 says which there are, ``info["problem"]`` what
is to be proved.  Rewards are 1 for the closed tableau and 0 for everything else: an agent that
maximises them maximises the share of problems that it proves.  (The game itself pays -1 for a lost
attempt, so that the values of a search span [-1, 1]; ``lost=-1`` has it so here.)
"""

from __future__ import annotations

import difflib
from typing import Any, Literal

import gymnasium
import numpy as np

from envs.adapters.to_gymnasium import ToGymnasium
from envs.proving.game import Proving

ID = "selfplay/Proving-v0"


class ProvingEnv(ToGymnasium):
    """The problems of a TPTP file or folder; those that ship with the project by default.

    ``view`` decides what is observed, a Dict of Boxes; ``options`` are those of ``Proving``.
    ``reset(options={"problem": NAME})`` chooses the problem, which is drawn at random otherwise.
    """

    def __init__(
        self,
        problems: str = "",
        view: Literal["walks", "graph"] = "walks",
        lost: float = 0.0,
        mask_in_observation: bool = False,
        render_mode: str | None = None,
        **options: Any,
    ) -> None:
        self._proving = Proving(problems, view=view, **options)
        self._lost = lost
        super().__init__(
            self._proving, mask_in_observation=mask_in_observation, render_mode=render_mode
        )

    @property
    def problems(self) -> list[str]:
        """The names that ``reset`` takes."""
        return [form.name for form in self._proving.library.forms]

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        observation, info = super().reset(seed=seed, options=options)
        if options and "problem" in options:
            name, names = options["problem"], self.problems
            if name not in names:
                near = difflib.get_close_matches(str(name), names, n=1)
                hint = f"did you mean {near[0]!r}?" if near else f"there are {len(names)} problems"
                raise ValueError(f"there is no problem {name!r} in this environment; {hint}")
            self._state = self._proving.start(np.array([names.index(name)], np.int32))
            observation, info = self._observation(), {"action_mask": self.action_masks()}
        return observation, self._named(info)

    def step(self, action: int) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        observation, reward, terminated, truncated, info = super().step(action)
        if reward < 0 and "illegal_action" not in info:
            reward = self._lost
        return observation, reward, terminated, truncated, self._named(info)

    def _named(self, info: dict[str, Any]) -> dict[str, Any]:
        problem = int(self._state.problem[0])
        return {**info, "problem": self._proving.library.forms[problem].name}


gymnasium.register(ID, entry_point="envs.proving.to_gymnasium:ProvingEnv")
