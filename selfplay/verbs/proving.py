"""What the verbs of proving do: ``prove``, ``explore`` and ``evaluate --problems``."""

from __future__ import annotations

import argparse
import shlex
import time
from pathlib import Path

from envs.proving.logic.deep import deep
from envs.proving.logic.formula import Problem
from envs.proving.logic.tokens import TptpError
from selfplay.proving.prover import GUIDED_SHARE, SECONDS, Prover, Result, complain, read_within
from selfplay.proving.szs import USER, reading_status, status_line
from selfplay.proving.telling import BOTH, NONE, SUMMARY, WRITING_S
from selfplay.proving.trials import Bounds
from selfplay.verbs.answer import Answer, say_next

_HEED_S = 0.7  # for a search to hear Ctrl-C; after that it is left alone


def prove(arguments: argparse.Namespace) -> Answer:
    from selfplay.proving.telling import proof_texts, result_content, result_lines

    path, bounds = Path(arguments.problem), _bounds(arguments)
    name = path.name.removesuffix(".p")
    try:
        begun = time.perf_counter()
        read = _read(path, bounds)
        reading_s = time.perf_counter() - begun
        prover = _prover(NONE if arguments.net == NONE else arguments.run, arguments.guided_share)
        begun = time.perf_counter() - reading_s  # getting ready is on nobody's clock
        result = read if isinstance(read, Result) else _proved(prover, read, bounds, begun)
        kind = arguments.proof or (BOTH if arguments.json else SUMMARY)
        spent = time.perf_counter() - begun
        left = None if bounds.seconds is None else bounds.seconds + WRITING_S - spent
        texts = proof_texts(result, kind, left)
    except KeyboardInterrupt:
        _say(status_line(USER, name))
        raise
    guide = prover.guide.name if prover.guide else None
    for line in result_lines(result, guide, kind, texts):
        _say(line)
    if result.refused:
        complain(f"A FAULT OF THIS PROVER, please report it with the problem: {result.reason}")
    say_next(
        f"selfplay explore {shlex.quote(guide or NONE)} {shlex.quote(str(path))}", "walk an attempt"
    )
    content = result_content(result, texts)
    return Answer(content, 130 if result.status == USER else int(not result.proved))


def _read(path: Path, bounds: Bounds) -> Problem | Result:
    """As read_within; what cannot be read gets its status too."""
    try:
        return read_within(path, bounds)
    except TptpError as error:
        _say(status_line(reading_status(error), path.name.removesuffix(".p")))
        raise


def _proved(prover: Prover, problem: Problem, bounds: Bounds, begun: float) -> Result:
    """The result of a search that shows how it goes on and that Ctrl-C ends."""
    from selfplay.proving.screen import interruptible, progress

    with interruptible(_HEED_S) as stop, progress(f"proving {problem.name}") as say:
        return prover.prove_problem(
            problem, bounds, stop,
            lambda how, used: say(lambda: f"{problem.name}: {how} search, {used:,} inferences"),
            begun,
        )  # fmt: skip


def _say(line: str) -> None:
    """Prints a line of an answer."""
    print(line)


def explore(arguments: argparse.Namespace) -> Answer:
    from envs.proving.logic.tptp import read_problem
    from selfplay.play.proof import Walk, explore_in_terminal
    from selfplay.proving.agent import load_guide, unguided
    from selfplay.proving.screen import patience

    problem = read_problem(Path(arguments.problem))
    with patience():
        guide = unguided() if arguments.run == NONE else load_guide(arguments.run)
        walk = Walk(guide, problem)
        walk.think(arguments.simulations)
    explore_in_terminal(walk, arguments.simulations)
    option = "--net none" if arguments.run == NONE else f"--run {shlex.quote(arguments.run)}"
    say_next(f"selfplay prove {shlex.quote(arguments.problem)} {option}")
    return Answer({})


def evaluate_problems(arguments: argparse.Namespace) -> Answer:
    """The verb ``evaluate`` with --problems."""
    from selfplay.proving.agent import load_guide
    from selfplay.proving.batch import Judged, Order, judge_files
    from selfplay.proving.report import judged_json, judged_lines
    from selfplay.proving.screen import interruptible, progress
    from selfplay.system.cores import core_count

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
    from envs.proving.logic.tptp import problem_files
    from envs.proving.split import held_out as is_held_out
    from selfplay.proving.report import set_of

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


@deep  # not in the main thread: compiling hears no Ctrl-C, waiting does
def _prover(run: str | None, share: float | None) -> Prover:
    """The prover guided by the run, by the one that ships if None; made ready."""
    from selfplay.proving.agent import load_guide, reference
    from selfplay.proving.screen import patience

    if run is None and (run := reference()) is None:
        complain("there is no trained prover here: the search is unguided")
        run = NONE
    with patience():
        guide = None if run == NONE else load_guide(run)
        prover = Prover(guide, GUIDED_SHARE if share is None else share)
        prover.warm_up()
    return prover
