"""What a backend is: a place where actors play, with the section that names it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from selfplay.actors.actor import Actor, ActorSection
from selfplay.actors.harvest import Harvest, Tally
from selfplay.learning.samples import joined
from selfplay.nets import Net
from selfplay.nets.cached import Usage
from selfplay.nets.inference import Inference
from selfplay.search import Search
from selfplay.section import Section
from selfplay.system.cores import core_count
from selfplay.types import Game


class Setup(NamedTuple):
    """What is played and how."""

    game: Game
    search: Search
    section: ActorSection
    inference: Inference

    def workers(self) -> int:
        """How many may play at the same time."""
        return self.section.threads or core_count()


class Actors:
    """Actors that play one after the other in this thread, each with its own share of the games.

    A subclass may run them side by side, or elsewhere.
    """

    def __init__(self, setup: Setup, net: Net, seed: int) -> None:
        game, search, section, inference = setup
        self.count = count = min(setup.workers(), section.games)
        lanes = [section.games // count + (i < section.games % count) for i in range(count)]
        streams = np.random.SeedSequence(seed).spawn(count)
        self.actors = [
            Actor(game, search, section, lane, np.random.default_rng(stream))
            for lane, stream in zip(lanes, streams, strict=True)
        ]
        self._evaluators = [inference.evaluator(net, game) for _ in lanes]

    def collect(self, net: Net, positions: int) -> tuple[Harvest, Usage]:
        """At least ``positions`` new samples under the weights of ``net``, and what they cost.

        Seconds are summed over the actors.
        """
        first = self._evaluators[0]
        first.load(net)
        for other in self._evaluators[1:]:
            other.share(first)
        parts = self._harvests(-(-positions // self.count))
        tally = Tally()
        for part in parts:
            tally = tally.plus(part.tally)
        usages = [evaluator.take_usage() for evaluator in self._evaluators]
        usage = Usage(*(sum(column) for column in zip(*usages, strict=True)))
        harvest = Harvest(
            joined([part.samples for part in parts]),
            [record for part in parts for record in part.records],
            tally,
        )
        return harvest, usage

    def _harvests(self, positions: int) -> list[Harvest]:
        """At least ``positions`` new samples of each actor, in their order."""
        pairs = zip(self.actors, self._evaluators, strict=True)
        return [actor.collect(evaluator, positions) for actor, evaluator in pairs]

    def state_dict(self) -> dict[str, Any]:
        """The games under way."""
        return {str(i): actor.state_dict() for i, actor in enumerate(self.actors)}

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Goes on with the games that ``state_dict`` returned.

        Raises ValueError when they were played by another number of actors.
        """
        if len(saved) != self.count:
            raise ValueError(
                f"the run was played by {len(saved)} actor threads, this machine would use "
                f"{self.count}; resume with --set actor.threads={len(saved)}"
            )
        for i, actor in enumerate(self.actors):
            actor.load_state_dict(saved[str(i)])

    def cancel(self) -> None:
        """Makes a ``collect`` under way give up at once; its games are lost."""
        for evaluator in self._evaluators:
            evaluator.cancelled = True

    def close(self) -> None:
        """Ends what runs in the background once its present work is done."""


class BackendSection(Section):
    """Section ``[backend]``."""

    kind: str

    def make_actors(self, setup: Setup, net: Net, seed: int) -> Actors:
        """Actors for nets like ``net``; the same seed and number of actors play the same games."""
        raise NotImplementedError
