"""What is said of one problem, with its proof, and of the problems of a folder by set."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from envs.proving.logic.formula import Problem
from envs.proving.logic.recursion import StoppedError, stoppable
from envs.proving.logic.tptp_writer import formula_text, length_of
from envs.proving.proofs.proof import Proof
from envs.proving.proofs.proof_text import tableau_text, tstp
from selfplay.proving.batch import Conditions, ProblemResult
from selfplay.proving.prover import GUIDED, Result, status_line
from selfplay.stats import wilson
from selfplay.system.printable import can_print

SUMMARY, TABLEAU, TSTP, BOTH, NONE = "summary", "tableau", "tstp", "both", "none"
WRITING_S = 0.8  # for the proof, beyond the seconds of the problem
_SHORT = 12  # lines of a tableau that a summary shows
_WIDE = 100  # characters of a line of a summary
_LONGEST = 20_000_000  # names in a proof that is written
TRIVIAL = "conjecture among axioms"  # the set of problems that ask for nothing
_SAID = ("proved", "status", "how", "seconds", "inferences", "proof_steps")  # to scripts


def proof_texts(
    result: Result, kind: str, seconds: float | None, unicode: bool | None = None
) -> dict[str, str]:
    """The proof as a tableau and in TSTP, as far as ``kind`` asks for them.

    ``seconds`` are left for writing, if given; a text that takes longer, or that is too long, is a
    sentence which says so.  The tableau is drawn with the characters that standard output takes, if
    nothing is said about ``unicode``.
    """
    unicode = can_print("├─└│") if unicode is None else unicode
    problem, form, proof = result.problem, result.form, result.proof
    if proof is None or form is None:
        return {}
    wanted: dict[str, Callable[[], str]] = {}
    if kind in (SUMMARY, TABLEAU, BOTH):
        wanted[TABLEAU] = lambda: tableau_text(proof, form, unicode)
    if kind in (TSTP, BOTH):
        wanted[TSTP] = lambda: tstp(problem, form, proof)
    is_late = _after(math.inf if seconds is None else seconds)
    return {name: _in_time(name, proof, is_late, write) for name, write in wanted.items()}


def _in_time(name: str, proof: Proof, is_late: Callable[[], bool], write: Callable[[], str]) -> str:
    try:
        with stoppable(is_late):
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
        steps = f"{result.proof_steps:,} steps, " if kind == SUMMARY else ""
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
    content = {name: getattr(result, name) for name in (*_SAID, "reason")}
    return {"problem": result.problem.name, "checked": result.proved, **content, **texts}


def set_of(path: Path, folder: Path) -> str:
    """The set a problem belongs to: the folder it lies in, below the one that was named."""
    below = path.parent.is_relative_to(folder)  # a file that was named itself is not
    inside = path.parent.relative_to(folder).as_posix() if below else "."
    return inside if inside != "." else folder.resolve().name


def by_set(judged: Sequence[ProblemResult], folder: Path) -> dict[str, list[ProblemResult]]:
    """The problems of each set, in the order of their names; the trivial ones come last."""
    sets: dict[str, list[ProblemResult]] = {}
    for one in judged:
        name = TRIVIAL if one.trivial else set_of(Path(one.file), folder)
        sets.setdefault(name, []).append(one)
    return {name: sets[name] for name in sorted(sets, key=lambda name: (name == TRIVIAL, name))}


def judged_lines(
    judged: Sequence[ProblemResult], folder: Path, prover: str, conditions: Conditions
) -> list[str]:
    """A table by set, then what went wrong."""
    seconds, inferences = conditions.bounds
    bounds = [] if seconds is None else [f"{seconds:g} s"]
    bounds += [] if inferences is None else [f"{inferences:,} inferences"]
    sets = by_set(judged, folder)
    lines = [
        f"{prover} on {len(judged):,} problems of {folder}, {' and '.join(bounds)} each:",
        f"  {'set':24} {'problems':>8} {'proved':>7}  {'share (95% interval)':22} "
        f"{'guided':>7} {'median s':>9} {'median inferences':>18}",
        *(_row(name, own) for name, own in sets.items()),
        *([_row("all", judged)] if len(sets) > 1 else []),
    ]
    broken = [one for one in judged if one.error and not one.refused]
    if broken:
        lines.append(f"{len(broken)} could not be tried, for one: {broken[0].error}")
    fault = "A FAULT OF THIS PROVER, please report it"
    return lines + [f"{fault}: {one.problem}: {one.error}" for one in judged if one.refused]


def _row(name: str, own: Sequence[ProblemResult]) -> str:
    proved = [one for one in own if one.proved]
    share = wilson(len(proved), len(own))
    interval = f"{share.value:6.1%} ({share.low:.1%} to {share.high:.1%})"
    guided = sum(one.how == GUIDED for one in proved)
    seconds = f"{statistics.median(one.seconds for one in proved):.2f}" if proved else ""
    made = f"{statistics.median(one.inferences for one in proved):,.0f}" if proved else ""
    return (
        f"  {name:24} {len(own):8,} {len(proved):7,}  {interval:22} {guided:7,} {seconds:>9} "
        f"{made:>18}"
    )


def judged_json(
    judged: Sequence[ProblemResult], folder: Path, conditions: Conditions
) -> dict[str, Any]:
    """The same as one object; ``seconds`` and ``inferences`` on top are what each was allowed."""
    sets: dict[str, dict[str, float]] = {}
    for name, own in by_set(judged, folder).items():
        proved = sum(one.proved for one in own)
        share, low, high = wilson(proved, len(own))
        interval = {"share": share, "low": low, "high": high}
        sets[name] = {"problems": len(own), "proved": proved, **interval}
    return {
        "problems": len(judged),
        "proved": sum(one.proved for one in judged),
        "seconds": conditions.bounds.seconds,
        "inferences": conditions.bounds.inferences,
        "sets": sets,
        "results": [
            {name: getattr(one, name) for name in ("problem", "file", *_SAID, "error")}
            | {"checked": one.proved}
            for one in judged
        ],
    }
