"""A folder of problems given to a prover, one process a core."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import torch

from envs.proving.logic.formula import Problem
from envs.proving.logic.recursion import deep
from envs.proving.logic.tptp_formulas import TptpError
from selfplay.proving.prover import GAVE_UP, Prover, reading_status
from selfplay.proving.searches import Guide
from selfplay.proving.trials import Bounds, TreeMemory
from selfplay.system.workers import MakeWorkers, Workers

_LOOK_S = 0.25  # between two looks at whether to stop


class Conditions(NamedTuple):
    """How every problem is to be tried."""

    guide: Callable[[], Guide] | None  # what loads it, in each process; None: unguided
    bounds: Bounds
    guided_share: float


class ProblemResult(NamedTuple):
    """What has become of one problem."""

    file: str
    problem: str
    status: str
    error: str  # why it could not be tried; "" if it was
    proved: bool = False  # and checked
    how: str = ""
    seconds: float = 0.0
    inferences: int = 0
    proof_steps: int = 0  # nodes of the proof's tableau; 0 for none
    trivial: bool = False  # the conjecture stands word for word among the axioms
    refused: bool = False  # the checker did not accept the proof


def judge_files(
    files: Sequence[Path],
    conditions: Conditions,
    processes: int,
    stop: Callable[[], bool],
    tell: Callable[[], object],
    make_workers: MakeWorkers = Workers,
) -> Iterator[ProblemResult]:
    """What becomes of each problem, in the order in which they are done.

    ``stop`` is asked now and then whether to leave the rest, ``tell`` called as often.
    """
    waiting = list(files)[::-1]
    processes = min(processes, len(waiting))
    workers = make_workers(processes, _begin, conditions)
    try:
        for _ in range(processes):
            workers.give(waiting.pop())
        while workers.busy:
            tell()
            for path, answer in workers.answers(_LOOK_S):
                yield _failed(path, answer) if isinstance(answer, Exception) else answer
                if waiting and not stop():
                    workers.give(waiting.pop())
            if stop():
                workers.halt()
                waiting.clear()
    finally:
        workers.close()


@deep
def is_trivial(problem: Problem) -> bool:
    """Whether a conjecture stands word for word among the axioms."""
    axioms = [one.formula for one in problem.statements if one.role != "conjecture"]
    asked = [one.formula for one in problem.statements if one.role == "conjecture"]
    return any(formula in axioms for formula in asked)


def _begin(halted: Callable[[], bool], conditions: Conditions) -> Callable[[Path], ProblemResult]:
    """What a process tries problems with."""
    torch.set_num_threads(1)
    guide = conditions.guide() if conditions.guide else None
    prover = Prover(guide, conditions.guided_share)
    prover.warm_up()
    return lambda path: judge_file(prover, path, conditions.bounds, halted)


def judge_file(
    prover: Prover, path: Path, bounds: Bounds, stop: Callable[[], bool] | None = None
) -> ProblemResult:
    """What becomes of one problem; an error is part of the answer."""
    try:
        result = prover.prove_file(path, bounds, stop)
    except TptpError as error:
        return _failed(path, error, reading_status(error))
    except (ValueError, OSError) as error:
        return _failed(path, error)
    except MemoryError:
        prover.memory = TreeMemory()
        return _failed(path, "it needs more memory than there is")
    reason = result.reason if result.refused or not result.was_tried else ""
    return ProblemResult(
        str(path), result.problem.name, result.status, reason, result.proved, result.how,
        result.seconds, result.inferences, result.proof_steps, is_trivial(result.problem),
        result.refused,
    )  # fmt: skip


def _failed(path: Path, error: object, status: str = GAVE_UP) -> ProblemResult:
    return ProblemResult(str(path), path.name.removesuffix(".p"), status, str(error))
