"""Train an agent by a recipe, or go on with a run."""

from __future__ import annotations

import argparse
import shlex
from typing import TYPE_CHECKING

from selfplay.verbs.answer import Answer, say_next
from selfplay.verbs.arguments import Parser
from selfplay.verbs.evaluate import other_measure

if TYPE_CHECKING:
    from selfplay.config import Config


def arguments(parser: Parser) -> None:
    parser.add_argument("target", metavar="CONFIG.toml|RUN", help="a recipe, or a run to resume")
    parser.add_shared("--set")
    parser.add_option("--out", "DIR", "the run's folder (default: runs/NAME)")
    parser.add_shared("--trust")


def run(arguments: argparse.Namespace) -> Answer:
    from selfplay.training.folder import RunFolder
    from selfplay.training.run import train

    outcome = train(arguments.target, arguments.overrides, arguments.out)
    folder, scalars = outcome.folder, outcome.scalars
    since = outcome.positions - (outcome.measured_at or 0)
    if since and any(name.startswith("strength/") for name in scalars):
        when = f"at {outcome.measured_at:,} positions" if outcome.measured_at else "untrained"
        print(f"Measured {when}, {since:,} positions ago:")
    if "strength/mistake_rate" in scalars:
        rate, low, high = (
            f"{scalars['strength/mistake_rate' + end]:.2%}" for end in ("", "_low", "_high")
        )
        print(
            f"Against perfect play it makes a mistake in {rate} of the positions "
            f"(95%: {low} to {high}), its net alone in "
            f"{scalars['strength/net_mistake_rate']:.2%}."
        )
    if "strength/own_mistake_rate" in scalars:
        print(
            f"In its own games it makes a mistake in {scalars['strength/own_mistake_rate']:.2%} of "
            f"the positions, its net alone in {scalars['strength/own_net_mistake_rate']:.2%}."
        )
    for name, share in scalars.items():
        baseline = name.removeprefix("strength/vs_")
        if baseline != name and not name.endswith(("_low", "_high")):
            print(f"It takes {share:.1%} of the points against {baseline}.")
    quoted = shlex.quote(str(folder))
    if not outcome.finished:
        say_next(f"selfplay train {quoted}", "goes on where it stopped")
    if RunFolder(folder).latest() is not None:  # it may be stopped before its first checkpoint
        _say_what_follows(quoted, RunFolder(folder).config())
    say_next(f"tensorboard --logdir {quoted}", "see its curves")
    return Answer({}, 0 if outcome.finished else 130)


def _say_what_follows(quoted: str, config: Config) -> None:
    """What a run with a checkpoint can be used for."""
    other = other_measure(config.game)
    if other is None:
        say_next(f"selfplay play {quoted}", "play against it")
    else:
        say_next(other.command(quoted, config), other.MEANING)
