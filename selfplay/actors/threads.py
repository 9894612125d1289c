"""Where actors run: in threads of this process, each with one core and its own share of games.

An actor computes with one torch thread, so no two wait for each other inside a matrix product;
results are put together in the order of the actors, whoever is first, which keeps a run with a
given seed and number of threads the same bit for bit.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal

import numpy as np
import torch
from pydantic import Field

from selfplay import arrays
from selfplay.actors.actor import Actor, ActorSection, Harvest, Tally
from selfplay.nets import Net
from selfplay.nets.evaluator import NetEvaluator, Usage
from selfplay.search import Search
from selfplay.section import Section
from selfplay.system.cores import core_count
from selfplay.types import Game


class EvaluatorSection(Section):
    """Section ``[evaluator]``: how nets are run while games are played."""

    device: str = "auto"
    """`"cpu"`, `"cuda:0"`, ...; auto: a CUDA device if there is one"""
    precision: Literal["auto", "bfloat16", "float32"] = "auto"
    """`"bfloat16"` or `"float32"`; auto: by net and processor alone, bfloat16 where the processor
    has it and a position takes 1 MFLOP or more"""
    cache: int = Field(1 << 17, ge=0, le=1 << 26)
    """positions remembered, each thread; 0: equal positions are merged within a batch only"""


class Threads:
    """Actors in threads of this process."""

    def __init__(
        self,
        game: Game,
        search: Search,
        section: ActorSection,
        evaluator: EvaluatorSection,
        net: Net,
        device: str,
        dtype: torch.dtype,
        seed: int,
    ) -> None:
        count = min(section.threads or core_count(), section.games)
        lanes = [section.games // count + (i < section.games % count) for i in range(count)]
        streams = np.random.SeedSequence(seed).spawn(count)
        self.actors = [
            Actor(game, search, section, lane, np.random.default_rng(stream))
            for lane, stream in zip(lanes, streams, strict=True)
        ]
        self._evaluators = [
            NetEvaluator(net, game.num_actions, device, dtype, evaluator.cache) for _ in lanes
        ]
        self._pool = ThreadPoolExecutor(
            count, "actor", initializer=torch.set_num_threads, initargs=(1,)
        )

    def collect(self, net: Net, positions: int) -> tuple[Harvest, Usage]:
        """At least ``positions`` new samples under the weights of ``net``, and what they cost.

        Seconds are summed over the actors.
        """
        threads = torch.get_num_threads()
        first = self._evaluators[0]
        first.load(net)
        for other in self._evaluators[1:]:
            other.share(first)
        share = -(-positions // len(self.actors))
        futures = [
            self._pool.submit(actor.collect, evaluator, share)
            for actor, evaluator in zip(self.actors, self._evaluators, strict=True)
        ]
        try:
            parts = [future.result() for future in futures]
        except BaseException:
            self.cancel()  # else the threads would play on, and the process could not end
            raise
        finally:
            torch.set_num_threads(threads)  # the pool's initializer changed the default for all
        tally = Tally()
        for part in parts:
            tally = tally.plus(part.tally)
        usages = [evaluator.take_usage() for evaluator in self._evaluators]
        usage = Usage(*(sum(column) for column in zip(*usages, strict=True)))
        harvest = Harvest(
            arrays.concatenate([part.samples for part in parts]),
            [record for part in parts for record in part.records],
            tally,
        )
        return harvest, usage

    def state_dict(self) -> dict[str, Any]:
        """The games under way."""
        return {str(i): actor.state_dict() for i, actor in enumerate(self.actors)}

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Goes on with the games that ``state_dict`` returned.

        Raises ValueError when they were played by another number of actors.
        """
        if len(saved) != len(self.actors):
            raise ValueError(
                f"the run was played by {len(saved)} actor threads, this machine would use "
                f"{len(self.actors)}; resume with --set actor.threads={len(saved)}"
            )
        for i, actor in enumerate(self.actors):
            actor.load_state_dict(saved[str(i)])

    def cancel(self) -> None:
        """Makes a ``collect`` under way give up at once; its games are lost."""
        for evaluator in self._evaluators:
            evaluator.cancelled = True

    def close(self) -> None:
        """Ends the threads once their present work is done."""
        self._pool.shutdown(wait=True, cancel_futures=True)
