"""Compare runs at equal compute: curves, crossings, laws, a report."""

from __future__ import annotations

import argparse
import shlex

from selfplay.verbs.answer import Answer, say_next
from selfplay.verbs.arguments import Parser, at_least

OPTIONS = ("metric", "loss", "compute", "pool", "pool_simulations", "out")


def arguments(parser: Parser) -> None:
    parser.add_argument(
        "runs", nargs="+", metavar="RUN|DIR", help="runs, or folders that hold runs, as of a sweep"
    )
    parser.add_option(
        "--metric", "strength/...",
        "of the curves (default: the first that all runs have of strength/mistake_rate, "
        "unproved, own_mistake_rate, vs_...; strength/net_mistake_rate is the net alone)",
    )  # fmt: skip
    parser.add_option(
        "--loss", "strength/...",
        "of the power laws (default: strength/policy_cross_entropy or "
        "own_policy_cross_entropy, else the metric; none for scores)",
    )  # fmt: skip
    axis = "what is compared at equal amounts of: flops (default), or device_s, seconds of GPUs"
    parser.add_option("--compute", "KIND", axis)
    place = "the report's folder (default: the folder if one was named, else runs/compare)"
    parser.add_option("--out", "DIR", place)
    parser.add_option(
        "--pool", "GAMES",
        "first let all runs play each other, so many games a pair; goes on with a pool that "
        "lies in the report's folder (default: show it, if there is one)", at_least(2, 10**6),
    )  # fmt: skip
    searched = "of the runs in the pool: leaves a move, 0 for the nets alone (default: 64)"
    parser.add_option("--pool-simulations", "N", searched, at_least(0))
    parser.add_shared("--trust", "--json")


def run(arguments: argparse.Namespace) -> Answer:
    from selfplay.compare.publish import Request, publish
    from selfplay.compare.report.tables import print_comparison
    from selfplay.system.console import progress

    if arguments.pool is None and arguments.pool_simulations is not None:
        raise ValueError("--pool-simulations means nothing without --pool GAMES")
    options = {name: getattr(arguments, name) for name in OPTIONS}
    given = {name: value for name, value in options.items() if value not in (None, "")}
    words = [f"--{name.replace('_', '-')}={value}" for name, value in given.items()]
    command = shlex.join(["selfplay", "compare", *arguments.runs, *words])
    asked = Request(
        tuple(arguments.runs), arguments.metric, arguments.loss, arguments.out, arguments.pool,
        arguments.pool_simulations, command, arguments.compute,
    )  # fmt: skip
    with progress("comparing") as say:
        done = publish(asked, lambda words: say(lambda: words))
    print_comparison(done.comparison)
    print(f"Written: {done.report}, with compare.json and the figures in {done.figures} beside it.")
    say_next(f"tensorboard --logdir {shlex.quote(str(done.logdir))}", "the curves side by side")
    return Answer(done.content)
