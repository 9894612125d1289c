"""Strength at proving: the share of the problems kept aside that is proved."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
from pydantic import Field

from envs.proving.game import Proving
from selfplay.nets.evaluator import NetEvaluator
from selfplay.proving.lessons import accepts
from selfplay.proving.searches import attempt_unguided
from selfplay.proving.trials import Trial, attempt
from selfplay.search import Search
from selfplay.section import Metric, Section
from selfplay.stats import Interval, wilson
from selfplay.system.files import write_text_atomically
from selfplay.system.text import read_bytes
from selfplay.types import Game

PROVED = Path("strength", "proved.json")  # in a run's folder
_LIMIT = 1 << 24  # bytes


class ProblemsSection(Section):
    """Which of the problems kept aside are tried, and how."""

    # of the proving game: inferences that each problem kept aside is given; 0 = not measured
    inferences: int = Field(0, ge=0, le=10**9)
    """of the proving game: inferences for each problem kept aside; 0 = not measured"""
    problems: int = Field(100, ge=1, le=10**6)
    """of those kept aside, so many at most"""
    guided: bool = True
    """false: measured by the unguided search, for a run that is the baseline"""


class ProvedProblems:
    """The share that is proved."""

    metrics: tuple[Metric, ...] = (
        Metric(
            "strength/proved",
            "share of the problems kept aside that is proved within `strength.inferences`",
            "share",
            "up",
            interval=True,
            label="proved of those kept aside",
            form="{:.1%}",
        ),
        Metric(
            "strength/unproved", "the rest, which `compare` draws", "share", "down", interval=True
        ),
    )

    def __init__(self, game: Game, section: ProblemsSection) -> None:
        assert isinstance(game, Proving)
        self._game, self._section = game, section
        self._problems = np.flatnonzero(game.held_out)[: section.problems].tolist()
        self.proved: dict[str, bool] = {}  # in the latest measurement, by the problem's name

    @staticmethod
    def applies(game: Game, section: ProblemsSection) -> bool:
        return isinstance(game, Proving) and section.inferences > 0 and bool(game.held_out.any())

    def measure(self, search: Search, evaluator: NetEvaluator) -> dict[str, float]:
        """The shares proved and not proved, with the ends of their intervals."""
        game, problems, budget = self._game, self._problems, self._section.inferences
        trials: Iterable[Trial] = (attempt_unguided(game, one, budget) for one in problems)
        if self._section.guided:
            rng = np.random.default_rng(0)
            trials = attempt(game, search, evaluator, problems, budget, rng, explore=False)
        names = [form.name for form in game.library.forms]
        self.proved = {names[trial.problem]: self._counts(trial) for trial in trials}
        share = wilson(sum(self.proved.values()), len(problems))
        rest = Interval(1 - share.value, 1 - share.high, 1 - share.low)
        return share.scalars("strength/proved") | rest.scalars("strength/unproved")

    def _counts(self, trial: Trial) -> bool:
        """Whether it has a proof, within the limits of the game, that the checker accepts."""
        return trial.proved and bool(trial.actions) and accepts(self._game, trial)


def write_proved(run: Path, proved: Mapping[str, bool]) -> None:
    """Keeps what was proved of each problem in the latest measurement of the run in a folder."""
    path = run / PROVED
    path.parent.mkdir(exist_ok=True)
    write_text_atomically(path, json.dumps(dict(proved)) + "\n")


def read_proved(run: Path) -> dict[str, bool]:
    """What ``write_proved`` wrote; nothing where that is missing or damaged."""
    try:
        told = json.loads(read_bytes(run / PROVED, _LIMIT))
    except (OSError, ValueError, RecursionError):
        return {}
    right = isinstance(told, dict) and all(isinstance(each, bool) for each in told.values())
    return told if right else {}
