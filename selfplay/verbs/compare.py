"""Compare runs at equal compute: curves, crossings, laws, a report."""

from __future__ import annotations

import argparse
import shlex

from selfplay.verbs.answer import Answer, say_next
from selfplay.verbs.arguments import Parser, add_json, add_trust, at_least


def arguments(parser: Parser) -> None:
    parser.add_argument(
        "runs", nargs="+", metavar="RUN|DIR", help="runs, or folders that hold runs, as of a sweep"
    )
    parser.add_argument(
        "--metric", metavar="strength/...",
        help="of the curves (default: the first that all runs have of strength/mistake_rate, "
        "unproved, own_mistake_rate, vs_...; strength/net_mistake_rate is the net alone)",
    )  # fmt: skip
    parser.add_argument(
        "--loss", metavar="strength/...",
        help="of the power laws (default: strength/policy_cross_entropy or "
        "own_policy_cross_entropy, else the metric; none for scores)",
    )  # fmt: skip
    parser.add_argument(
        "--out", metavar="DIR",
        help="the report's folder (default: the folder if one was named, else runs/compare)",
    )  # fmt: skip
    parser.add_argument(
        "--pool", type=at_least(2, 10**6), metavar="GAMES",
        help="first let all runs play each other, so many games a pair; goes on with a pool that "
        "lies in the report's folder (default: show it, if there is one)",
    )  # fmt: skip
    parser.add_argument(
        "--pool-simulations", type=at_least(0), metavar="N",
        help="of the runs in the pool: leaves a move, 0 for the nets alone (default: 64)",
    )  # fmt: skip
    add_trust(parser)
    add_json(parser)


def run(arguments: argparse.Namespace) -> Answer:
    from selfplay.compare.publish import Request, publish
    from selfplay.compare.report.console import print_comparison
    from selfplay.system.progress import progress

    words = ["selfplay", "compare", *arguments.runs]
    words += [f"--metric={arguments.metric}"] if arguments.metric else []
    words += [f"--loss={arguments.loss}"] if arguments.loss else []
    searched = arguments.pool_simulations
    if arguments.pool is None and searched is not None:
        raise ValueError("--pool-simulations means nothing without --pool GAMES")
    words += [f"--pool={arguments.pool}"] if arguments.pool else []
    words += [] if searched is None else [f"--pool-simulations={searched}"]
    words += [f"--out={arguments.out}"] if arguments.out else []
    asked = Request(
        tuple(arguments.runs), arguments.metric, arguments.loss, arguments.out, arguments.pool,
        searched, shlex.join(words),
    )  # fmt: skip
    with progress("comparing") as say:
        done = publish(asked, lambda words: say(lambda: words))
    print_comparison(done)
    print(f"Written: {done.report}, with compare.json and the figures in {done.figures} beside it.")
    say_next(f"tensorboard --logdir {shlex.quote(str(done.logdir))}", "the curves side by side")
    return Answer(done.content)
