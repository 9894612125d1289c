"""A folder of problems given to a prover, one process a core."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import torch

from envs.proving.logic.formula import Problem
from envs.proving.logic.recursion import deep
from envs.proving.logic.tptp_formulas import TptpError
from selfplay.proving.guided import Guide
from selfplay.proving.prover import Prover
from selfplay.proving.szs import COUNTER_SATISFIABLE, GAVE_UP, SATISFIABLE, reading_status
from selfplay.proving.trials import Bounds, TreeMemory
from selfplay.system.workers import Workers

_LOOK_S = 0.25  # between two looks at whether to stop


class Conditions(NamedTuple):
    """How every problem is to be tried."""

    guide: Callable[[], Guide] | None  # what loads it, in each process; None: unguided
    bounds: Bounds
    guided_share: float


class ProblemResult(NamedTuple):
    """What has become of one problem."""

    path: str
    problem: str
    trivial: bool  # the conjecture stands word for word among the axioms
    proved: bool  # and checked
    status: str
    how: str
    seconds: float
    inferences: int
    steps: int  # nodes of the proof's tableau; 0 for none
    refused: bool  # the checker did not accept the proof
    error: str  # why it could not be tried; "" if it was


def judge_files(
    files: Sequence[Path],
    conditions: Conditions,
    processes: int,
    stop: Callable[[], bool],
    tell: Callable[[], object],
) -> Iterator[ProblemResult]:
    """What becomes of each problem, in the order in which they are done.

    ``stop`` is asked now and then whether to leave the rest, ``tell`` called as often.
    """
    waiting = list(files)[::-1]
    workers = Workers(min(processes, len(waiting)), _begin, conditions)
    try:
        for _ in range(min(processes, len(waiting))):
            workers.give(waiting.pop())
        while workers.busy:
            tell()
            for path, answer in workers.answers(_LOOK_S):
                ended = isinstance(answer, Exception)
                yield _failed(path, str(answer)) if ended else answer
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
        return _failed(path, str(error), reading_status(error))
    except (ValueError, OSError) as error:
        return _failed(path, str(error))
    except MemoryError:
        prover.memory = TreeMemory()
        return _failed(path, "it needs more memory than there is")
    has_model = result.status in (SATISFIABLE, COUNTER_SATISFIABLE)
    untried = result.form is None and not has_model
    return ProblemResult(
        str(path),
        result.problem.name,
        is_trivial(result.problem),
        result.proved,
        result.status,
        result.how,
        result.seconds,
        result.inferences,
        len(result.proof.nodes) if result.proof else 0,
        result.refused,
        result.reason if untried or result.refused else "",
    )


def _failed(path: Path, error: str, status: str = GAVE_UP) -> ProblemResult:
    name = path.name.removesuffix(".p")
    return ProblemResult(str(path), name, False, False, status, "", 0.0, 0, 0, False, error)
