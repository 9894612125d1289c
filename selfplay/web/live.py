"""What the folder of a run tells at this moment, as JSON for its page; nothing is written there."""

from __future__ import annotations

import math
import os
import threading
import time
from pathlib import Path
from typing import Any

import envs
from selfplay.config import Config
from selfplay.measure.chance import MISTAKES, random_level
from selfplay.system.console import clock
from selfplay.system.files import is_locked
from selfplay.training.folder import RunFolder, number
from selfplay.training.metrics_file import STOPPED, left_out
from selfplay.training.metrics_tail import MetricsTail
from selfplay.types import Game
from selfplay.web.curves import Curves

PACE = 1.0  # seconds between two looks at the folder, however many tabs are open
_QUIET = 60.0  # seconds after which a run that nobody here trains counts as stopped, at least

Stamp = tuple[int, int, int] | None  # of a file: device and inode aside, what changes with it


class LiveRun:
    """A run that may begin later, grow, end, be resumed or be replaced by another.

    The folder is looked at again and again, as a shared folder tells nobody of its changes.
    """

    def __init__(self, path: Path) -> None:
        self.folder = RunFolder(path)
        self.rules: Game | None = None  # of a run whose games can be shown
        self.spec = ""  # of its game
        self._config: Config | None = None
        self._fault, self._no_board = "", ""
        self._random: float | None = None
        self._tail, self._curves = MetricsTail(path), Curves()
        self._config_stamp: Stamp = None
        self._grew = -math.inf  # on the monotonic clock
        self._looked = -math.inf
        self._told: dict[str, Any] = {}
        self._version = 0
        self._lock = threading.Lock()

    def look(self) -> tuple[int, dict[str, Any]]:
        """What there is to tell, and a number that changes with it."""
        with self._lock:
            if time.monotonic() - self._looked >= PACE:
                told = self._look()
                self._looked = time.monotonic()
                if told != self._told:
                    self._told, self._version = told, self._version + 1
            return self._version, self._told

    def steps(self) -> list[int]:
        """The checkpoints, oldest first."""
        return [number(path) for path in self.folder.checkpoints()]

    def _look(self) -> dict[str, Any]:
        path = self.folder.path
        stamp = _stamp(self.folder.config_file)
        if stamp != self._config_stamp:
            self._config_stamp = stamp
            self._read_config()
        if not path.is_dir() or (stamp is None and not (path / "metrics.jsonl").exists()):
            return self._awaited()
        faults = [self._fault] if self._fault else []
        if stamp is None:
            faults.append(f"{path} has no config.json: it is damaged, or no run")
        try:
            replaced, reports = self._tail.read()
        except OSError as error:
            replaced, reports = False, []
            faults.append(f"{path}: {error.strerror or error}")
        if replaced:
            self._curves = Curves()
        if reports:
            first = not self._curves.phase and not replaced
            self._curves.add(reports)
            self._grew = self._grew if first else time.monotonic()
        if self._tail.damaged:
            faults.append(f"{path / 'metrics.jsonl'}: {left_out(self._tail.damaged)}")
        return self._tell(faults)

    def _awaited(self) -> dict[str, Any]:
        path = self.folder.path
        lacks = "holds no run yet" if path.is_dir() else "is not there yet"
        self._curves = Curves()
        self._tail = MetricsTail(path)
        return self._blank() | {
            "state": "awaited",
            "sentence": f"{path} {lacks}: this page waits for the training to begin.",
        }

    def _blank(self) -> dict[str, Any]:
        path = self.folder.path
        return {
            "path": str(path), "name": path.name or str(path), "game": self.spec, "regime": "",
            "faults": [], "sentence": "", "phase": "", "share": None, "left": "",
            "positions": 0, "games": 0, "time": "", "charts": [], "checkpoints": [],
            "latest_game": None, "playable": False, "no_board": "",
        }  # fmt: skip

    def _tell(self, faults: list[str]) -> dict[str, Any]:
        curves, path = self._curves, self.folder.path
        state = self._state()
        share = self._share()
        left = curves.now.seconds * (1 - share) / share if share else math.nan
        games = self.folder.all_games()
        regime = "" if self._config is None else str(self._config.regime.kind)
        return self._blank() | {
            "state": state,
            "sentence": self._sentence(state),
            "regime": regime,
            "faults": faults,
            "phase": self._phase() if state == "running" else "",
            "share": share,
            "left": clock(left) if state == "running" and share and share < 1 else "",
            "positions": curves.now.positions,
            "games": int(curves.latest.get("cost/games", 0)),
            "time": clock(curves.now.seconds),
            "charts": curves.charts(self._random),
            "checkpoints": [self._checkpoint(step) for step in self.steps()],
            "latest_game": games[-1].name if games else None,
            "playable": self.rules is not None,
            "no_board": self._no_board or ("" if games else f"{path} holds no recorded game."),
        }

    def _checkpoint(self, step: int) -> dict[str, Any]:
        """A checkpoint and when it was made, as the reports of its iteration say."""
        learned = self._curves.learned
        if not 0 < step <= len(learned):
            return {"step": step, "seconds": None, "positions": None, "time": ""}
        at = learned[step - 1]
        return {
            "step": step, "seconds": at.seconds, "positions": at.positions,
            "time": clock(at.seconds),
        }  # fmt: skip

    def _state(self) -> str:
        """Who trains on another machine holds no lock that is seen here, but the folder grows."""
        if self._config is None:
            return "damaged"
        if is_locked(self.folder.path):
            return "running"
        times = self._curves.times
        if times and self._finished():
            return "finished"
        quiet = max(_QUIET, 3 * (times[-1] - times[0])) if times else _QUIET
        if time.monotonic() - self._grew < quiet:
            return "running"
        return "stopped" if times else "new"

    def _finished(self) -> bool:
        provenance = self.folder.read_json("provenance.json")
        return provenance.get("finished", bool(provenance)) is True  # older ones did not say

    def _sentence(self, state: str) -> str:
        path = self.folder.path
        if state == "finished":
            early = " early, as it got no better" if STOPPED in self._curves.latest else ""
            return f"The training has ended{early}."
        if state == "stopped":
            return f"The training has stopped; selfplay train {path} goes on with it."
        if state == "new":
            return f"{path} has been set up but has told nothing yet: this page waits for it."
        if state == "damaged":
            return "What the run was started with cannot be read, so only its curves are shown."
        return ""

    def _phase(self) -> str:
        curves = self._curves
        if not curves.phase:
            return "starting"
        makes = curves.phases - {"learn", "strength"}
        if curves.phase in makes or (not makes and curves.phase == "learn"):
            return "learning"
        return "proving" if "prove" in makes else "playing" if makes else "learning"

    def _share(self) -> float | None:
        """Of the budget, that is used."""
        if self._config is None or not self._curves.phase:
            return None
        told = self._curves.latest
        parts = told.get("cost/flops_learn", 0.0) + told.get("cost/flops_generate", 0.0)
        flops = told.get("cost/flops", 0.0)
        now = self._curves.now
        return self._config.budget.progress(now.seconds, now.positions, max(flops, parts))

    def _read_config(self) -> None:
        """What the run was started with, and whether its games can be shown."""
        self._config, self.rules, self.spec = None, None, ""
        self._fault, self._no_board, self._random = "", "", None
        if self._config_stamp is None:
            return
        try:
            self._config = self.folder.config()
        except (ValueError, OSError) as error:
            self._fault = str(error)
            self._no_board = "Its games cannot be shown without its config."
            return
        self.spec = envs.short(self._config.game)
        if self.spec.partition("?")[0] in envs.ON_PROBLEMS:
            self._no_board = (
                f"Proofs have no board; selfplay prove --run {self.folder.path} PROBLEM.p proves "
                f"with this run."
            )
            return
        try:
            self.rules = self._config.rules()
            self._random = random_level(MISTAKES, self.rules, self._config.strength)
        except (ValueError, ImportError, OSError) as error:
            self._no_board = str(error)


def _stamp(path: Path) -> Stamp:
    """Changes when the file does; None where there is none."""
    try:
        about = os.stat(path)
    except OSError:
        return None
    return about.st_ino, about.st_size, about.st_mtime_ns
