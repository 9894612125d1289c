"""What a process does whose actor has a net of its own.

What it imports here is imported once for all of them, by the process whose forks they are: torch
takes each a second or two, and a tenth of a gigabyte.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import torch

from selfplay.actors.base import made_by
from selfplay.actors.worker import Post, actors_of, work_of
from selfplay.cached import Usage
from selfplay.nets.evaluator import NetEvaluator
from selfplay.system.workers import Work


def begin(halted: Callable[[], bool], post: Post, life: int) -> Work:
    """As ``worker.begin``, for one actor."""
    torch.set_num_threads(1)
    (actor,) = actors_of(post, life)
    evaluator: NetEvaluator | None = None

    def collect(weights: bytes | None, order: Any) -> list[tuple[Any, Usage]]:
        nonlocal evaluator
        assert weights is not None
        if evaluator is None:
            evaluator = post.setup.inference.evaluator(pickle.loads(weights), post.setup.game)
        else:
            evaluator.load(pickle.loads(weights))
        return [made_by(actor, evaluator, order)]

    return work_of([actor], collect)
