"""Where actors run: in threads of this process, each with one core and its own share of games.

An actor computes with one torch thread, so no two wait for each other inside a matrix product;
results are put together in the order of the actors, whoever is first, which keeps a run with a
given seed and number of threads the same bit for bit.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Literal

from selfplay.actors.base import BackendSection, LocalActors, Part, Setup, made_by
from selfplay.cached import Usage

if TYPE_CHECKING:  # a served process imports this package and must not load torch
    from selfplay.nets import Net


class Threads(BackendSection):
    """Section ``[backend]`` with ``kind = "threads"``: actors are threads of this process.  Who
    tries problems or solves positions is a process all the same: that is Python for the most part,
    in which threads wait for one another.
    """

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

    def _made(self, order: Any) -> list[tuple[Any, Usage]]:
        import torch

        threads = torch.get_num_threads()
        futures = [
            self._pool.submit(made_by, actor, evaluator, order)
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
