"""Who tries the problems of a round: this process, or one process a core.

Threads would wait for each other: a trial is made of many short steps of Python between kernels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from envs.proving.game import Proving
from envs.proving.proofs.checker import check_proof
from envs.proving.proofs.extract import proof_of
from selfplay import arrays
from selfplay.nets import Net
from selfplay.nets.cached import CancelledError, Usage
from selfplay.nets.evaluator import NetEvaluator
from selfplay.proving.hindsight import lessons_of_parts
from selfplay.proving.lessons import from_failure, from_proof, replay
from selfplay.proving.trials import TreeMemory, Trial, attempt
from selfplay.proving.unguided import attempt_unguided
from selfplay.search import Search
from selfplay.system.workers import EndedError, Workers
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


class RoundPart(NamedTuple):
    """What one worker has made of its problems of a round."""

    trials: list[Trial]
    samples: list[Targets]
    refused: int  # proofs that the checker did not accept
    parts: int  # theorems out of failed trials
    usage: Usage


class _Trier:
    """Tries problems with one evaluator."""

    def __init__(
        self, game: Proving, search: Search, effort: Effort, evaluator: NetEvaluator
    ) -> None:
        self._game, self._search, self._effort = game, search, effort
        self._memory = TreeMemory()
        self.evaluator = evaluator

    def work(self, problems: Sequence[int], how: How, seed: int) -> RoundPart:
        """One trial of each problem, and the lessons."""
        game, effort, guided = self._game, self._effort, how == "guided"
        rng = np.random.default_rng(seed)
        trials: Iterator[Trial]
        if guided:
            trials = attempt(
                game, self._search, self.evaluator, problems, effort.inferences, rng, effort.lanes,
                memory=self._memory,
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
                lessons = lessons_of_parts(game, trial, effort.hindsight, effort.smoothing)
                samples += lessons
                parts += len(lessons)
            if lesson is not None:
                samples.append(lesson)
            done.append(trial._replace(seen=(), furthest=None))
        return RoundPart(done, samples, refused, parts, self.evaluator.take_usage())

    def _accepts(self, trial: Trial) -> bool:
        """Whether the checker accepts the proof."""
        _, end = replay(self._game, trial.problem, trial.actions)
        tableau = arrays.take(end.tableau, 0)
        proof = proof_of(self._game.library, trial.problem, tableau)
        return check_proof(self._game.library.forms[trial.problem], proof).accepted


class TrialWorkers:
    """The workers of a run."""

    def __init__(
        self,
        game: Proving,
        search: Search,
        effort: Effort,
        evaluator: Callable[[Net], NetEvaluator],
        count: int,
    ) -> None:
        self._count, self._evaluator = count, evaluator
        self._make = (game, search, effort)
        self._own: _Trier | None = None
        self._processes: Workers | None = None

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
            self._processes = Workers(
                self._count, _begin, *self._make, net, evaluator.device, evaluator.dtype
            )
        weights = {name: tensor.cpu().numpy() for name, tensor in net.state_dict().items()}
        for i, seed in enumerate(seeds):
            own = problems[i :: self._count].tolist()
            self._processes.give(_Share(i, weights, own, how, seed))
        parts: dict[int, RoundPart] = {}
        while len(parts) < len(seeds):
            for share, answer in self._processes.answers():
                if isinstance(answer, EndedError):
                    raise ValueError(
                        "a proving process was ended from outside, perhaps for want of memory; "
                        "what was saved before is intact: run the same command again, or with "
                        "less by --set actor.threads=..."
                    ) from answer
                if isinstance(answer, Exception):
                    raise answer
                parts[share.number] = answer
        return [parts[i] for i in range(len(seeds))]

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


class _Share(NamedTuple):
    """What a worker process does in a round."""

    number: int
    weights: dict[str, NDArray[Any]]
    problems: list[int]
    how: How
    seed: int


def _begin(
    halted: Callable[[], bool],
    game: Proving,
    search: Search,
    effort: Effort,
    net: Net,
    device: str,
    dtype: torch.dtype,
) -> Callable[[_Share], RoundPart]:
    """What a worker process works with."""
    torch.set_num_threads(1)
    trier = _Trier(game, search, effort, NetEvaluator(net, game.num_actions, device, dtype, 0))

    def work(share: _Share) -> RoundPart:
        weights = {name: torch.from_numpy(array) for name, array in share.weights.items()}
        net.load_state_dict(weights)
        trier.evaluator.load(net)
        return trier.work(share.problems, share.how, share.seed)

    return work
