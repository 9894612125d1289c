"""Run a grid of recipes on the cores there are, or go on with it."""

from __future__ import annotations

import argparse
import math
import shlex
from typing import TYPE_CHECKING, Any

from selfplay.verbs.answer import Answer, say_next
from selfplay.verbs.arguments import Parser, at_least

if TYPE_CHECKING:
    from collections.abc import Sequence

    from selfplay.sweep.plan import Plan
    from selfplay.sweep.slots import Slot


def arguments(parser: Parser) -> None:
    parser.add_argument("file", metavar="SWEEP.toml", help="the arms, their grids and the seeds")
    parser.add_option("--out", "DIR", "its folder (default: runs/sweeps/NAME)")
    jobs = "cells at a time (default: one a core, on GPUs as --per-gpu says)"
    parser.add_option("--jobs", "N", jobs, at_least(1, 1024))
    per_gpu = "cells at a time on each GPU (default: 1 to 4, by the size of the nets)"
    parser.add_option("--per-gpu", "N", per_gpu, at_least(1, 64))
    parser.add_argument(
        "--dry-run", action="store_true", help="list the cells with their time and compute"
    )
    parser.add_shared("--set", "--trust", "--json")


def run(arguments: argparse.Namespace) -> Answer:
    from selfplay.sweep.plan import read_plan
    from selfplay.sweep.runner import run_sweep
    from selfplay.sweep.slots import slots_of

    plan = read_plan(arguments.file, arguments.overrides, arguments.out)
    slots = slots_of(plan, arguments.jobs, arguments.per_gpu)
    words = ["selfplay", "sweep", arguments.file]
    words += [f"--out={arguments.out}"] if arguments.out else []
    words += [f"--jobs={arguments.jobs}"] if arguments.jobs else []
    words += [f"--per-gpu={arguments.per_gpu}"] if arguments.per_gpu else []
    words += [f"--set={each}" for each in arguments.overrides]
    words += ["--trust"] if arguments.trust else []
    again = shlex.join(words)
    if arguments.dry_run:
        content = _preview(plan, slots)
        say_next(again)
        return Answer(content)
    outcome = run_sweep(plan, slots)
    states = [each["state"] for each in (*outcome.content["data"], *outcome.content["cells"])]
    print(f"{states.count('done')} of {len(states)} are done in {plan.folder}.")
    for name, error, file in outcome.failed:
        print(f"{name} failed: {error}" + (f" (see {file})" if file else ""))
    if outcome.left:
        say_next(again, "goes on where it stopped")
        return Answer(outcome.content, 130)
    if outcome.failed:
        say_next(again, "tries again what failed")
        return Answer(outcome.content, 1)
    say_next(f"selfplay compare {shlex.quote(str(plan.folder))}")
    return Answer(outcome.content)


def _preview(plan: Plan, slots: Sequence[Slot]) -> dict[str, Any]:
    """Prints what a sweep would do; the same for scripts comes back."""
    from selfplay.sweep.preview import preview
    from selfplay.system.console import clock

    estimate = preview(plan, slots)
    where = {task.name: str(estimate.slots.get(task.name, "")) for task, _, _ in estimate.rows}
    gpus = len({slot.gpu for slot in slots if slot.gpu})
    width = max(map(len, where))
    place = max(map(len, where.values())) + 2 if gpus else 0
    print(
        f"{'cell':{width}}  {'state':8} {'time':>8} {'FLOPs':>9}  "
        f"{'where' if gpus else '':{place}}estimated from"
    )
    for task, record, forecast in estimate.rows:
        print(
            f"{task.name:{width}}  {record.state:8} {clock(forecast.seconds):>8} "
            f"{_flops(forecast.flops):>9}  "
            f"{where[task.name] if gpus else '':{place}}{forecast.source}"
        )
    on = _count(gpus, "GPU") if gpus else _count(len(slots), "core")
    at_once = f", {_count(len(slots), 'cell')} at a time" if gpus else ""
    print(
        f"{len(plan.cells)} cells, {_flops(estimate.flops)} FLOPs; "
        f"{clock(estimate.left_s)} left on {on}{at_once}, experts and measurements of strength "
        f"included"
    )
    for warning in estimate.warnings:
        print(f"Note: {warning}.")
    return estimate.content()


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _flops(count: float) -> str:
    return "?" if math.isnan(count) else f"{count:.1e}"
