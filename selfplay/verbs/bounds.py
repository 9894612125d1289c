"""What a proof may cost, as the verbs of proving are told it."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from selfplay.verbs.arguments import Parser, at_least, seconds, share

if TYPE_CHECKING:
    from selfplay.proving.trials import Bounds


def add_bounds(parser: Parser, of: str) -> None:
    """What a proof may cost."""
    parser.add_argument(
        "--seconds", type=seconds, metavar="S",
        help=f"{of or 'at most'} (default: 10, if no inferences are named)",
    )  # fmt: skip
    parser.add_argument("--inferences", type=at_least(1), metavar="N", help=of or "at most so many")
    parser.add_argument(
        "--guided-share", type=share, metavar="X",
        help="of the seconds, and of inferences beyond 20,000, for the guided search "
        "(default: 0.5); the unguided has the rest",
    )  # fmt: skip


def bounds_of(arguments: argparse.Namespace) -> Bounds:
    """The bounds that were asked for, else those of time by default."""
    from selfplay.proving.prover import SECONDS
    from selfplay.proving.trials import Bounds

    if arguments.seconds is None and arguments.inferences is None:
        return Bounds(SECONDS)
    return Bounds(arguments.seconds, arguments.inferences)


def guided_share(arguments: argparse.Namespace) -> float:
    """The share of the guided search that was asked for, else the default."""
    from selfplay.proving.prover import GUIDED_SHARE

    return GUIDED_SHARE if arguments.guided_share is None else float(arguments.guided_share)
