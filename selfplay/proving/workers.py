"""Who tries the problems of a round: this process, or one process a core.

Threads would wait for each other: a trial is made of many short steps of Python.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from envs.proving.game import Proving
from envs.proving.proofs.checker import check_proof
from envs.proving.proofs.extract import proof_of
from selfplay import arrays
from selfplay.cached import CancelledError, Usage
from selfplay.nets import Net
from selfplay.nets.evaluator import NetEvaluator
from selfplay.proving.lessons import from_failure, from_proof, lessons_of_parts, replay
from selfplay.proving.searches import attempt_unguided
from selfplay.proving.trials import TreeMemory, Trial, attempt
from selfplay.search import Search
from selfplay.system.workers import EndedError, MakeWorkers, WorkerPool, Workers
from selfplay.types import Targets

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
    """What one worker has made of its problems of a round."""

    trials: list[Trial]
    samples: list[Targets]
    refused: int  # proofs that the checker did not accept
    parts: int  # theorems out of failed trials
    usage: Usage


@dataclass
class _Trier:
    """Tries problems with one evaluator."""

    game: Proving
    search: Search
    effort: Effort
    evaluator: NetEvaluator
    memory: TreeMemory = field(default_factory=TreeMemory)

    def work(self, problems: Sequence[int], how: How, seed: int) -> RoundPart:
        """One trial of each problem, and the lessons."""
        game, effort, rng = self.game, self.effort, np.random.default_rng(seed)
        done: list[Trial] = []
        lessons: list[Targets | None] = []
        refused = parts = 0
        for trial in self._trials(problems, how, rng):
            if self.evaluator.cancelled:
                raise CancelledError
            if trial.proved and not trial.actions:  # the game's limits do not hold the proof
                trial = trial._replace(proved=False)
            if trial.proved and not self._accepts(trial):
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
        return RoundPart(done, samples, refused, parts, self.evaluator.take_usage())

    def _trials(
        self, problems: Sequence[int], how: How, rng: np.random.Generator
    ) -> Iterator[Trial]:
        game, effort = self.game, self.effort
        if how == "guided":
            return attempt(
                game, self.search, self.evaluator, problems, effort.inferences, rng, effort.lanes,
                memory=self.memory,
            )  # fmt: skip
        order = rng if how == "shuffled" else None
        return (attempt_unguided(game, i, effort.unguided_inferences, order) for i in problems)

    def _accepts(self, trial: Trial) -> bool:
        """Whether the checker accepts the proof."""
        _, end = replay(self.game, trial.problem, trial.actions)
        library = self.game.library
        proof = proof_of(library, trial.problem, arrays.take(end.tableau, 0))
        return check_proof(library.forms[trial.problem], proof).accepted


class TrialWorkers:
    """The workers of a run."""

    def __init__(
        self,
        game: Proving,
        search: Search,
        effort: Effort,
        evaluator: Callable[[Net], NetEvaluator],
        count: int,
        make_workers: MakeWorkers = Workers,
    ) -> None:
        self._count, self._evaluator = count, evaluator
        self._make_workers = make_workers
        self._make = (game, search, effort)
        self._own: _Trier | None = None
        self._processes: WorkerPool | None = None

    def work(
        self, net: Net, problems: NDArray[np.int64], how: How, rng: np.random.Generator
    ) -> list[RoundPart]:
        """The trials of the problems under the weights of ``net``."""
        seeds = [int(seed) for seed in rng.integers(0, 2**63 - 1, self._count)]
        if self._own is None:
            self._own = _Trier(*self._make, self._evaluator(net))
        self._own.evaluator.load(net)
        if self._count == 1:
            return [self._own.work(problems.tolist(), how, seeds[0])]
        if self._processes is None:
            evaluator = self._own.evaluator
            self._processes = self._make_workers(
                self._count, _begin, self._make, net, evaluator.device, evaluator.dtype
            )
        weights = {name: tensor.cpu().numpy() for name, tensor in net.state_dict().items()}
        shares = [problems[i :: self._count].tolist() for i in range(self._count)]
        tasks = [(weights, own, how, seed) for own, seed in zip(shares, seeds, strict=True)]
        try:
            return list(self._processes.map(tasks))
        except EndedError as error:
            raise ValueError(
                "a proving process was ended from outside, perhaps for want of memory; what was "
                "saved before is intact: run the same command again, or with less by --set "
                "actor.threads=..."
            ) from error

    def cancel(self) -> None:
        """Makes the work under way end at once; it is lost."""
        if self._own is not None:
            self._own.evaluator.cancelled = True
        if self._processes is not None:
            self._processes.kill()

    def close(self) -> None:
        """Ends the workers."""
        if self._processes is not None:
            self._processes.close()


_Task = tuple[dict[str, NDArray[Any]], list[int], How, int]  # weights, problems, how, seed


def _begin(
    halted: Callable[[], bool],
    make: tuple[Proving, Search, Effort],
    net: Net,
    device: str,
    dtype: torch.dtype,
) -> Callable[[_Task], RoundPart]:
    """What a worker process works with."""
    torch.set_num_threads(1)
    trier = _Trier(*make, NetEvaluator(net, make[0].num_actions, device, dtype, 0))

    def work(task: _Task) -> RoundPart:
        weights, problems, how, seed = task
        net.load_state_dict({name: torch.from_numpy(array) for name, array in weights.items()})
        trier.evaluator.load(net)
        return trier.work(problems, how, seed)

    return work
