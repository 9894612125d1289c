"""The prover: a problem in, a checked proof out, or why there is none.

Guided search comes first and has a share of the time, unguided search has the rest: the one makes
few and good inferences, the other a hundred times as many a second.  Of inferences the guided
search has the first 20,000 and its share of the others.  Nothing is called proved before the
checker accepts it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from envs.proving.checker import Verdict, check_clause_form, check_proof
from envs.proving.clausify import clausify
from envs.proving.extract import proof_of
from envs.proving.formula import ClauseForm, Problem
from envs.proving.game import OWN
from envs.proving.matrix import Library, build_library
from envs.proving.proof import Proof
from envs.proving.tptp import read_problem
from selfplay import arrays
from selfplay.proving.guided import Guide, search_guided
from selfplay.proving.lessons import replay
from selfplay.proving.szs import GAVE_UP, TIMEOUT, USER, proved_status
from selfplay.proving.trials import Bounds, Ground
from selfplay.proving.unguided import search_unguided
from selfplay.types import Evaluator

SECONDS = 10.0  # of a problem, where nothing else is said
GUIDED_SHARE = 0.5  # of the seconds, and of the inferences beyond the first
GUIDED_FIRST = 20_000  # inferences that are the guided search's alone; its share is of the rest
MOST_CLAUSES = 100_000

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


class _Found(NamedTuple):
    """What the searches came to."""

    proof: Proof | None
    how: str
    exhausted: bool
    inferences: int


class Prover:
    """Proves one problem after the other."""

    def __init__(self, guide: Guide | None = None, guided_share: float = GUIDED_SHARE) -> None:
        """Without ``guide`` the search is unguided; ``guided_share`` is in [0, 1]."""
        self.guide, self.guided_share = guide, guided_share
        self.ground = Ground()  # of the guided search's trees

    def warm_up(self) -> None:
        """Proves something small both ways, so that nobody else waits for the compiler."""
        problem = read_problem(OWN / "pelletier" / "pelletier_24.p")
        for prover in (Prover(None), *([Prover(self.guide, 1.0)] if self.guide else [])):
            prover.prove_problem(problem, Bounds(inferences=100))

    def prove_file(
        self,
        path: Path,
        bounds: Bounds = Bounds(SECONDS),  # noqa: B008  it never changes
        stop: Callable[[], bool] | None = None,
        tell: Tell | None = None,
    ) -> Result:
        """As ``prove_problem``; raises TptpError when the file cannot be read."""
        begun = time.perf_counter()
        return self.prove_problem(read_problem(path), bounds, stop, tell, begun)

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
        try:
            form = clausify(problem)
            if len(form.clauses) > MOST_CLAUSES:
                raise ValueError(
                    f"{problem.name} has {len(form.clauses):,} clauses; more than "
                    f"{MOST_CLAUSES:,} are not searched"
                )
            library = build_library([form])
        except (ValueError, RecursionError) as error:
            said = str(error)
            if isinstance(error, RecursionError):
                said = f"{problem.name} has formulas that are nested too deeply"
            spent = time.perf_counter() - begun
            return Result(problem, None, GAVE_UP, None, 0, spent, "", said)
        search = _Searches(self, library, bounds, begun, stop, tell)
        found = search.run()
        seconds = time.perf_counter() - begun
        if found.proof is None:
            status, reason = search.ending(found)
            return Result(problem, form, status, None, found.inferences, seconds, "", reason)
        verdict = judge(problem, form, found.proof)
        seconds = time.perf_counter() - begun
        if not verdict:
            return Result(
                problem, form, GAVE_UP, None, found.inferences, seconds, "",
                f"the {found.how} search found a proof that the checker does not accept: "
                f"{verdict.reason}", True,
            )  # fmt: skip
        return Result(
            problem, form, proved_status(problem), found.proof, found.inferences, seconds,
            found.how, verdict.reason,
        )  # fmt: skip


def judge(problem: Problem, form: ClauseForm, proof: Proof) -> Verdict:
    """What the checker says of the proof and of the clauses it stands on."""
    try:
        verdict = check_proof(form, proof)
        if not verdict:
            return verdict
        clauses = check_clause_form(problem, form, {one.clause for one in proof.instances})
    except RecursionError:
        return Verdict(False, "its terms are nested too deeply to be checked")
    return Verdict(
        clauses.accepted, f"{verdict.reason}; {clauses.reason}" if clauses else clauses.reason
    )


class _Searches:
    """The searches for a proof of the only problem of a library."""

    def __init__(
        self,
        prover: Prover,
        library: Library,
        bounds: Bounds,
        begun: float,
        stop: Callable[[], bool] | None,
        tell: Tell | None,
    ) -> None:
        self._guide, self._share, self._ground = prover.guide, prover.guided_share, prover.ground
        self._library, self._bounds, self._begun = library, bounds, begun
        self._stop, self._tell = stop, tell
        self._used = 0
        self._stopped = False

    def run(self) -> _Found:
        """The guided search, then the unguided one with what is left."""
        if self._guide is not None and self._share > 0:
            proof = self._guided(self._guide)
            if proof is not None:
                return _Found(proof, GUIDED, False, self._used)
        if self._spent():
            return _Found(None, "", False, self._used)
        if self._tell is not None:
            self._tell(UNGUIDED, self._used)
        seconds = self._seconds_left()
        found = search_unguided(
            self._library.matrix, 0, self._inferences_left(), seconds, self._is_stopped
        )
        self._used += found.inferences
        proof = proof_of(self._library, 0, found.tableau) if found.proved else None
        return _Found(proof, UNGUIDED if proof else "", found.exhausted, self._used)

    def _guided(self, guide: Guide) -> Proof | None:
        game = guide.game.on(self._library)
        evaluator: Evaluator = guide.opinions(game)
        left, inferences = self._seconds_left(), self._inferences_left()
        seconds = None if left is None else self._share * left
        if inferences is not None:
            beyond = max(0, inferences - GUIDED_FIRST)
            inferences = inferences - beyond + int(self._share * beyond)
        tell = self._tell
        found = search_guided(
            game, guide.search, evaluator, 0, inferences, seconds, self._is_stopped,
            None if tell is None else lambda used: tell(GUIDED, used), ground=self._ground,
        )  # fmt: skip
        self._used += found.inferences
        if not found.proved:
            return None
        _, end = replay(game, 0, found.moves)
        return proof_of(self._library, 0, arrays.take(end.tableau, 0))

    def ending(self, found: _Found) -> tuple[str, str]:
        """The status and the reason of a search that found nothing."""
        if self._stopped:
            return USER, "interrupted"
        left = self._inferences_left()
        if left is not None and left <= 0:
            return GAVE_UP, f"all {self._bounds.inferences:,} inferences are used up"
        if found.exhausted:
            return GAVE_UP, "all that there is was tried, without a proof"
        return TIMEOUT, f"all {self._bounds.seconds:g} seconds are used up"

    def _spent(self) -> bool:
        seconds, inferences = self._seconds_left(), self._inferences_left()
        late = seconds is not None and seconds <= 0
        return late or (inferences is not None and inferences <= 0) or self._is_stopped()

    def _is_stopped(self) -> bool:
        self._stopped = self._stopped or (self._stop is not None and self._stop())
        return self._stopped

    def _seconds_left(self) -> float | None:
        if self._bounds.seconds is None:
            return None
        return self._bounds.seconds - (time.perf_counter() - self._begun)

    def _inferences_left(self) -> int | None:
        return None if self._bounds.inferences is None else self._bounds.inferences - self._used
