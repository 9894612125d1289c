"""What a backend is: a place where actors play, with the section that names it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np

from selfplay.actors.actor import Actor, ActorSection
from selfplay.actors.collector import Collector, Maker
from selfplay.actors.harvest import Harvest, Tally
from selfplay.actors.server import ServerUsage
from selfplay.cached import CachedEvaluator, Usage
from selfplay.learning.samples import joined
from selfplay.search import Search
from selfplay.section import Section
from selfplay.system.cores import core_count
from selfplay.system.workers import Entering, Work, WorkerPool, Workers
from selfplay.types import Game

if TYPE_CHECKING:  # a served process imports this and must not load torch
    from selfplay.nets import Net
    from selfplay.nets.inference import Inference


class Searching:
    """Makes actors: they play with search.  An order is how many positions they are to collect."""

    served, quick = True, 1

    def __call__(self, setup: Setup, lanes: int, rng: np.random.Generator) -> Actor:
        return Actor(setup.game, setup.search, setup.section, lanes, rng)


class Setup(NamedTuple):
    """What is played and how."""

    game: Game
    search: Search
    section: ActorSection
    inference: Inference
    maker: Maker = Searching()
    games_option: str = "actor.games"  # which says how many games are side by side

    def workers(self) -> int:
        """How many may play at the same time."""
        return self.section.threads or core_count()

    def served(self, net: Net) -> bool:
        """Whether one server can answer for all."""
        return self.maker.served and self.inference.serves(net)

    def actor(self, seed: int, number: int, count: int, life: int = 0) -> Collector:
        """The actor of this ``number`` among ``count``, with its own share of the games.

        ``life``: how many actors in this place have been lost before it; each plays other games.
        """
        games = self.section.games
        lanes = games // count + (number < games % count)
        key = (number, life - 1) if life else (number,)  # as ``SeedSequence.spawn`` makes them
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))
        return self.maker(self, lanes, rng)


class Part(NamedTuple):
    """Those of ``total`` actors that play in one place: ``size`` from the number ``first`` on.

    They play what they would if all were in one place.
    """

    first: int
    size: int
    total: int
    life: int = 0  # actors that have been lost before, in the place of each of these

    @classmethod
    def whole(cls, count: int) -> Part:
        """All of them."""
        return cls(0, count, count)

    def numbers(self) -> range:
        return range(self.first, self.first + self.size)


HELD = "held"  # beside the games under way in a checkpoint: what nobody has taken of places on Ray


class Actors:
    """``count`` actors, each with its own share of the games."""

    count: int

    def collect(self, net: Net, positions: int) -> tuple[Harvest, Usage]:
        """At least ``positions`` new samples under the weights of ``net``, and what they cost.

        Seconds are summed over the actors.
        """
        return combined(self.play(net, -(-positions // self.count)))

    def state_dict(self) -> dict[str, Any]:
        """The games under way."""
        return {str(i): saved for i, saved in enumerate(self.states())}

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Goes on with the games that ``state_dict`` returned.

        Raises ValueError when they were played by another number of actors.
        """
        saved = {name: state for name, state in saved.items() if name != HELD}
        if len(saved) != self.count:
            raise ValueError(
                f"the run was played by {len(saved)} actors, this machine would use "
                f"{self.count}; resume with --set actor.threads={len(saved)}"
            )
        self.restore([saved[str(i)] for i in range(self.count)])

    def metrics(self) -> dict[str, float]:
        """What else is told of the latest ``collect``."""
        return {}

    def server_usage(self) -> ServerUsage | None:
        """What the server of answers has done so far, where one answers for all actors."""
        return None

    def cancel(self) -> None:
        """Makes a ``collect`` under way give up at once; its games are lost."""
        raise NotImplementedError

    def close(self) -> None:
        """Ends what runs in the background once its present work is done."""

    def play(self, net: Net, order: Any) -> list[tuple[Any, Usage]]:
        """What came of ``order`` with each actor, and its cost, in their order."""
        raise NotImplementedError

    def states(self) -> list[Mapping[str, Any]]:
        """The games under way of each actor, in their order."""
        raise NotImplementedError

    def restore(self, states: list[Mapping[str, Any]]) -> None:
        """Goes on with the games that ``states`` returned."""
        raise NotImplementedError


def combined(parts: Sequence[tuple[Harvest, Usage]]) -> tuple[Harvest, Usage]:
    """What several actors have collected, as if it were of one."""
    tally, usage = totals(parts)
    samples = joined([harvest.samples for harvest, _ in parts])
    keys = np.concatenate([harvest.keys for harvest, _ in parts])
    records = [record for harvest, _ in parts for record in harvest.records]
    return Harvest(samples, keys, records, tally), usage


def totals(parts: Sequence[tuple[Any, Usage]]) -> tuple[Tally, Usage]:
    """Sums over what several actors have made."""
    tally = Tally()
    for made, _ in parts:
        tally = tally.plus(made.tally)
    usages = [usage for _, usage in parts]
    return tally, Usage(*(sum(column) for column in zip(*usages, strict=True)))


def made_by(actor: Collector, evaluator: CachedEvaluator, order: Any) -> tuple[Any, Usage]:
    """What an actor makes of ``order`` in this thread, and what that cost."""
    begun = time.thread_time()
    made = actor.collect(evaluator, order)
    usage = evaluator.take_usage()
    return made, usage._replace(tree_s=time.thread_time() - begun - usage.thread_s)


class LocalActors(Actors):
    """Actors of this process that play one after the other; a subclass may have threads do it."""

    def __init__(self, setup: Setup, net: Net, seed: int, part: Part | None = None) -> None:
        """``part``: which of all actors they are; None: all, one a core or as configured."""
        part = part or Part.whole(min(setup.workers(), setup.section.games))
        self.count = part.size
        self.actors = [setup.actor(seed, i, part.total, part.life) for i in part.numbers()]
        self._evaluators = [setup.inference.evaluator(net, setup.game) for _ in self.actors]

    def cancel(self) -> None:
        for evaluator in self._evaluators:
            evaluator.cancelled = True

    def play(self, net: Net, order: Any) -> list[tuple[Any, Usage]]:
        first = self._evaluators[0]
        first.load(net)
        for other in self._evaluators[1:]:
            other.share(first)
        return self._made(order)

    def _made(self, order: Any) -> list[tuple[Any, Usage]]:
        pairs = zip(self.actors, self._evaluators, strict=True)
        return [made_by(actor, evaluator, order) for actor, evaluator in pairs]

    def states(self) -> list[Mapping[str, Any]]:
        return [actor.state_dict() for actor in self.actors]

    def restore(self, states: list[Mapping[str, Any]]) -> None:
        for actor, state in zip(self.actors, states, strict=True):
            actor.load_state_dict(state)


class BackendSection(Section):
    """Section ``[backend]``."""

    # whether workers may be on other machines: they share no memory with this one, and have no GPU
    remote: ClassVar[bool] = False

    kind: str

    def make_actors(self, setup: Setup, net: Net, seed: int) -> Actors:
        """Actors for nets like ``net``; the same seed and number of actors play the same games."""
        raise NotImplementedError

    def capacity(self) -> int:
        """How many workers can compute at the same time."""
        return core_count()

    def make_workers(
        self,
        count: int,
        begin: Callable[..., Work],
        *arguments: Any,
        entering: Entering | None = None,
    ) -> WorkerPool:
        """Workers for what is no play with a net, as MakeWorkers has them: processes of this
        machine, whatever plays here, for threads of Python wait for one another.
        """
        return Workers(count, begin, *arguments, entering=entering)
