"""Who tries the problems of a round: this process, or one process a core.

Threads would wait for each other: a trial is made of many short steps of Python between kernels.
"""

from __future__ import annotations

import multiprocessing
import pickle
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from envs.proving.game import Proving
from envs.proving.proofs.checker import check_proof
from envs.proving.proofs.extract import proof_of
from selfplay import arrays
from selfplay.nets import Net
from selfplay.nets.evaluator import CancelledError, NetEvaluator, Usage
from selfplay.proving.hindsight import lessons_of_parts
from selfplay.proving.lessons import from_failure, from_proof, replay
from selfplay.proving.trials import Ground, Trial, attempt
from selfplay.proving.unguided import attempt_unguided
from selfplay.search import Search
from selfplay.system.interrupts import leave_to_parent
from selfplay.system.parent import leave_with_parent
from selfplay.types import Targets

How = Literal["guided", "in order", "shuffled"]  # the last two are unguided, see unguided.py


class Effort(NamedTuple):
    """What is spent on a trial, and what is learned from it; see regimes/prove.py."""

    inferences: int
    unguided_inferences: int
    lanes: int
    failures: int
    hindsight: int
    smoothing: float


class Batch(NamedTuple):
    """What one worker brings home from a round."""

    trials: list[Trial]
    samples: list[Targets]
    refused: int  # proofs that the checker did not accept
    parts: int  # theorems out of failed trials
    usage: Usage


class _Worker:
    """Tries problems with one evaluator."""

    def __init__(
        self, game: Proving, search: Search, effort: Effort, evaluator: NetEvaluator
    ) -> None:
        self._game, self._search, self._effort = game, search, effort
        self._ground = Ground()
        self.evaluator = evaluator

    def work(self, problems: Sequence[int], how: How, seed: int) -> Batch:
        """One trial of each problem, and the lessons."""
        game, effort, guided = self._game, self._effort, how == "guided"
        rng = np.random.default_rng(seed)
        trials: Iterator[Trial]
        if guided:
            trials = attempt(
                game, self._search, self.evaluator, problems, effort.inferences, rng, effort.lanes,
                ground=self._ground,
            )  # fmt: skip
        else:
            order = rng if how == "shuffled" else None
            trials = (
                attempt_unguided(game, problem, effort.unguided_inferences, order)
                for problem in problems
            )
        done: list[Trial] = []
        samples: list[Targets] = []
        refused = parts = 0
        for trial in trials:
            if self.evaluator.cancelled:
                raise CancelledError
            if trial.proved and not trial.actions:  # the game's limits do not hold the proof
                trial = trial._replace(proved=False)
            if trial.proved and not self._accepts(trial):
                refused += 1
                trial = trial._replace(proved=False, actions=())
            lesson = None
            if trial.proved:
                lesson = from_proof(game, trial.problem, trial.actions, effort.smoothing)
            elif not trial.proved and guided:
                lesson = from_failure(game, trial, effort.failures, rng)
                found = lessons_of_parts(game, trial, effort.hindsight, effort.smoothing)
                samples += found
                parts += len(found)
            if lesson is not None:
                samples.append(lesson)
            done.append(trial._replace(seen=(), furthest=None))
        return Batch(done, samples, refused, parts, self.evaluator.take_usage())

    def _accepts(self, trial: Trial) -> bool:
        """Whether the checker accepts the proof."""
        _, end = replay(self._game, trial.problem, trial.actions)
        tableau = arrays.take(end.tableau, 0)
        proof = proof_of(self._game.library, trial.problem, tableau)
        return check_proof(self._game.library.forms[trial.problem], proof).accepted


class Crew:
    """The workers of a run."""

    def __init__(
        self,
        game: Proving,
        search: Search,
        effort: Effort,
        evaluator: Callable[[Net], NetEvaluator],
        workers: int,
    ) -> None:
        self._workers, self._evaluator = workers, evaluator
        self._make = (game, search, effort)
        self._own: _Worker | None = None
        self._pool: ProcessPoolExecutor | None = None

    def work(
        self, net: Net, problems: NDArray[np.int64], how: How, rng: np.random.Generator
    ) -> list[Batch]:
        """The trials of the problems under the weights of ``net``."""
        seeds = [int(seed) for seed in rng.integers(0, 2**63 - 1, self._workers)]
        if self._own is None:
            self._own = _Worker(*self._make, self._evaluator(net))
        self._own.evaluator.load(net)
        if self._workers == 1:
            return [self._own.work(problems.tolist(), how, seeds[0])]
        if self._pool is None:
            evaluator = self._own.evaluator
            started = (*self._make, net, evaluator.device, evaluator.dtype)
            # in one piece: what starts a process is pickled while other threads pickle too
            self._pool = ProcessPoolExecutor(
                self._workers,
                multiprocessing.get_context("spawn"),
                _begin,
                (pickle.dumps(started),),
            )
        weights = {name: tensor.cpu().numpy() for name, tensor in net.state_dict().items()}
        try:
            futures = [
                self._pool.submit(_work, weights, problems[i :: self._workers].tolist(), how, seed)
                for i, seed in enumerate(seeds)
            ]
            return [future.result() for future in futures]
        except BrokenProcessPool as error:
            raise ValueError(
                "a proving process was ended from outside, perhaps for want of memory; what was "
                "saved before is intact: run the same command again, or with less by "
                "--set actor.threads=..."
            ) from error

    def cancel(self) -> None:
        """Makes the work under way end at once; it is lost."""
        if self._own is not None:
            self._own.evaluator.cancelled = True
        if self._pool is not None:
            for child in multiprocessing.active_children():
                child.terminate()

    def close(self) -> None:
        """Ends the workers."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)


_present: dict[str, Any] = {}  # of a worker process: its worker and its net


def _begin(started: bytes) -> None:
    """Sets a worker process up: with game, search, effort, net, device and precision."""
    leave_with_parent()
    leave_to_parent()
    torch.set_num_threads(1)
    game, search, effort, net, device, dtype = pickle.loads(started)
    evaluator = NetEvaluator(net, game.num_actions, device, dtype, 0)
    _present["worker"] = _Worker(game, search, effort, evaluator)
    _present["net"] = net


def _work(weights: dict[str, Any], problems: list[int], how: How, seed: int) -> Batch:
    worker, net = _present["worker"], _present["net"]
    net.load_state_dict({name: torch.from_numpy(array) for name, array in weights.items()})
    worker.evaluator.load(net)
    batch: Batch = worker.work(problems, how, seed)
    return batch
