"""A regime: what its section says of it, and the loop that it is at work, with its parts."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from selfplay import arrays
from selfplay.actors import Actors, Backend, Setup
from selfplay.actors.collector import Maker
from selfplay.learning.learner import Learner
from selfplay.learning.replay import Replay
from selfplay.learning.samples import Source, source_of
from selfplay.nets import take_flops
from selfplay.regimes.ledger import Ledger, Progress
from selfplay.section import Section
from selfplay.types import Bool, Game, Report, Samples, Targets

Cost = Literal["search", "net", "nothing", "unknown"]


class Look(NamedTuple):
    """How runs of one kind are shown where runs are compared."""

    kind: str  # that they are compared as, see ``RegimeSection.compared_as``
    title: str  # in a sentence
    light: str  # its colour on white paper, #rrggbb
    dark: str
    asks_net: bool = True  # False: it was measured without
    note: str = ""  # what a reader must know of such runs


class RegimeSection(Section):
    """Section ``[regime]``; the class variables' defaults serve a regime that says nothing."""

    looks: ClassVar[tuple[Look, ...]] = ()  # of the kinds that its runs are compared as
    taught: ClassVar[bool] = False  # learns what others know, not what its own games tell
    # of the play that makes a position: a search, an answer of the net alone, nothing where the
    # positions are there already; of unknown ones nothing is foretold
    position_cost: ClassVar[Cost] = "search"
    begins_with: ClassVar[str] = "playing"  # each iteration

    kind: str

    def open(self, parts: Parts) -> Loop:
        """The regime at work; ValueError with a sentence where it cannot be for these parts."""
        raise NotImplementedError

    @classmethod
    def compared_as(cls, config: Mapping[str, Any]) -> tuple[str, str]:
        """The kind that a run is compared as, and who taught it where its options tell.

        ``config``: what its ``config.json`` holds.
        """
        return str(cls.model_fields["kind"].default), ""


class Parts(NamedTuple):
    """What a regime works with."""

    setup: Setup  # how games are played
    backend: Backend  # where those with search are
    learner: Learner
    replay: Replay  # of the positions that the run makes itself; kept on disk to resume
    progress: Progress
    seed: int
    # canonical, of the positions that strength is measured on: no regime learns from them
    test_keys: NDArray[np.uint64]

    @property
    def game(self) -> Game:
        return self.setup.game

    @property
    def ledger(self) -> Ledger:
        return self.progress.ledger

    def make_actors(self) -> Actors:
        """Actors that play with search."""
        return self.backend.make_actors(self.setup, self.learner.net, self.seed)

    def make_players(self, maker: Maker, games: int) -> Actors:
        """Actors that play in another way, as many games side by side as ``regime.games`` says."""
        section = self.setup.section.model_copy(update={"games": games})
        setup = self.setup._replace(section=section, maker=maker, games_option="regime.games")
        return self.backend.make_actors(setup, self.learner.net, self.seed)

    def workers(self) -> int:
        """How many work at the same time."""
        return self.setup.section.threads or self.backend.capacity()

    def learnable(self, keys: NDArray[np.uint64]) -> Bool:
        """[M], where positions with these canonical keys [M] may be learned from."""
        return ~np.isin(keys, self.test_keys)

    @staticmethod
    def refuse_nothing(left: int) -> None:
        """Raises ValueError where no positions are ``left`` that may be learned from."""
        if not left:
            raise ValueError(
                "nothing is left to learn: all positions are ones that strength is measured on; "
                "measure on others (strength.positions, strength.validation)"
            )

    def unjudged(self, samples: Targets, keys: NDArray[np.uint64]) -> Targets:
        """Those of M samples, in the order of their games, that may be learned from.

        What was found of the others is not learned as a reply either, though that there was one
        still tells that a game went on.  ``keys`` [M]: canonical.
        """
        rows = self.learnable(keys)
        if rows.all():
            return samples
        apart = np.append(rows[1:], True)[:, None]  # False: a judged position may come next
        samples = samples._replace(reply=np.where(apart, samples.reply, 0))
        return arrays.take(samples, rows)

    def fit(self, samples: Samples | Source, steps: int) -> dict[str, float]:
        """``learn/*`` and ``cost/*`` after ``steps`` steps on ``samples``; counts what they took.

        Ends the iteration.
        """
        start = time.perf_counter()
        learner, ledger = self.learner, self.ledger
        take_flops(learner.net)  # what it was asked beside learning
        fit = learner.fit(samples, steps, self.progress.share())
        ledger.learn_flops += 3 * take_flops(learner.net)
        ledger.samples += steps * min(learner.section.batch, len(source_of(samples)))
        ledger.device_s += learner.clock.take_s()
        ledger.iteration += 1
        scalars = {f"learn/{name}": value for name, value in fit._asdict().items()}
        scalars["learn/seconds"] = time.perf_counter() - start
        scalars["learn/reuse"] = ledger.samples / ledger.positions
        return scalars | self.progress.costs()

    def steps(self, made: int) -> int:
        """Steps that learn from ``made`` new positions as often as the learner is to."""
        section = self.learner.section
        return max(1, round(made * section.reuse / section.batch))


class Loop:
    """A regime at work."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.records: list[str] = []  # the latest games in the game's notation

    def iteration(self) -> Iterator[Report]:
        """Gets positions, learns from them, and reports on both."""
        raise NotImplementedError

    def validate(self) -> dict[str, float]:
        """``validation/*``: how well the net predicts what is kept aside, where anything is."""
        return {}

    def state_dict(self) -> dict[str, Any]:
        """All that the next iteration depends on, beside the parts' learner and replay."""
        return {}

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Goes on from what ``state_dict`` returned."""

    def source(self) -> dict[str, Any]:
        """What ``provenance.json`` tells of data that the run did not make itself."""
        return {}

    def cancel(self) -> None:
        """Makes an iteration under way give up as soon as it can."""

    def close(self) -> None:
        """Ends what runs in the background."""
