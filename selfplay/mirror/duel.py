"""One person against the mirror: the game, what the net has learned, what is told of both."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from envs.pong import MISSED, NOTHING, RETURNED, start
from selfplay.arrays import tree_map
from selfplay.mirror.learner import BATCHES, LEAST, REMEMBERED, WAYS, forward, learn, learner
from selfplay.mirror.lesson import desk, frame
from selfplay.types import Bool, Float

PHASES = ("coming, far", "coming, near", "going away")
_RECENT = 1200  # steps, twenty seconds, over which agreement and loss are told
_BALLS = 20  # over so many the share that the mirror meets
_COLUMNS = ("obs", "action", "relevance", "closing")
_FORMAT = 1


class Played(NamedTuple):
    """M steps that somebody played, as they are saved."""

    obs: Float  # [M, 6] f32, what the player saw, as if on the left (envs/pong.py)
    action: NDArray[np.int8]  # [M] 0 stay, 1 up, 2 down
    relevance: Float  # [M] f32 in [0, 1]
    closing: Bool  # [M] the ball came towards the player


class Duel:
    """The person is on the left; every ``step`` is one of the game and of the learning."""

    def __init__(self, way: str = "relevance", seed: int | None = None) -> None:
        self._seed = seed
        self.way = way
        self.reset()

    def reset(self) -> None:
        """A random net that has seen nothing, and a new game."""
        game, net = (np.random.default_rng(c) for c in np.random.SeedSequence(self._seed).spawn(2))
        self._state, self._known, self._desk = start(game, 1), learner(net), desk()
        self._event = np.zeros(2, np.int8)
        self._recent = np.zeros((_RECENT, 3))  # relevance, the same, loss
        self._steps = 0
        self._met: list[bool] = []

    def turn(self, way: str) -> None:
        """From now on the net learns ``way``; ValueError where it is none of WAYS."""
        if way not in WAYS:
            raise ValueError(f"data are weighed {', '.join(WAYS)}; not {way[:40]!r}")
        self.way = way

    def step(self, action: int) -> dict[str, Any]:
        """The person does ``action``; what the page draws.  ValueError where it is none."""
        if type(action) is not int or action not in (0, 1, 2):
            raise ValueError("an action is 0 (stay), 1 (up) or 2 (down)")
        told = frame(self._state, self._known, self._desk, action, WAYS[self.way], self._event)
        self._recent[self._steps % _RECENT] = told
        self._steps += 1
        if self._event[1] != NOTHING:
            self._met = [*self._met[1 - _BALLS :], bool(self._event[1] == RETURNED)]
        (x, y, *_), paddles = self._state.ball[0].tolist(), self._state.paddle[0].tolist()
        missed = (self._event == MISSED).any()
        return {
            "court": [round(x, 4), round(y, 4), *paddles],
            "score": self._state.score[0].tolist(),
            "jump": bool(missed),
        }

    def told(self) -> dict[str, Any]:
        """What is shown of the learning: shares in [0, 1], loss in nats, null where unknown."""
        played = self.played()
        near = played.closing & (played.obs[:, 0] < 0)
        phase = np.where(~played.closing, 2, near.astype(np.int64))
        weight = self._weights(played)
        count = np.bincount(phase, minlength=3)
        summed = np.bincount(phase, weight, 3)
        mean = summed / np.maximum(count, 1)
        share = summed / max(summed.sum(), 1e-9)
        seen = self._recent[: min(self._steps, _RECENT)]
        matters = seen[:, 0].sum()
        return {
            "way": self.way,
            "steps": self._steps,
            "phases": [
                {"name": n, "samples": int(c), "weight": round(w, 3), "drawn": round(s, 3)}
                for n, c, w, s in zip(PHASES, count, mean.tolist(), share.tolist(), strict=True)
            ],
            "agreement": float(seen[:, 0] @ seen[:, 1] / matters) if matters > 0 else None,
            "loss": float(seen[:, 2].mean()) if len(seen) else None,
            "returned": float(np.mean(self._met)) if self._met else None,
            "balls": len(self._met),
        }

    def played(self) -> Played:
        """What the net remembers: the last ten minutes, of which the oldest may stand anywhere."""
        known = self._known
        steps = min(int(known.counts[0]), len(known.action))
        return Played(
            known.obs[:steps], known.action[:steps], known.relevance[:steps], known.closing[:steps]
        )

    def save(self, path: Path) -> int:
        """Writes what was played; how many steps.  ValueError where nothing was."""
        played = self.played()
        if not len(played.action):
            raise ValueError("nothing has been played yet")
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "xb") as file:
            np.savez_compressed(file, format=np.array(_FORMAT), **played._asdict())
        return len(played.action)

    def learn_from(self, played: Played, batches: int) -> None:
        """Remembers the steps of a file and learns ``batches`` of them before the game begins."""
        known, steps = self._known, len(played.action)
        known.obs[:steps], known.action[:steps] = played.obs, played.action
        known.relevance[:steps], known.closing[:steps] = played.relevance, played.closing
        known.counts[0] = steps
        for _ in range(0, batches, BATCHES):
            learn(self._known, WAYS[self.way], self._desk.units, self._desk.logits)

    def wanted(self, obs: Float) -> int:
        """What the net would do where a player sees ``obs`` [6], as if on the left."""
        return forward(self._known.net, obs, self._desk.units, self._desk.logits)

    def _weights(self, played: Played) -> NDArray[np.float64]:
        """[M] f64, how often each step is drawn, against one that matters most."""
        if self.way == "alike":
            return np.ones(len(played.action))
        matters = played.relevance if self.way == "relevance" else played.closing
        return LEAST + (1 - LEAST) * matters.astype(np.float64)


def read_played(path: Path) -> Played:
    """What ``Duel.save`` wrote; no code in it is run.  ValueError where it is something else."""
    kinds = {"obs": np.float32, "action": np.int8, "relevance": np.float32, "closing": np.bool_}
    try:
        with np.load(path, allow_pickle=False) as file:
            if int(file["format"]) != _FORMAT:
                raise ValueError(f"format {int(file['format'])}, this version reads {_FORMAT}")
            columns = {name: file[name] for name in _COLUMNS}
    except FileNotFoundError as error:
        raise ValueError(f"there is no file {path}") from error
    except Exception as error:  # a stranger's file makes numpy raise almost anything
        raise ValueError(f"{path} is no file that 'selfplay mirror' saved ({error})") from error
    steps = len(columns["action"]) if columns["action"].ndim else 0
    for name, kind in kinds.items():
        shape = (steps, 6) if name == "obs" else (steps,)
        if columns[name].dtype != kind or columns[name].shape != shape or not steps:
            raise ValueError(
                f"{path} is damaged: {name} is {columns[name].dtype} {columns[name].shape}"
            )
    played = Played(**columns)
    inside = np.abs(played.obs).max() <= 1 and 0 <= played.action.min() <= played.action.max() <= 2
    if not inside or not (played.relevance >= 0).all() or not (played.relevance <= 1).all():
        raise ValueError(f"{path} is damaged: it holds numbers that no game of Pong has")
    return tree_map(lambda column: column[-REMEMBERED:], played)
