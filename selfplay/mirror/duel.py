"""One person against the mirror: the game, what the net has learned, what is told of both."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from envs.pong import MISSED, NOTHING, RETURNED, STEPS_PER_S, start
from selfplay.arrays import tree_map
from selfplay.data.readers.mirror import Played, write_played
from selfplay.mirror.learner import BATCHES, LEAST, REMEMBERED, WAYS, forward, learn, learner
from selfplay.mirror.lesson import desk, frame, teach
from selfplay.mirror.styles import STYLES, mood
from selfplay.types import Float

PHASES = ("coming, far", "coming, near", "going away")
_RECENT = 1200  # steps, twenty seconds, over which agreement and loss are told
_BALLS = 20  # over so many the share that the mirror meets


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
        """What the net remembers: the last ten minutes, the oldest first."""
        known = self._known
        seen, places = int(known.counts[0]), len(known.action)
        remembered = Played(known.obs, known.action, known.relevance, known.closing)
        if seen <= places:
            return tree_map(lambda column: column[:seen], remembered)
        return tree_map(lambda column: np.roll(column, -seen, axis=0), remembered)

    def watch(self, style: str, minutes: float) -> None:
        """A scripted player, one of STYLES, plays on for so long, and the net learns of it."""
        mind = mood(np.random.default_rng(self._seed))
        steps = round(minutes * 60 * STEPS_PER_S)
        teach(self._state, STYLES[style], mind, self._known, self._desk, WAYS[self.way], steps)

    def save(self, folder: Path) -> tuple[Path, int]:
        """Writes what was played; the new file, and how many steps.  ValueError where none were."""
        played = self.played()
        name = f"{time.strftime('%Y-%m-%d-%H%M%S')}-{time.monotonic_ns() % 1000:03}.npz"
        write_played(folder / name, played)
        return folder / name, len(played.action)

    def learn_from(self, played: Played, batches: int) -> None:
        """Remembers the steps of a file and learns ``batches`` of them before the game begins."""
        played = tree_map(lambda column: column[-REMEMBERED:], played)
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
