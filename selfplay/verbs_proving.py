"""What the verbs of proving do: ``prove``, ``explore`` and ``evaluate --problems``."""

from __future__ import annotations

import argparse
import contextlib
import shlex
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from selfplay.answer import Answer, say_next
from selfplay.proving.prover import GUIDED_SHARE, SECONDS, Prover, Result
from selfplay.proving.szs import INPUT_ERROR, SYNTAX_ERROR, USER, status_line
from selfplay.proving.trials import Bounds

NONE = "none"  # the name of the run that is no run


def prove(arguments: argparse.Namespace) -> Answer:
    from envs.proving.tptp import read_problem
    from selfplay.theorems.screen import interruptible, progress

    path = Path(arguments.problem)
    try:
        problem = read_problem(path)
    except (ValueError, OSError) as error:
        readable = path.is_file() and "expected" in str(error)  # so say all errors of syntax
        name = path.name.removesuffix(".p")
        print(status_line(SYNTAX_ERROR if readable else INPUT_ERROR, name))
        raise
    run = NONE if arguments.net == NONE else arguments.run
    try:
        prover = _prover(run, arguments.guided_share)
        with interruptible() as stop, progress(f"proving {problem.name}") as say:
            result = prover.prove_problem(
                problem,
                _bounds(arguments),
                stop,
                lambda how, used: say(lambda: f"{problem.name}: {how} search, {used:,} inferences"),
            )
    except KeyboardInterrupt:
        print(status_line(USER, problem.name))
        raise
    content = _tell(result, prover, arguments.proof)
    name = prover.guide.name if prover.guide else NONE
    say_next(f"selfplay explore {shlex.quote(name)} {shlex.quote(str(path))}", "walk an attempt")
    return Answer(content, 130 if result.status == USER else int(not result.proved))


def explore(arguments: argparse.Namespace) -> Answer:
    from envs.proving.tptp import read_problem
    from selfplay.theorems.agent import load_guide, unguided
    from selfplay.theorems.explorer import Walk, explore_in_terminal

    problem = read_problem(Path(arguments.problem))
    with _patience():
        guide = unguided() if arguments.run == NONE else load_guide(arguments.run)
        walk = Walk(guide, problem)
        walk.think(arguments.simulations)
    explore_in_terminal(walk, arguments.simulations)
    option = "--net none" if arguments.run == NONE else f"--run {shlex.quote(arguments.run)}"
    say_next(f"selfplay prove {shlex.quote(arguments.problem)} {option}")
    return Answer({})


def evaluate_problems(arguments: argparse.Namespace) -> Answer:
    """The verb ``evaluate`` with --problems."""
    from selfplay.backends import core_count
    from selfplay.theorems.agent import load_guide
    from selfplay.theorems.judge import Judged, Order, judge_files
    from selfplay.theorems.report import judged_json, judged_lines
    from selfplay.theorems.screen import interruptible, progress

    folder = Path(arguments.problems)
    files = _chosen(folder, arguments.held_out, arguments.limit)
    run = None if arguments.run == NONE else arguments.run
    if run is not None:
        load_guide(run)  # errors are told before any process starts
    order = Order(run, _bounds(arguments), _share(arguments))
    judged: list[Judged] = []
    with interruptible() as stop, progress(f"{len(files):,} problems") as say:

        def words() -> str:
            proved = sum(one.proved for one in judged)
            return f"{len(judged):,} of {len(files):,} problems tried, {proved:,} proved"

        for one in judge_files(files, order, core_count(), stop, lambda: say(words)):
            judged.append(one)
        stopped = stop()
    if not judged:
        raise ValueError("interrupted before the first problem was done")
    judged.sort(key=lambda one: one.path)
    if stopped:
        print(f"Interrupted: {len(files) - len(judged):,} of {len(files):,} were not tried.")
    place = folder if folder.is_dir() else folder.parent
    print("\n".join(judged_lines(judged, place, run or "unguided search", order)))
    first = next((one.path for one in judged if not one.proved), judged[0].path)
    say_next(f"selfplay explore {shlex.quote(arguments.run)} {shlex.quote(first)}")
    return Answer(judged_json(judged, place, order), 130 if stopped else 0)


def _chosen(folder: Path, held_out: bool, limit: int | None) -> list[Path]:
    """The problems of the folder that are asked for, at most ``limit`` of each set."""
    from envs.proving.split import held_out as is_held_out
    from envs.proving.tptp import problem_files
    from selfplay.theorems.report import set_of

    files = problem_files(folder)
    if held_out:
        files = [path for path in files if is_held_out(path.name.removesuffix(".p"))]
        if not files:
            raise ValueError(
                f"none of the problems of {folder} is kept aside; leave out --held-out"
            )
    seen: dict[str, int] = {}
    kept = []
    for path in files:
        name = set_of(path, folder)
        seen[name] = seen.get(name, 0) + 1
        if limit is None or seen[name] <= limit:
            kept.append(path)
    return kept


def _bounds(arguments: argparse.Namespace) -> Bounds:
    if arguments.seconds is None and arguments.inferences is None:
        return Bounds(SECONDS)
    return Bounds(arguments.seconds, arguments.inferences)


def _share(arguments: argparse.Namespace) -> float:
    share: float | None = arguments.guided_share
    return GUIDED_SHARE if share is None else share


def _prover(run: str | None, share: float | None) -> Prover:
    """The prover guided by the run, by the one that ships if None; made ready."""
    from selfplay.theorems.agent import load_guide, reference

    if run is None and (run := reference()) is None:
        print("there is no trained prover here: the search is unguided", file=sys.stderr)
        run = NONE
    with _patience():
        guide = None if run == NONE else load_guide(run)
        prover = Prover(guide, GUIDED_SHARE if share is None else share)
        prover.warm_up()
    return prover


@contextlib.contextmanager
def _patience() -> Iterator[None]:
    """Says so when getting ready takes long."""
    words = "preparing the search; this takes long only once"
    notice = threading.Timer(3.0, print, [words], {"file": sys.stderr})
    notice.daemon = True
    notice.start()
    try:
        yield
    finally:
        notice.cancel()


def _tell(result: Result, prover: Prover, wanted: str) -> dict[str, Any]:
    """Prints what has become of a problem; the same for scripts comes back."""
    from envs.proving.tableau_text import tableau_text
    from envs.proving.tstp import tstp
    from selfplay.theorems.explorer import has_lines

    problem, form, proof = result.problem, result.form, result.proof
    texts: dict[str, str] = {}
    if proof is not None and form is not None:
        texts["tableau"] = tableau_text(proof, form, has_lines())
        texts["tstp"] = tstp(problem, form, proof)
    print(status_line(result.status, problem.name))
    if form is not None and not form.conjecture:
        print("% no conjecture: refuting the axioms")
    if form is not None and form.equality:
        print("% equality is treated by its axioms")
    for kind, text in texts.items():
        if wanted in (kind, "both"):
            print(f"\n{text}")
    made = f"{result.inferences:,} inferences, {result.seconds:.2f} s"
    if proof is not None:
        print(f"% found by the {result.how} search: {made}")
        print(f"% accepted by the independent checker: {result.reason}")
    else:
        guided = f"guided by {prover.guide.name}" if prover.guide else "unguided"
        print(f"% no proof, {guided}: {made}; {result.reason}")
    if result.refused:
        print(
            f"A FAULT OF THIS PROVER, please report it with the problem: {result.reason}",
            file=sys.stderr,
        )
    return {
        "problem": problem.name,
        "status": result.status,
        "proved": result.proved,
        "checked": result.proved,
        "how": result.how,
        "seconds": result.seconds,
        "inferences": result.inferences,
        "proof_steps": len(proof.nodes) if proof else 0,
        "reason": result.reason,
        **{kind: text for kind, text in texts.items() if wanted in (kind, "both")},
    }
