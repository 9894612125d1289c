"""Who tries the problems of a round: this process, or workers, to whoever of them is free.

Threads would wait for each other: a trial is made of many short steps of Python.  What becomes of a
problem depends on the weights, on the seed and on the problems it is tried with, never on who tries
them or what he did before.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from envs.proving.game import Proving
from selfplay.actors.open_server import OpenServer
from selfplay.actors.slot import RemoteEvaluator, Slot
from selfplay.cached import CachedEvaluator, CancelledError, Usage
from selfplay.nets import Net
from selfplay.nets.evaluator import NetEvaluator
from selfplay.nets.inference import Inference
from selfplay.proving.lessons import accepts, from_failure, from_proof, lessons_of_parts
from selfplay.proving.searches import attempt_unguided
from selfplay.proving.trials import TreeMemory, Trial, attempt
from selfplay.search import Search
from selfplay.system.workers import EndedError, MakeWorkers, WorkerPool, Workers
from selfplay.types import Targets

_UNGUIDED = 8  # problems of a part that is tried without the net, one after the other

How = Literal["guided", "in order", "shuffled"]  # the last two are unguided, see searches.py


class Effort(NamedTuple):
    """What is spent on a trial, and what is learned from it; see regimes/prove.py."""

    inferences: int
    unguided_inferences: int
    lanes: int
    failures: int
    hindsight: int
    smoothing: float


class RoundPart(NamedTuple):
    """What has been made of some problems of a round, tried side by side."""

    trials: list[Trial]
    samples: list[Targets]
    refused: int  # proofs that the checker did not accept
    parts: int  # theorems out of failed trials
    usage: Usage
    seconds: float  # that it took


class TrialSetup(NamedTuple):
    """How problems are tried."""

    game: Proving
    search: Search
    effort: Effort
    inference: Inference


class _Trier:
    """Tries problems with one evaluator, under the weights that ``net`` has then."""

    def __init__(self, setup: TrialSetup, net: Net | None, slot: Slot | None = None) -> None:
        """``slot``: where it asks a server, whatever the net is."""
        self.game, self.search, self.effort, inference = setup
        self.net = net
        self.evaluator: CachedEvaluator
        if slot is not None:
            self.evaluator = RemoteEvaluator(slot, inference.cache, lambda: None)
        else:
            assert net is not None
            self.evaluator = inference.evaluator(net, setup.game)
        self.memory = TreeMemory()

    def work(self, problems: Sequence[int], how: How, seed: int) -> RoundPart:
        """One trial of each problem, and the lessons."""
        begun, begun_cpu = time.perf_counter(), time.thread_time()
        self._forget()
        game, effort = self.game, self.effort
        rng = np.random.default_rng((seed, problems[0]))
        done: list[Trial] = []
        lessons: list[Targets | None] = []
        refused = parts = 0
        for trial in self._trials(problems, how, seed, rng):
            if self.evaluator.cancelled:
                raise CancelledError
            if trial.proved and not trial.actions:  # the game's limits do not hold the proof
                trial = trial._replace(proved=False)
            if trial.proved and not accepts(game, trial):
                refused += 1
                trial = trial._replace(proved=False, actions=())
            if trial.proved:
                lessons.append(from_proof(game, trial.problem, trial.actions, effort.smoothing))
            elif how == "guided":
                failure = from_failure(game, trial, effort.failures, rng)
                theorems = lessons_of_parts(game, trial, effort.hindsight, effort.smoothing)
                lessons += [*theorems, failure]
                parts += len(theorems)
            done.append(trial._replace(seen=(), furthest=None))
        samples = [lesson for lesson in lessons if lesson is not None]
        usage, seconds = self.evaluator.take_usage(), time.perf_counter() - begun
        usage = usage._replace(tree_s=time.thread_time() - begun_cpu - usage.thread_s)
        return RoundPart(done, samples, refused, parts, usage, seconds)

    def _forget(self) -> None:
        """Nothing is remembered of other problems, nor of other weights."""
        if isinstance(self.evaluator, NetEvaluator) and self.net is not None:
            self.evaluator.load(self.net)
        else:
            self.evaluator.forget()

    def _trials(
        self, problems: Sequence[int], how: How, seed: int, rng: np.random.Generator
    ) -> Iterator[Trial]:
        game, effort = self.game, self.effort
        if how == "guided":
            return attempt(
                game, self.search, self.evaluator, problems, effort.inferences, rng, effort.lanes,
                memory=self.memory,
            )  # fmt: skip
        most, shuffled = effort.unguided_inferences, how == "shuffled"
        return (
            attempt_unguided(game, i, most, np.random.default_rng((seed, i)) if shuffled else None)
            for i in problems
        )


class TrialWorkers:
    """The workers of a run.

    Where nets are on a GPU it is one process's, this one's, which answers for all of them.
    """

    def __init__(
        self,
        setup: TrialSetup,
        count: int,
        make_workers: MakeWorkers = Workers,
        served: bool | None = None,
    ) -> None:
        """``served``: whether one net answers for all; None: on a GPU."""
        self._setup, self._count, self._make_workers = setup, count, make_workers
        self._served = setup.inference.on_gpu if served is None else served
        self._server: OpenServer | None = None
        self._own: _Trier | None = None
        self._pool: WorkerPool | None = None
        self._lost = 0  # workers, told of so far

    def work(
        self, net: Net, problems: NDArray[np.int64], how: How, rng: np.random.Generator
    ) -> list[RoundPart]:
        """The trials of the problems under the weights of ``net``.

        They are dealt out in turn to as few parts as their size allows, which are the same from any
        number of workers: problems in order of hardness make parts that take about as long.
        """
        seed, most = int(rng.integers(0, 2**63 - 1)), self._setup.effort.lanes
        parts = -(-len(problems) // (most if how == "guided" else min(most, _UNGUIDED)))
        tasks: list[_Task] = [(problems[i::parts].tolist(), how, seed) for i in range(parts)]
        if self._count == 1:
            return self._alone(net, tasks)
        if self._pool is None:
            self._pool = self._started(net)
        if self._server is not None:
            self._server.load(net)
        else:
            weights = {name: tensor.cpu().numpy() for name, tensor in net.state_dict().items()}
            self._pool.publish(weights)
        try:
            return self._charged(list(self._pool.map(tasks)))
        except CancelledError:  # of a worker that got no answer
            if self._server is not None and self._server.failure is not None:
                raise self._server.failure from None
            raise
        except EndedError as error:
            if self._pool.killed:
                raise CancelledError from error
            raise ValueError(
                "several proving processes were ended from outside while they tried the same "
                f"problems, perhaps for want of memory, the last so: {error}; what was saved "
                "before is intact: run the same command again, or with less by --set "
                "actor.threads=... or --set regime.lanes=..."
            ) from error

    def _started(self, net: Net) -> WorkerPool:
        """The workers, and who answers them where they have no nets of their own."""
        setup, count = self._setup, self._count
        if not self._served:
            return self._make_workers(count, _begin, setup, copy.deepcopy(net).cpu())
        evaluator = setup.inference._replace(cache=0).evaluator(net, setup.game)
        self._server = OpenServer(evaluator, setup.game, count, setup.effort.lanes)
        entering = self._server.entering
        return self._make_workers(count, _begin, setup, None, entering=entering)

    def _charged(self, parts: list[RoundPart]) -> list[RoundPart]:
        """The parts of a round; the first is charged what the server's net took for all."""
        if self._server is None or not parts:
            return parts
        own, net = parts[0].usage, self._server.take_usage()
        usage = own._replace(device_s=own.device_s + net.device_s, flops=own.flops + net.flops)
        return [parts[0]._replace(usage=usage), *parts[1:]]

    def _alone(self, net: Net, tasks: list[_Task]) -> list[RoundPart]:
        if self._own is None:
            self._own = _Trier(self._setup, net)
        self._own.net = net
        threads = torch.get_num_threads()
        torch.set_num_threads(1)  # as in a process: sums are the same to the last bit
        try:
            return [self._own.work(*task) for task in tasks]
        finally:
            torch.set_num_threads(threads)

    def take_lost(self) -> int:
        """The workers that died since the last call, whose problems others have tried again."""
        lost = 0 if self._pool is None else self._pool.lost
        self._lost, before = lost, self._lost
        return lost - before

    def cancel(self) -> None:
        """Makes the work under way end at once; it is lost."""
        if self._own is not None:
            self._own.evaluator.cancelled = True
        if self._pool is not None:
            self._pool.kill()

    def close(self) -> None:
        """Ends the workers."""
        if self._pool is not None:
            self._pool.close()
        if self._server is not None:
            self._server.close()


_Task = tuple[list[int], How, int]  # problems, how, seed
_Weights = dict[str, NDArray[Any]]


def _begin(
    halted: Callable[[], bool], setup: TrialSetup, net: Net | None, slot: Slot | None = None
) -> Callable[[_Task | _Weights], RoundPart | None]:
    """What a worker process works with: problems, and from time to time weights for the net.

    ``slot``: where it asks the server; None where it has a net of its own.
    """
    torch.set_num_threads(1)
    trier = _Trier(setup, net, slot)

    def work(task: _Task | _Weights) -> RoundPart | None:
        if isinstance(task, tuple):
            return trier.work(*task)
        assert net is not None, "weights are for who has a net"
        net.load_state_dict({name: torch.from_numpy(array) for name, array in task.items()})
        return None

    return work
