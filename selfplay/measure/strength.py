"""How strong a net is right now, as all measures say that apply to its game."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field

from selfplay.measure.answers import Answers
from selfplay.measure.matches import Matches, MatchesSection
from selfplay.measure.own_games import OwnGames, OwnGamesSection
from selfplay.measure.position_file import PositionFile, PositionsSection, Validation
from selfplay.nets import Net
from selfplay.nets.evaluator import NetEvaluator
from selfplay.proving.measure import ProblemsSection, ProvedProblems
from selfplay.search import Search
from selfplay.search.base import MAX_SIMULATIONS
from selfplay.section import Metric, Section
from selfplay.types import Game


class _Times(Section):
    every_s: float = Field(60, gt=0, le=1e9)
    """seconds between measurements"""
    per_decade: int = Field(0, ge=0, le=1000)
    """instead: measurements a tenfold of compute, evenly in its logarithm; 0: by `every_s`"""


class _Searching(Section):
    simulations: int = Field(64, ge=1, le=MAX_SIMULATIONS)
    """leaves a move while measuring"""


class StrengthSection(
    ProblemsSection, OwnGamesSection, MatchesSection, _Searching, PositionsSection, _Times
):
    """Section ``[strength]``: what is measured while a run goes on; each measure has its options.

    The last of the bases comes first in the section.
    """


class Measure(Protocol):
    """One way to measure a net: built with a game and the section, where it applies to both."""

    metrics: tuple[Metric, ...]  # what ``measure`` gives

    @staticmethod
    def applies(game: Game, section: Any) -> bool: ...

    def measure(self, search: Search, evaluator: NetEvaluator) -> dict[str, float]:
        """``strength/*``: what is measured, with the ends of its 95% interval."""
        ...


# in the order of their metrics
MEASURES = (PositionFile, Validation, OwnGames, ProvedProblems, Matches)


class Measured(NamedTuple):
    """What one measurement found."""

    scalars: dict[str, float]  # strength/*, of all measures
    answers: Answers | None  # on the position file; None where there is none
    proved: dict[str, bool]  # of the proving game, by the name of each problem that was tried


class StrengthMeter:
    """Measures nets of one run; keeps its buffers and its baselines between measurements."""

    def __init__(
        self, game: Game, search: Search, section: StrengthSection, device: str, dtype: torch.dtype
    ) -> None:
        self._game, self._device, self._dtype = game, device, dtype
        self._search = search.with_simulations(section.simulations)
        self._apart = section.apart
        self._evaluator: NetEvaluator | None = None
        self._measures: list[Measure] = [
            kind(game, section) for kind in MEASURES if kind.applies(game, section)
        ]
        of_file = (each for each in self._measures if isinstance(each, PositionFile))
        self._file = next(of_file, None)
        provers = (each for each in self._measures if isinstance(each, ProvedProblems))
        self._prover = next(provers, None)

    @property
    def ladder(self) -> frozenset[str]:
        """The players whose answers only the last measurement has."""
        return frozenset() if self._file is None else self._file.ladder

    def keys(self) -> NDArray[np.uint64]:
        """Canonical keys of the positions of position files from which nothing may be learned."""
        files = [each for each in self._measures if isinstance(each, PositionFile | Validation)]
        keys = [each.keys() for each in files if self._apart]
        return np.concatenate([np.empty(0, np.uint64), *keys])

    def measure(self, net: Net, last: bool = False) -> Measured:
        """All measures of a net; of the ``last`` one of a run the ladder of searches too."""
        if self._evaluator is None:
            self._evaluator = NetEvaluator(
                net, self._game.num_actions, self._device, self._dtype, cache_size=1 << 15
            )
        else:
            self._evaluator.load(net)
        scalars: dict[str, float] = {}
        for each in self._measures:
            scalars |= each.measure(self._search, self._evaluator)
        proved = {} if self._prover is None else self._prover.proved
        if self._file is None:
            return Measured(scalars, None, proved)
        if last:
            scalars |= self._file.climb(self._search, self._evaluator)
        return Measured(scalars, self._file.answers(), proved)
