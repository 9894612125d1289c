"""What an actor's process does; where a server answers for it, it never loads torch.

torch takes seconds to start and 200 MB, in each of thirty processes.
"""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from typing import Any, NamedTuple

from selfplay.actors.base import Setup, made_by
from selfplay.actors.slot import RemoteEvaluator, Slot
from selfplay.system.workers import Work


class Post(NamedTuple):
    """Which actor it is."""

    setup: Setup  # without inference where a server answers: torch is loaded with it
    cache: int  # positions that its evaluator remembers
    seed: int
    number: int
    actors: int  # in all
    cores: tuple[int, ...] = ()  # where it is to stay; (): anywhere


def begin(halted: Callable[[], bool], post: Post, life: int, slot: Slot | None) -> Work:
    """What an actor's process does with its tasks.

    ``life``: how many actors have been lost before it.  ``slot``: where it asks the server; None
    where it has a net of its own.
    """
    if post.cores:
        os.sched_setaffinity(0, post.cores)
    setup = post.setup
    actor = setup.actor(post.seed, post.number, post.actors, life)
    evaluator: Any = None
    if slot is None:
        import torch

        torch.set_num_threads(1)
    else:
        evaluator = RemoteEvaluator(slot, post.cache)

    def work(task: tuple[str, Any]) -> Any:
        nonlocal evaluator
        method, argument = task
        if method == "state":
            return actor.state_dict()
        if method == "restore":
            return actor.load_state_dict(argument)
        weights, order = argument
        if weights is None:
            evaluator.forget()
        elif evaluator is None:
            evaluator = setup.inference.evaluator(pickle.loads(weights), setup.game)
        else:
            evaluator.load(pickle.loads(weights))
        return made_by(actor, evaluator, order)

    return work
