"""The prover: a problem in, a checked proof out, or why there is none, in the words of the SZS
ontology (Sutcliffe 2008, "The SZS ontologies for automated reasoning software").

Guided search comes first and has a share of the time, unguided search has the rest: the one makes
few and good inferences, the other a hundred times as many a second.  Of inferences the guided
search has the first 20,000 and its share of the others.  Nothing is called proved before the
checker accepts it, and a search that found nothing never says that there is nothing:
CounterSatisfiable and Satisfiable are said of a model only.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
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
from envs.proving.logic.tptp_formulas import UnreadableError
from envs.proving.proofs.checker import Verdict, check_clause_form, check_proof
from envs.proving.proofs.extract import proof_of
from envs.proving.proofs.proof import Proof
from selfplay import arrays
from selfplay.proving.lessons import replay
from selfplay.proving.searches import Glimpse, Guide, search_guided, search_unguided
from selfplay.proving.trials import Bounds, TreeMemory
from selfplay.system.printable import in_one_line

SECONDS = 10.0  # of a problem, where nothing else is said
GUIDED_SHARE = 0.5  # of the seconds, and of the inferences beyond the first
GUIDED_FIRST = 20_000  # inferences that are the guided search's alone; its share is of the rest
MOST_CLAUSES = 100_000
CHECKING_S = 0.5  # more than the seconds of the problem, for a proof that was found just in time

GUIDED, UNGUIDED = "guided", "unguided"

THEOREM = "Theorem"  # the conjecture follows from the axioms
UNSATISFIABLE = "Unsatisfiable"  # what is stated, without a conjecture, contradicts itself
COUNTER_SATISFIABLE = "CounterSatisfiable"  # the conjecture does not follow: a model shows it
SATISFIABLE = "Satisfiable"  # what is stated, without a conjecture, has a model
TIMEOUT = "Timeout"  # the seconds are used up
GAVE_UP = "GaveUp"  # the inferences are used up, or all that the limits allow was tried
USER = "User"  # Ctrl-C
INPUT_ERROR = "InputError"  # there is nothing to read
SYNTAX_ERROR = "SyntaxError"  # what there is cannot be read

Tell = Callable[[str, int], object]  # hears how the search goes on and of the inferences so far
Watch = Callable[[str, Glimpse], object]  # sees how the search stands, and the proof it has found


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

    @property
    def was_tried(self) -> bool:
        """Whether it was searched or has a model; False: something was in the way."""
        return self.form is not None or self.status in (SATISFIABLE, COUNTER_SATISFIABLE)

    @property
    def proof_steps(self) -> int:
        return len(self.proof.nodes) if self.proof else 0


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
    ) -> Result:
        """As ``prove_problem``; raises TptpError when the file cannot be read."""
        begun = time.perf_counter()
        read = read_within(path, bounds, stop)
        if isinstance(read, Result):
            return read
        return self.prove_problem(read, bounds, stop, begun=begun)

    @deep
    def prove_problem(
        self,
        problem: Problem,
        bounds: Bounds = Bounds(SECONDS),  # noqa: B008  it never changes
        stop: Callable[[], bool] | None = None,
        tell: Tell | None = None,
        begun: float | None = None,
        watch: Watch | None = None,
    ) -> Result:
        """The result of a search within ``bounds``, of a clock that runs since ``begun``.

        ``stop`` is asked now and then whether to give up, ``tell`` hears how it goes on and
        ``watch`` sees it.
        """
        begun = time.perf_counter() if begun is None else begun
        searches = _Searches(self, problem, bounds, begun, stop, tell, watch)
        try:
            return searches.result()
        except StoppedError:
            return searches.cut_short("the search could begin")
        except RecursionError:
            reason = f"{problem.name} has formulas that are nested too deeply"
        except MemoryError:
            self.memory = TreeMemory()
            reason = f"{problem.name} needs more memory than there is"
        return searches.without_proof(GAVE_UP, reason)


def read_within(
    path: Path, bounds: Bounds, stop: Callable[[], bool] | None = None
) -> Problem | Result:
    """The problem of a file, or the result that there was no time to read it; raises TptpError."""
    unread = Problem(path.name.removesuffix(".p"), ())
    searches = _Searches(Prover(), unread, bounds, time.perf_counter(), stop)
    try:
        with searches.within():
            return read_problem(path)
    except StoppedError:
        return searches.cut_short("the problem was read")


def judge(problem: Problem, form: ClauseForm, proof: Proof) -> Verdict:
    """What the checker says of the proof and of the clauses it stands on."""
    verdict = check_proof(form, proof)
    if not verdict:
        return verdict
    clauses = check_clause_form(problem, form, {one.clause for one in proof.instances})
    return Verdict(
        clauses.accepted, f"{verdict.reason}; {clauses.reason}" if clauses else clauses.reason
    )


def reading_status(error: ValueError) -> str:
    """What is said of a problem that cannot be read."""
    return INPUT_ERROR if isinstance(error, UnreadableError) else SYNTAX_ERROR


def status_line(status: str, name: str) -> str:
    """The line that scripts look for."""
    return f"% SZS status {status} for {in_one_line(name)}"


def complain(words: str) -> None:
    """Says something on standard error, if there is one."""
    if sys.stderr is not None:
        print(words, file=sys.stderr, flush=True)


@dataclass
class _Searches:
    """The searches for a proof of one problem, and what comes before and after."""

    prover: Prover
    problem: Problem
    bounds: Bounds
    begun: float
    stop: Callable[[], bool] | None
    tell: Tell | None = None
    watch: Watch | None = None
    stopped: bool = False
    form: ClauseForm | None = None
    used: int = 0  # inferences

    def result(self) -> Result:
        """The checked proof, or why there is none; StoppedError if time runs out elsewhere than
        in a search."""
        conjectures = [one for one in self.problem.statements if one.role == "conjecture"]
        with self.within():
            world = refuting_world(self.problem)
            if world:
                return self.without_proof(
                    COUNTER_SATISFIABLE if conjectures else SATISFIABLE, world
                )
            try:
                self.form = clausify(self.problem)
                if len(self.form.clauses) > MOST_CLAUSES:
                    raise ValueError(
                        f"{self.problem.name} has {len(self.form.clauses):,} clauses; more than "
                        f"{MOST_CLAUSES:,} are not searched"
                    )
                library = build_library([self.form])
            except ValueError as error:
                self.form = None
                return self.without_proof(GAVE_UP, str(error))
        how, proof = GUIDED, self._guided(library)
        exhausted = False
        if proof is None and not (self._left().are_over or self._is_stopped()):
            how, (proof, exhausted) = UNGUIDED, self._unguided(library)
        if proof is None:
            return self._without_success(exhausted)
        with self.within(CHECKING_S):
            verdict = judge(self.problem, self.form, proof)
        if not verdict:
            reason = f"the {how} search found a proof that the checker does not accept: "
            return self.without_proof(GAVE_UP, reason + verdict.reason)._replace(refused=True)
        status = THEOREM if conjectures else UNSATISFIABLE
        return self.without_proof(status, verdict.reason)._replace(proof=proof, how=how)

    def within(self, grace: float = 0.0) -> AbstractContextManager[None]:
        """What is done within is stopped when the seconds and the grace are over."""

        def is_over() -> bool:
            seconds = self._left().seconds
            return (seconds is not None and seconds + grace <= 0) or self._is_stopped()

        return stoppable(is_over)

    def cut_short(self, before: str) -> Result:
        """The result where the work was stopped outside a search, ``before`` something."""
        if self.stopped:
            return self.without_proof(USER, "interrupted")
        before = "a proof that was found was checked" if self.used else before
        reason = f"all {self.bounds.seconds:g} seconds are used up, before {before}"
        return self.without_proof(TIMEOUT, reason)

    def without_proof(self, status: str, reason: str) -> Result:
        seconds = time.perf_counter() - self.begun
        return Result(self.problem, self.form, status, None, self.used, seconds, "", reason)

    def _without_success(self, exhausted: bool) -> Result:
        """The result of searches that found nothing."""
        left = self._left().inferences
        if self.stopped:
            return self.without_proof(USER, "interrupted")
        if left is not None and left <= 0:
            reason = f"all {self.bounds.inferences:,} inferences are used up"
            return self.without_proof(GAVE_UP, reason)
        if exhausted:
            return self.without_proof(GAVE_UP, "all that there is was tried, without a proof")
        return self.without_proof(TIMEOUT, f"all {self.bounds.seconds:g} seconds are used up")

    def _guided(self, library: Library) -> Proof | None:
        """The proof of the guided search; whatever goes wrong in it leaves the problem to the
        unguided one."""
        guide, share, tell = self.prover.guide, self.prover.guided_share, self.tell
        if guide is None or not share:
            return None
        seconds, inferences = self._left()
        if inferences is not None:
            beyond = max(0, inferences - GUIDED_FIRST)
            inferences = inferences - beyond + int(share * beyond)
        try:
            game = guide.game.on(library)
            trial = search_guided(
                game, guide.search, guide.opinions(game), 0,
                Bounds(None if seconds is None else share * seconds, inferences), self._is_stopped,
                None if tell is None else lambda used: tell(GUIDED, used),
                memory=self.prover.memory, watch=self._seer(GUIDED),
            )  # fmt: skip
            self.used += trial.inferences
            if not trial.proved:
                return None
            _, end = replay(game, 0, trial.actions)
            return self._extracted(library, GUIDED, arrays.take(end.tableau, 0))
        except (StoppedError, MemoryError):
            raise
        except Exception as error:
            complain(
                f"the guided search of {self.problem.name} failed, please report it "
                f"({type(error).__name__}: {' '.join(str(error).split())}); the search goes on "
                "unguided"
            )
            return None

    def _unguided(self, library: Library) -> tuple[Proof | None, bool]:
        """The proof of the unguided search, and whether it has tried all that there is."""
        if self.tell is not None:
            self.tell(UNGUIDED, self.used)
        attempt = search_unguided(
            library.matrix, 0, self._left(), self._is_stopped, self._seer(UNGUIDED)
        )
        self.used += attempt.inferences
        proof = self._extracted(library, UNGUIDED, attempt.tableau) if attempt.proved else None
        return proof, attempt.exhausted

    def _seer(self, how: str) -> Callable[[Glimpse], object] | None:
        watch, before = self.watch, self.used
        if watch is None:
            return None
        return lambda seen: watch(how, seen._replace(inferences=before + seen.inferences))

    def _extracted(self, library: Library, how: str, tableau: Tableau) -> Proof:
        if self.watch is not None:
            self.watch(how, Glimpse(self.used, 1.0, tableau))
        with self.within(CHECKING_S):
            return proof_of(library, 0, tableau)

    def _left(self) -> Bounds:
        return self.bounds.less(time.perf_counter() - self.begun, self.used)

    def _is_stopped(self) -> bool:
        self.stopped = self.stopped or (self.stop is not None and self.stop())
        return self.stopped
