"""What plays in a place, and what makes it there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from selfplay.types import Evaluator

if TYPE_CHECKING:
    from selfplay.actors.base import Setup


class Collector(Protocol):
    """Plays its share of the games and hands over what came of them.

    Deterministic for its generator: two with the same state, asked the same, make the same.
    """

    def collect(self, evaluator: Evaluator, order: Any) -> Any:
        """What came of ``order``: a NamedTuple, one of whose fields is a ``tally``."""

    def state_dict(self) -> dict[str, Any]:
        """All that ``collect`` depends on."""

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Goes on from what ``state_dict`` returned."""


class Maker(Protocol):
    """Makes the collector of a place.  It is pickled to get there."""

    @property
    def served(self) -> bool:
        """Whether a server may answer: its collectors ask one net, and need no torch."""

    @property
    def quick(self) -> Any:
        """An order that is soon done."""

    def __call__(self, setup: Setup, lanes: int, rng: np.random.Generator) -> Collector:
        """The collector that plays ``lanes`` games side by side."""
