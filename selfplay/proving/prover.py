"""The prover: a problem in, a checked proof out, or why there is none.

Guided search comes first and has a share of the time, unguided search has the rest: the one makes
few and good inferences, the other a hundred times as many a second.  Of inferences the guided
search has the first 20,000 and its share of the others.  Nothing is called proved before the
checker accepts it.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple

from envs.proving.calculus.matrix import Library, build_library
from envs.proving.calculus.tableau import Tableau
from envs.proving.game import SMALL
from envs.proving.logic.clausify import clausify
from envs.proving.logic.formula import ClauseForm, Problem
from envs.proving.logic.one_element_worlds import refuting_world
from envs.proving.logic.recursion import StoppedError, deep, stoppable
from envs.proving.logic.tptp import read_problem
from envs.proving.proofs.checker import Verdict, check_clause_form, check_proof
from envs.proving.proofs.extract import proof_of
from envs.proving.proofs.proof import Proof
from selfplay import arrays
from selfplay.proving.guided import Guide, search_guided
from selfplay.proving.lessons import replay
from selfplay.proving.szs import GAVE_UP, TIMEOUT, USER, proved_status, refuted_status
from selfplay.proving.trials import Bounds, TreeMemory
from selfplay.proving.unguided import search_unguided
from selfplay.types import Evaluator

SECONDS = 10.0  # of a problem, where nothing else is said
GUIDED_SHARE = 0.5  # of the seconds, and of the inferences beyond the first
GUIDED_FIRST = 20_000  # inferences that are the guided search's alone; its share is of the rest
MOST_CLAUSES = 100_000
CHECKING_S = 0.5  # more than the seconds of the problem, for a proof that was found just in time

GUIDED, UNGUIDED = "guided", "unguided"

Tell = Callable[[str, int], object]  # hears how the search goes on and of the inferences so far


class Result(NamedTuple):
    """What has become of a problem."""

    problem: Problem
    form: ClauseForm | None  # None where the problem is too large for one
    status: str  # of the SZS ontology
    proof: Proof | None  # only what the checker accepted
    inferences: int
    seconds: float
    how: str  # GUIDED or UNGUIDED, whichever found the proof; "" for none
    reason: str  # a sentence: what the checker said, or why there is no proof
    refused: bool = False  # a proof was found that the checker does not accept: a fault of ours

    @property
    def proved(self) -> bool:
        return self.proof is not None


class _Outcome(NamedTuple):
    """What the searches came to."""

    proof: Proof | None
    how: str
    exhausted: bool


class Prover:
    """Proves one problem after the other."""

    def __init__(self, guide: Guide | None = None, guided_share: float = GUIDED_SHARE) -> None:
        """Without ``guide`` the search is unguided; ``guided_share`` is in [0, 1]."""
        self.guide, self.guided_share = guide, guided_share
        self.memory = TreeMemory()  # of the guided search's trees

    def warm_up(self) -> None:
        """Proves something small both ways, so that nobody else waits for the compiler."""
        problem = read_problem(SMALL)
        for prover in (Prover(None), *([Prover(self.guide, 1.0)] if self.guide else [])):
            prover.prove_problem(problem, Bounds(inferences=100))

    @deep
    def prove_file(
        self,
        path: Path,
        bounds: Bounds = Bounds(SECONDS),  # noqa: B008  it never changes
        stop: Callable[[], bool] | None = None,
        tell: Tell | None = None,
    ) -> Result:
        """As ``prove_problem``; raises TptpError when the file cannot be read."""
        begun = time.perf_counter()
        read = read_within(path, bounds, stop)
        if isinstance(read, Result):
            return read
        return self.prove_problem(read, bounds, stop, tell, begun)

    @deep
    def prove_problem(
        self,
        problem: Problem,
        bounds: Bounds = Bounds(SECONDS),  # noqa: B008  it never changes
        stop: Callable[[], bool] | None = None,
        tell: Tell | None = None,
        begun: float | None = None,
    ) -> Result:
        """The result of a search within ``bounds``; the clock runs since ``begun``, reading
        included.

        ``stop`` is asked now and then whether to give up, ``tell`` hears how it goes on.
        """
        begun = time.perf_counter() if begun is None else begun
        search = _Searches(self, problem, bounds, begun, stop, tell)
        try:
            return search.result()
        except StoppedError:
            status, reason = search.cut_short()
        except RecursionError:
            status, reason = GAVE_UP, f"{problem.name} has formulas that are nested too deeply"
        except MemoryError:
            self.memory = TreeMemory()
            status, reason = GAVE_UP, f"{problem.name} needs more memory than there is"
        seconds = time.perf_counter() - begun
        return Result(problem, search.form, status, None, search.used, seconds, "", reason)


def read_within(
    path: Path, bounds: Bounds, stop: Callable[[], bool] | None = None
) -> Problem | Result:
    """The problem of a file, or the result that there was no time to read it; raises TptpError."""
    begun = time.perf_counter()
    unread = Problem(path.name.removesuffix(".p"), ())
    search = _Searches(Prover(), unread, bounds, begun, stop, None)
    try:
        with search.within():
            return read_problem(path)
    except StoppedError:
        status, reason = search.cut_short("the problem was read")
        return Result(unread, None, status, None, 0, time.perf_counter() - begun, "", reason)


def judge(problem: Problem, form: ClauseForm, proof: Proof) -> Verdict:
    """What the checker says of the proof and of the clauses it stands on."""
    verdict = check_proof(form, proof)
    if not verdict:
        return verdict
    clauses = check_clause_form(problem, form, {one.clause for one in proof.instances})
    return Verdict(
        clauses.accepted, f"{verdict.reason}; {clauses.reason}" if clauses else clauses.reason
    )


def complain(words: str) -> None:
    """Says something on standard error, if there is one."""
    if sys.stderr is not None:
        print(words, file=sys.stderr, flush=True)


class _Searches:
    """The searches for a proof of one problem, and what comes before and after."""

    def __init__(
        self,
        prover: Prover,
        problem: Problem,
        bounds: Bounds,
        begun: float,
        stop: Callable[[], bool] | None,
        tell: Tell | None,
    ) -> None:
        self._guide, self._share, self._memory = prover.guide, prover.guided_share, prover.memory
        self._problem, self._bounds, self._begun = problem, bounds, begun
        self._stop, self._tell = stop, tell
        self._stopped = False
        self.form: ClauseForm | None = None
        self.used = 0

    def result(self) -> Result:
        """The checked proof, or why there is none; StoppedError if time runs out elsewhere than
        in a search."""
        with self.within():
            world = refuting_world(self._problem)
            if world:
                return self._without_proof(refuted_status(self._problem), world)
            try:
                self.form = clausify(self._problem)
                if len(self.form.clauses) > MOST_CLAUSES:
                    raise ValueError(
                        f"{self._problem.name} has {len(self.form.clauses):,} clauses; more than "
                        f"{MOST_CLAUSES:,} are not searched"
                    )
                library = build_library([self.form])
            except ValueError as error:
                self.form = None
                return self._without_proof(GAVE_UP, str(error))
        outcome = self._run(library)
        if outcome.proof is None:
            return self._without_proof(*self._ending(outcome))
        with self.within(CHECKING_S):
            verdict = judge(self._problem, self.form, outcome.proof)
        if not verdict:
            reason = (
                f"the {outcome.how} search found a proof that the checker does not accept: "
                f"{verdict.reason}"
            )
            return self._without_proof(GAVE_UP, reason)._replace(refused=True)
        done = self._without_proof(proved_status(self._problem), verdict.reason)
        return done._replace(proof=outcome.proof, how=outcome.how)

    def within(self, grace: float = 0.0) -> AbstractContextManager[None]:
        """What is done within is stopped when the seconds and the grace are over."""
        return stoppable(lambda: self._is_late(grace) or self._is_stopped())

    def cut_short(self, before: str = "the search could begin") -> tuple[str, str]:
        """The status and the reason where the work was stopped outside a search."""
        if self._stopped:
            return USER, "interrupted"
        if self.used:
            before = "a proof that was found was checked"
        return TIMEOUT, f"all {self._bounds.seconds:g} seconds are used up, before {before}"

    def _without_proof(self, status: str, reason: str) -> Result:
        seconds = time.perf_counter() - self._begun
        return Result(self._problem, self.form, status, None, self.used, seconds, "", reason)

    def _run(self, library: Library) -> _Outcome:
        """The guided search, then the unguided one with what is left."""
        if self._guide is not None and self._share > 0:
            proof = self._guided_or_not(self._guide, library)
            if proof is not None:
                return _Outcome(proof, GUIDED, False)
        if self._spent():
            return _Outcome(None, "", False)
        if self._tell is not None:
            self._tell(UNGUIDED, self.used)
        seconds = self._seconds_left()
        attempt = search_unguided(
            library.matrix, 0, self._inferences_left(), seconds, self._is_stopped
        )
        self.used += attempt.inferences
        proof = self._extracted(library, attempt.tableau) if attempt.proved else None
        return _Outcome(proof, UNGUIDED if proof else "", attempt.exhausted)

    def _guided_or_not(self, guide: Guide, library: Library) -> Proof | None:
        """The proof of the guided search; whatever goes wrong in it leaves the problem to the
        unguided one."""
        try:
            return self._guided(guide, library)
        except (StoppedError, MemoryError):
            raise
        except Exception as error:
            complain(
                f"the guided search of {self._problem.name} failed, please report it "
                f"({type(error).__name__}: {' '.join(str(error).split())}); the search goes on "
                "unguided"
            )
            return None

    def _guided(self, guide: Guide, library: Library) -> Proof | None:
        game = guide.game.on(library)
        evaluator: Evaluator = guide.opinions(game)
        left, inferences = self._seconds_left(), self._inferences_left()
        seconds = None if left is None else self._share * left
        if inferences is not None:
            beyond = max(0, inferences - GUIDED_FIRST)
            inferences = inferences - beyond + int(self._share * beyond)
        tell = self._tell
        trial = search_guided(
            game, guide.search, evaluator, 0, inferences, seconds, self._is_stopped,
            None if tell is None else lambda used: tell(GUIDED, used), memory=self._memory,
        )  # fmt: skip
        self.used += trial.inferences
        if not trial.proved:
            return None
        _, end = replay(game, 0, trial.actions)
        return self._extracted(library, arrays.take(end.tableau, 0))

    def _extracted(self, library: Library, tableau: Tableau) -> Proof:
        with self.within(CHECKING_S):
            return proof_of(library, 0, tableau)

    def _ending(self, outcome: _Outcome) -> tuple[str, str]:
        """The status and the reason of a search that found nothing."""
        if self._stopped:
            return USER, "interrupted"
        left = self._inferences_left()
        if left is not None and left <= 0:
            return GAVE_UP, f"all {self._bounds.inferences:,} inferences are used up"
        if outcome.exhausted:
            return GAVE_UP, "all that there is was tried, without a proof"
        return TIMEOUT, f"all {self._bounds.seconds:g} seconds are used up"

    def _spent(self) -> bool:
        seconds, inferences = self._seconds_left(), self._inferences_left()
        late = seconds is not None and seconds <= 0
        return late or (inferences is not None and inferences <= 0) or self._is_stopped()

    def _is_late(self, grace: float = 0.0) -> bool:
        left = self._seconds_left()
        return left is not None and left + grace <= 0

    def _is_stopped(self) -> bool:
        self._stopped = self._stopped or (self._stop is not None and self._stop())
        return self._stopped

    def _seconds_left(self) -> float | None:
        if self._bounds.seconds is None:
            return None
        return self._bounds.seconds - (time.perf_counter() - self._begun)

    def _inferences_left(self) -> int | None:
        return None if self._bounds.inferences is None else self._bounds.inferences - self.used
