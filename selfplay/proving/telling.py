"""What is said of one problem: its status, how its proof was found, and the proof."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

from envs.proving.logic.formula import Problem
from envs.proving.logic.interrupt import StoppedError, stoppable
from envs.proving.logic.tptp_writer import formula_text, length_of
from envs.proving.proofs.proof import Proof
from envs.proving.proofs.tableau_text import tableau_text
from envs.proving.proofs.tstp import tstp
from selfplay.proving.prover import Result
from selfplay.proving.szs import status_line
from selfplay.system.printable import can_print

SUMMARY, TABLEAU, TSTP, BOTH, NONE = "summary", "tableau", "tstp", "both", "none"
WRITING_S = 0.8  # for the proof, beyond the seconds of the problem
_SHORT = 12  # lines of a tableau that a summary shows
_WIDE = 100  # characters of a line of a summary
_LONGEST = 20_000_000  # names in a proof that is written


def proof_texts(result: Result, kind: str, seconds: float | None) -> dict[str, str]:
    """The proof as a tableau and in TSTP, as far as ``kind`` asks for them.

    ``seconds`` are left for writing, if given; a text that takes longer, or that is too long, is a
    sentence which says so.
    """
    problem, form, proof = result.problem, result.form, result.proof
    if proof is None or form is None:
        return {}
    wanted: dict[str, Callable[[], str]] = {}
    if kind in (SUMMARY, TABLEAU, BOTH):
        wanted[TABLEAU] = lambda: tableau_text(proof, form, can_print("├─└│"))
    if kind in (TSTP, BOTH):
        wanted[TSTP] = lambda: tstp(problem, form, proof)
    until = None if seconds is None else time.perf_counter() + seconds
    return {name: _in_time(name, proof, until, write) for name, write in wanted.items()}


def _in_time(name: str, proof: Proof, until: float | None, write: Callable[[], str]) -> str:
    try:
        with stoppable(lambda: until is not None and time.perf_counter() > until):
            if length_of(node.literal for node in proof.nodes) > _LONGEST:
                return f"% the {name} is too long to be written: its terms are enormous\n"
            return write()
    except StoppedError:
        return f"% the {name} is too long to be written in time; give more --seconds\n"


def result_lines(result: Result, guide: str | None, kind: str, texts: dict[str, str]) -> list[str]:
    """What is printed of a problem; ``guide`` is the name of what guided the search."""
    form, proof = result.form, result.proof
    lines = [status_line(result.status, result.problem.name)]
    if form is not None and not form.conjecture:
        lines.append("% no conjecture: refuting the axioms")
    if form is not None and form.equality:
        lines.append("% equality is treated by its axioms")
    if kind == SUMMARY and proof is not None:
        lines += [*_asked(result.problem), "", *_beginning(texts[TABLEAU]), ""]
    else:
        for text in texts.values():
            lines += ["", *text.split("\n")]
    made = f"{result.inferences:,} inferences, {result.seconds:.2f} s"
    if proof is not None:
        steps = f"{len(proof.nodes):,} steps, " if kind == SUMMARY else ""
        lines.append(f"% found by the {result.how} search: {steps}{made}")
        lines.append(f"% accepted by the independent checker: {result.reason}")
    else:
        by = f"guided by {guide}" if guide else "unguided"
        lines.append(f"% no proof, {by}: {made}; {result.reason}")
    return lines


def _asked(problem: Problem) -> Iterator[str]:
    """The conjectures, each on a line that is cut where it gets too long."""
    for statement in problem.statements:
        if statement.role == "conjecture":
            try:
                with stoppable(_after(0.1)):
                    text = formula_text(statement.formula)
            except StoppedError:
                text = "..."
            yield _cut(f"% {statement.name}: {text}")


def _after(seconds: float) -> Callable[[], bool]:
    until = time.perf_counter() + seconds
    return lambda: time.perf_counter() > until


def _beginning(text: str) -> list[str]:
    """A short tableau, or the first lines of a long one."""
    lines = text.rstrip("\n").split("\n")
    if len(lines) <= 2 * _SHORT:
        return [_cut(line) for line in lines]
    rest = f"... {len(lines) - _SHORT:,} more lines: --proof tableau; for programs: --proof tstp"
    return [*(_cut(line) for line in lines[:_SHORT]), rest]


def _cut(line: str) -> str:
    return line if len(line) <= _WIDE else f"{line[: _WIDE - 3]}..."


def result_content(result: Result, texts: dict[str, str]) -> dict[str, Any]:
    """The same for scripts."""
    return {
        "problem": result.problem.name,
        "status": result.status,
        "proved": result.proved,
        "checked": result.proved,
        "how": result.how,
        "seconds": result.seconds,
        "inferences": result.inferences,
        "proof_steps": len(result.proof.nodes) if result.proof else 0,
        "reason": result.reason,
        **texts,
    }
