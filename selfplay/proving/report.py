"""What is said of the problems of a folder: by set, for people and for scripts."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from selfplay.proving.batch import Conditions, ProblemResult
from selfplay.proving.prover import GUIDED
from selfplay.stats import wilson

TRIVIAL = "conjecture among axioms"  # the set of problems that ask for nothing


def set_of(path: Path, folder: Path) -> str:
    """The set a problem belongs to: the folder it lies in, below the one that was named."""
    inside = path.parent.relative_to(folder).as_posix() if path.is_relative_to(folder) else "."
    return inside if inside != "." else folder.resolve().name


def by_set(judged: Sequence[ProblemResult], folder: Path) -> dict[str, list[ProblemResult]]:
    """The problems of each set, in the order of their names; the trivial ones come last."""
    sets: dict[str, list[ProblemResult]] = {}
    trivial = [one for one in judged if one.trivial]
    for one in judged:
        if not one.trivial:
            sets.setdefault(set_of(Path(one.path), folder), []).append(one)
    ordered = {name: sets[name] for name in sorted(sets)}
    return ordered | ({TRIVIAL: trivial} if trivial else {})


def judged_lines(
    judged: Sequence[ProblemResult], folder: Path, prover: str, conditions: Conditions
) -> list[str]:
    """A table by set, then what went wrong."""
    lines = [f"{prover} on {len(judged):,} problems of {folder}, {bounds_text(conditions)}:"]
    lines.append(
        f"  {'set':24} {'problems':>8} {'proved':>7}  {'share (95% interval)':22} "
        f"{'guided':>7} {'median s':>9} {'median inferences':>18}"
    )
    sets = by_set(judged, folder)
    for name, own in sets.items():
        lines.append(_row(name, own))
    if len(sets) > 1:
        lines.append(_row("all", judged))
    broken = [one for one in judged if one.error and not one.refused]
    if broken:
        lines.append(f"{len(broken)} could not be tried, for one: {broken[0].error}")
    for one in judged:
        if one.refused:
            lines.append(f"A FAULT OF THIS PROVER, please report it: {one.problem}: {one.error}")
    return lines


def bounds_text(conditions: Conditions) -> str:
    """As in "10 s and 2,000 inferences each"."""
    seconds, inferences = conditions.bounds
    parts = [] if seconds is None else [f"{seconds:g} s"]
    parts += [] if inferences is None else [f"{inferences:,} inferences"]
    return " and ".join(parts) + " each"


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
        share = wilson(proved, len(own))
        sets[name] = {
            "problems": len(own),
            "proved": proved,
            "share": share.value,
            "low": share.low,
            "high": share.high,
        }
    return {
        "problems": len(judged),
        "proved": sum(one.proved for one in judged),
        "seconds": conditions.bounds.seconds,
        "inferences": conditions.bounds.inferences,
        "sets": sets,
        "results": [
            {
                "problem": one.problem,
                "file": one.path,
                "proved": one.proved,
                "status": one.status,
                "how": one.how,
                "seconds": one.seconds,
                "inferences": one.inferences,
                "proof_steps": one.steps,
                "checked": one.proved,
                "error": one.error,
            }
            for one in judged
        ],
    }
