"""Where actors run: in threads of this process, each with one core and its own share of games.

An actor computes with one torch thread, so no two wait for each other inside a matrix product;
results are put together in the order of the actors, whoever is first, which keeps a run with a
given seed and number of threads the same bit for bit.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Literal

from selfplay.actors.base import BackendSection, LocalActors, Part, Setup, harvest_of
from selfplay.actors.harvest import Harvest
from selfplay.cached import Usage

if TYPE_CHECKING:  # a served process imports this package and must not load torch
    from selfplay.nets import Net


class Threads(BackendSection):
    """Section ``[backend]`` with ``kind = "threads"``: actors are threads of this process."""

    kind: Literal["threads"] = "threads"

    def make_actors(self, setup: Setup, net: Net, seed: int) -> ThreadActors:
        return ThreadActors(setup, net, seed)


class ThreadActors(LocalActors):
    """Each in a thread of its own."""

    def __init__(self, setup: Setup, net: Net, seed: int, part: Part | None = None) -> None:
        import torch

        super().__init__(setup, net, seed, part)
        self._pool = ThreadPoolExecutor(
            self.count, "actor", initializer=torch.set_num_threads, initargs=(1,)
        )

    def _harvests(self, positions: int) -> list[tuple[Harvest, Usage]]:
        import torch

        threads = torch.get_num_threads()
        futures = [
            self._pool.submit(harvest_of, actor, evaluator, positions)
            for actor, evaluator in zip(self.actors, self._evaluators, strict=True)
        ]
        try:
            return [future.result() for future in futures]
        except BaseException:
            self.cancel()  # else the threads would play on, and the process could not end
            raise
        finally:
            torch.set_num_threads(threads)  # the pool's initializer changed the default for all

    def close(self) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)
