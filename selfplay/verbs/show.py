"""Show one run: its recipe, the course of its strength, its last values, how to go on."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from selfplay.verbs.answer import Answer, say_next
from selfplay.verbs.arguments import Parser
from selfplay.verbs.runs import content_of, size_text, strength_of

if TYPE_CHECKING:
    from selfplay.config import Config
    from selfplay.players.level_ratings import Levels
    from selfplay.training.summary import Summary

_HEIGHT = 10  # lines of the curve


def arguments(parser: Parser) -> None:
    parser.add_argument("run", metavar="RUN", help="a run's folder or a unique part of its name")
    parser.add_shared("--json")


def run(arguments: argparse.Namespace) -> Answer:
    from selfplay.config import changed_options
    from selfplay.training.folder import find_run
    from selfplay.training.summary import summarize

    folder = find_run(arguments.run).path
    if not any((folder / name).is_file() for name in ("config.json", "metrics.jsonl")):
        raise ValueError(
            f"{folder} is not a run folder (it has no config.json); `selfplay runs` lists the runs"
        )
    summary = summarize(folder)
    config, fault = _config(summary)
    recipe = {} if config is None else changed_options(config)
    levels = _levels(folder)
    faults = [each for each in (summary.fault, fault) if each]
    _print_head(summary, faults)
    if recipe:
        print("\nRecipe, where it differs from the defaults:")
        for name, value in recipe.items():
            print(f"  {name} = {value}")
    _print_curve(summary, config)
    _print_values(summary)
    if levels:
        _print_levels(levels)
    files = _print_files(summary)
    _say_next(summary)
    content = content_of(summary) | {
        "fault": "; ".join(faults) or None, "recipe": recipe, "latest": summary.latest,
        "curve": [
            {"positions": each.positions, "seconds": each.seconds, **each.scalars}
            for each in summary.strength
        ],
        "levels": levels and {
            **levels._asdict(), "ratings": [each._asdict() for each in levels.ratings]
        },
        **files,
    }  # fmt: skip
    return Answer(content)


def _config(run: Summary) -> tuple[Config | None, str]:
    """The recipe, and a sentence where it cannot be read."""
    from selfplay.config import parse_config

    if not run.config:
        return None, ""
    try:
        return parse_config(run.config, source=str(run.path / "config.json")), ""
    except ValueError as error:
        return None, str(error)


def _levels(folder: Path) -> Levels | None:
    """What `selfplay levels` has measured, None where nothing or nothing that can be read."""
    from selfplay.players.level_ratings import read_levels

    try:
        return read_levels(folder)
    except (ValueError, OSError):
        return None


def _print_levels(levels: Levels) -> None:
    """The agent's Elo, and those of the ends of its scale."""
    of = f"in {levels.games:,} games, checkpoint {levels.step}, {levels.simulations} simulations"
    print(f"\nElo above random moves, {of}:")
    for level, name in ((None, "the agent itself"), (9, "level 9"), (1, "level 1")):
        if rating := levels.of(level):
            spread = f"(95%: {rating.low:+.0f} to {rating.high:+.0f})"
            print(f"  {name:16}  {rating.elo:+.0f} {spread}")


def _print_head(run: Summary, faults: list[str]) -> None:
    from selfplay.system.console import clock
    from selfplay.system.printable import in_one_line

    words = [run.game or "an unknown game", run.regime, run.state, strength_of(run)]
    print(f"{run.path}: {in_one_line(', '.join(filter(None, words)))}")
    told = [f"{run.positions:,} positions", clock(run.seconds), size_text(run.size)]
    if games := run.latest.get("cost/games"):
        told.insert(0, f"{games:,.0f} games")
    if parameters := run.latest.get("net/parameters"):
        told.append(f"net of {parameters:,.0f} parameters")
    if begun := run.provenance.get("started"):
        told.append(f"begun {in_one_line(str(begun))}")
    print(", ".join(told))
    for fault in faults:
        print(fault)


def _chance(config: Config | None) -> Callable[[str], float | None]:
    """What random moves reach of a metric; None where it is not known."""
    from envs import trust
    from selfplay.measure.chance import random_level

    def level(metric: str) -> float | None:
        if config is None or not trust.is_listed(config.game):  # whose code is not run to look
            return None
        try:
            return random_level(metric, config.rules(), config.strength)
        except (ValueError, ImportError, OSError):
            return None

    return level


def _print_curve(run: Summary, config: Config | None) -> None:
    from rich.text import Text

    from selfplay.system.console import PlainConsole
    from selfplay.system.graph import FINE, graph, legend
    from selfplay.system.printable import can_print
    from selfplay.training.strength_curve import curves_of

    curves, fine = curves_of(run, _chance(config)), can_print(FINE)
    console = PlainConsole()
    fine = fine and console.is_terminal
    width = min(72, console.width - 1) if console.is_terminal else 72
    lines = graph(curves, width, _HEIGHT, fine=fine)
    if not lines:
        return
    positions = f"{run.strength[-1].positions:,} positions"
    print("\nStrength:")
    for line in lines:
        console.print(line, soft_wrap=True)
    console.print(Text(f"{positions:>{width}}"), soft_wrap=True)
    console.print(legend(curves, fine), soft_wrap=True)


def _print_values(run: Summary) -> None:
    """The metrics that the screen of a training shows, with the ends of their intervals."""
    from selfplay.training.metrics import ENDS, find, table

    rows = []
    for name, value in run.latest.items():
        metric = find(name)
        if metric is None or not metric.label or name.endswith(ENDS):
            continue
        label = metric.label.replace("PLAYER", name.partition("vs_")[2])
        low, high = (run.latest.get(name + end) for end in ENDS)
        spread = "" if low is None or high is None else f" (95%: {low:.1%} to {high:.1%})"
        rows.append((table().index(metric), label, metric.form.format(value) + spread))
    if rows:
        print("\nLast values:")
        width = max(len(label) for _, label, _ in rows)
        for _, label, words in sorted(rows):
            print(f"  {label:{width}}  {words}")


def _print_files(run: Summary) -> dict[str, Any]:
    """Says where checkpoints, games and the report are; the same as plain values."""
    from selfplay.training.folder import RunFolder

    games = RunFolder(run.path).all_games()
    report = run.path / "report.md"
    print()
    if run.checkpoints:
        first, last = run.checkpoints[0], run.checkpoints[-1]
        which = f"{last}" if first == last else f"{first} to {last}"
        print(f"  checkpoints  {len(run.checkpoints)}: {which}")
    if games:
        print(f"  games        {len(games)} file{'s' * (len(games) > 1)}, the latest {games[-1]}")
    if report.is_file():
        print(f"  report       {report}")
    return {
        "games": [str(path) for path in games],
        "report": str(report) if report.is_file() else None,
    }


def _say_next(run: Summary) -> None:
    from selfplay.training.places import SHIPPED

    path, game = shlex.quote(str(run.path)), run.game.partition("?")[0]
    if run.state == "damaged":
        return
    if run.state in ("stopped", "new"):
        say_next(f"selfplay train {path}", "goes on where it stopped")
    if run.checkpoints and game == "proving":
        say_next(f"selfplay prove --run {path} PROBLEM.p")
    elif run.checkpoints:
        say_next(f"selfplay play {path}", "play against it")
        if len(run.checkpoints) > 1:
            say_next(f"selfplay play {path}@{run.checkpoints[0]}", "as it was at first")
    if Path(SHIPPED) not in run.path.resolve().parents:
        say_next(f"tensorboard --logdir {path}", "see its curves")
