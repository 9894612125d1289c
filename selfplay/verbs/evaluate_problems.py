"""Measure a prover by the problems that it proves: the verb ``evaluate`` with --problems."""

from __future__ import annotations

import argparse
import os
import shlex
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from selfplay.verbs.answer import Answer, say_next
from selfplay.verbs.arguments import Parser, first_of_each
from selfplay.verbs.prove import add_bounds, bounds_of

if TYPE_CHECKING:
    from selfplay.config import Config

GAME = "proving"
OPTIONS = ("problems", "seconds", "inferences", "held_out", "guided_share")
REFUSAL = "proves theorems: name a folder of them with --problems DIR"
MEANING = "what it proves"
NO_RUN, SEARCH = "none", "unguided search"


def arguments(parser: Parser) -> None:
    parser.add_option("--problems", "DIR", "TPTP problems to prove, instead of positions")
    add_bounds(parser, "a problem, on one core", "; of positions, for each of them")
    parser.add_argument(
        "--held-out", action="store_true", help="only problems that training keeps aside"
    )


def command(run: str, config: Config) -> str:
    """The command that measures a run, whose name is quoted already."""
    from envs.proving.game import OWN

    place = shlex.quote(config.problems or os.path.relpath(OWN))
    return f"selfplay evaluate {run} --problems {place} --held-out"


def run(arguments: argparse.Namespace) -> Answer:
    from selfplay.proving.batch import Conditions, ProblemResult, judge_files
    from selfplay.proving.report import judged_json, judged_lines
    from selfplay.system.console import progress
    from selfplay.system.cores import core_count
    from selfplay.system.interrupts import interruptible
    from selfplay.training.proving_agent import load_guide

    folder = Path(arguments.problems)
    run = None if arguments.run == NO_RUN else arguments.run
    files = _chosen(folder, run, arguments.held_out, arguments.limit)
    guide = None if run is None else partial(load_guide, run)
    if guide is not None:
        guide()  # errors are told before any process starts
    conditions = Conditions(guide, *bounds_of(arguments))
    judged: list[ProblemResult] = []
    with interruptible() as stop, progress(f"{len(files):,} problems") as say:

        def words() -> str:
            proved = sum(one.proved for one in judged)
            return f"{len(judged):,} of {len(files):,} problems tried, {proved:,} proved"

        for one in judge_files(files, conditions, core_count(), stop, lambda: say(words)):
            judged.append(one)
        stopped = stop()
    if not judged:
        raise ValueError("interrupted before the first problem was done")
    judged.sort(key=lambda one: one.file)
    if stopped:
        print(f"Interrupted: {len(files) - len(judged):,} of {len(files):,} were not tried.")
    place = folder if folder.is_dir() else folder.parent
    print("\n".join(judged_lines(judged, place, run or "unguided search", conditions)))
    first = next((one.file for one in judged if not one.proved), judged[0].file)
    say_next(f"selfplay explore {shlex.quote(arguments.run)} {shlex.quote(first)}")
    return Answer(judged_json(judged, place, conditions), 130 if stopped else 0)


def _chosen(folder: Path, run: str | None, held_out: bool, limit: int | None) -> list[Path]:
    """The problems of the folder that are asked for, at most ``limit`` of each set."""
    from envs.proving.game import held_out as is_held_out
    from envs.proving.logic.tptp import problem_files
    from selfplay.proving.report import set_of
    from selfplay.training.proving_agent import fold_of

    files = problem_files(folder)
    if held_out:
        fold = None if run is None else fold_of(run)
        names = {path: path.name.removesuffix(".p") for path in files}
        files = [path for path in files if is_held_out(names[path], fold=fold)]
        if not files:
            raise ValueError(
                f"none of the problems of {folder} is kept aside; leave out --held-out"
            )
    if limit is None:
        return files
    return [files[i] for i in first_of_each((set_of(path, folder) for path in files), limit)]
