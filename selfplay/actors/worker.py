"""What a process of actors does for which a server answers: it never loads torch.

``own_net.py`` is the one whose actor has a net of its own.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

from selfplay.actors.base import Setup, made_by
from selfplay.actors.collector import Collector
from selfplay.actors.slot import RemoteEvaluator, Slot
from selfplay.actors.turns import Turns
from selfplay.cached import Usage
from selfplay.system.workers import Work


class Post(NamedTuple):
    """Which actors they are."""

    setup: Setup  # without inference where a server answers: torch is loaded with it
    cache: int  # positions that the evaluator of each remembers
    seed: int
    numbers: Sequence[int]
    actors: int  # in all
    cores: tuple[int, ...] = ()  # where they are to stay; (): anywhere


Collect = Callable[[bytes | None, Any], list[tuple[Any, Usage]]]


def begin(halted: Callable[[], bool], post: Post, life: int, slots: Sequence[Slot]) -> Work:
    """What a process does with its tasks, each a method and an argument for every actor.

    ``life``: how many processes have been lost before it.  ``slots``: where each asks the server.
    """
    actors = actors_of(post, life)
    return work_of(actors, _served(post, actors, slots))


def actors_of(post: Post, life: int) -> list[Collector]:
    """Those that play in this process, which stays on their cores."""
    if post.cores:
        os.sched_setaffinity(0, post.cores)
    return [post.setup.actor(post.seed, n, post.actors, life) for n in post.numbers]


def work_of(actors: Sequence[Collector], collect: Collect) -> Work:
    """Answers tasks; ``collect`` those in which the actors play."""

    def work(task: tuple[str, Sequence[Any]]) -> list[Any]:
        method, arguments = task
        if method == "state":
            return [actor.state_dict() for actor in actors]
        if method == "restore":
            for actor, state in zip(actors, arguments, strict=True):
                actor.load_state_dict(state)
            return [None] * len(actors)
        weights, order = arguments[0]
        return collect(weights, order)

    return work


def _served(post: Post, actors: Sequence[Collector], slots: Sequence[Slot]) -> Collect:
    """While the answers for one actor are on their way, another one walks its trees."""
    turns = Turns()
    evaluators = [RemoteEvaluator(slot, post.cache, turns.pass_on) for slot in slots]

    def made(actor: Collector, evaluator: RemoteEvaluator, order: Any) -> tuple[Any, Usage]:
        evaluator.forget()
        found = made_by(actor, evaluator, order)
        evaluator.leave()
        return found

    def collect(weights: bytes | None, order: Any) -> list[tuple[Any, Usage]]:
        pairs = zip(actors, evaluators, strict=True)
        return turns.run([partial(made, actor, evaluator, order) for actor, evaluator in pairs])

    return collect
