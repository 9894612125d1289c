"""Make a data set of expert games, import recorded ones, or show what one holds."""

from __future__ import annotations

import argparse
import difflib
import re
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from selfplay.verbs.answer import Answer, recipe_for, say_next
from selfplay.verbs.arguments import SEED, Parser, at_least, refuse_given, up_to
from selfplay.verbs.players import is_built_in, players_named

if TYPE_CHECKING:
    from selfplay.actors.base import BackendSection
    from selfplay.data.manifest import Counts, Manifest

SOURCES = """\
experts:
  solver GAME                    perfect play
  minimax:DEPTH GAME             a search to a depth
  mcts:SIMULATIONS GAME          rollouts
  RUN[@STEP][:SIMULATIONS]       the agent of a run, which knows its game
recorded games, from files (or .gz) and folders:
  wthor PATH ...                 Othello, the French federation's .wtb
  moves PATH ... --game GAME     a game a line, or a table with a column of moves
  sgf PATH ... --game othello    game trees, in any declared encoding
  pgn PATH ... --game GAME       of any game whose moves they write
  mirror PATH ...                Pong, what 'selfplay mirror' saved
a data set:
  show PATH                      tell what it holds
"""


def arguments(parser: Parser) -> None:
    parser.formatter_class, parser.epilog = argparse.RawDescriptionHelpFormatter, SOURCES
    parser.add_argument("source", metavar="SOURCE", help="an expert, a format or show; see below")
    parser.add_argument("targets", nargs="*", metavar="GAME|PATH", help="what it is made of")
    parser.add_option("--out", "DIR", "the folder of the data set")
    unlearned = "positions that nobody may learn, beside those that ship"
    parser.add_option("--exclude", "FILE", unlearned)
    expert = parser.add_argument_group("of an expert")
    parser.add_option("--games", "N", "so many (default: 1000)", at_least(1), group=expert)
    parser.add_option(
        "--temperature", "T",
        "how it chooses (default: 0 for solver and minimax, any of the best moves; 1 for others, "
        "in proportion to the search's policy)", up_to(1e6), group=expert,
    )  # fmt: skip
    random = "at most so many random moves at the start of some games (default: 0)"
    parser.add_option("--openings", "PLIES", random, at_least(0, 10_000), group=expert)
    share = "of the games, that start with them (default: 0.5)"
    parser.add_option("--opening-share", "SHARE", share, up_to(1.0), group=expert)
    parser.add_option("--seed", "N", "(default: 0)", SEED, group=expert)
    parser.add_option("--processes", "N", "(default: the cores)", at_least(1, 1024), group=expert)
    expert.add_argument(
        "--set", action="append", default=[], metavar="backend.KEY=VALUE", dest="overrides",
        help="where they are, as in --set backend.kind=ray; may be repeated",
    )  # fmt: skip
    recorded = parser.add_argument_group("of recorded games")
    which = "which they are (wthor: othello, mirror: pong)"
    parser.add_option("--game", "GAME", which, group=recorded)
    parser.add_option("--licence", "TEXT", "kept with the data set", group=recorded)
    recorded.add_argument(
        "--skip-broken", action="store_true", help="leave out, count and name what is broken"
    )
    parser.add_shared("--trust", "--json")


def run(arguments: argparse.Namespace) -> Answer:
    from selfplay.data.readers import FORMATS

    if arguments.source == "show":
        return _show_data(arguments)
    if arguments.source in FORMATS:
        return _import_data(arguments)
    return _make_data(arguments)


def _show_data(arguments: argparse.Namespace) -> Answer:
    from selfplay.data.dataset import check_files
    from selfplay.data.manifest import read_manifest

    _only(arguments, "show", "targets")
    if len(arguments.targets) != 1:
        raise ValueError("name one data set to show, as in 'selfplay data show runs/data/c4-t1'")
    folder = Path(arguments.targets[0])
    manifest = read_manifest(folder)
    check_files(folder, manifest)
    return _tell_data(folder, manifest)


def _import_data(arguments: argparse.Namespace) -> Answer:
    from selfplay.data.readers import FORMATS, import_files
    from selfplay.data.splits import held_out_keys

    form = arguments.source
    _only(arguments, form, "targets", "out", "exclude", "game", "licence", "skip_broken")
    spec = arguments.game or FORMATS[form]
    if not arguments.targets or spec is None or arguments.out is None:
        option = "" if FORMATS[form] else " --game GAME"
        raise ValueError(
            f"importing needs files and a place to go: "
            f"'selfplay data {form} PATH{option} --out runs/data/NAME'"
        )
    import envs

    game = envs.make(spec)
    keys = held_out_keys(game, arguments.exclude)
    manifest = import_files(
        form, [Path(path) for path in arguments.targets], spec, game, arguments.out,
        arguments.licence or "", keys, arguments.skip_broken,
    )  # fmt: skip
    return _tell_data(Path(arguments.out), manifest)


def _make_data(arguments: argparse.Namespace) -> Answer:
    from selfplay.data.generate import GamesOrder, default_temperature, generate
    from selfplay.data.readers import FORMATS
    from selfplay.data.splits import held_out_keys
    from selfplay.lines.games import OPENING_SHARE
    from selfplay.system.console import progress

    name = arguments.source
    _only(
        arguments, "an expert", "targets", "out", "games", "temperature", "openings",
        "opening_share", "seed", "processes", "overrides", "exclude", "trust",
    )  # fmt: skip
    if len(arguments.targets) > 1 or (not arguments.targets and is_built_in(name)):
        raise ValueError(
            f"name one game, as in 'selfplay data {name} connect4 --out runs/data/NAME'"
        )
    try:
        spec, game, (player,) = players_named([name], (arguments.targets or [None])[0], None)
    except ValueError as error:
        near = difflib.get_close_matches(name, ["show", *FORMATS], n=1)
        hint = f" (did you mean 'selfplay data {near[0]}'?)" if near else ""
        raise ValueError(f"{error}{hint}") from error
    if arguments.out is None:
        raise ValueError(f"say where to with --out, as in --out runs/data/{game.name}")
    if not is_built_in(name):
        refuse_given(arguments, ["overrides"], "with a run, whose net plays in this process")
    backend = _backend(arguments.overrides)
    wish, share = arguments.temperature, arguments.opening_share
    if share is not None and not arguments.openings:
        raise ValueError(
            f"--opening-share {share:g} is of games that start with random moves; say how many "
            f"moves at most with --openings"
        )
    order = GamesOrder(
        name, spec, arguments.games or 1000,
        default_temperature(name) if wish is None else wish,
        arguments.openings or 0, arguments.seed or 0, arguments.processes or backend.capacity(),
        OPENING_SHARE if share is None else share,
    )  # fmt: skip
    keys = held_out_keys(game, arguments.exclude)
    try:
        with progress("making games", every_s=10.0) as say:
            manifest = generate(
                order, game, arguments.out, lambda *_: player, keys,
                lambda done: say(done.text), backend.make_workers,
            )  # fmt: skip
    except KeyboardInterrupt:
        print(
            f"{arguments.out} was not completed and has been removed; the same command begins "
            f"again and finds the labels that the solver has made",
            file=sys.stderr,
        )
        raise
    return _tell_data(Path(arguments.out), manifest, " (--games, --openings, --temperature)")


def _backend(overrides: list[str]) -> BackendSection:
    """Who makes the workers: processes of this machine, where nothing else is said."""
    from selfplay.actors import Processes

    if not overrides:
        return Processes()
    from selfplay.config import parse_config  # imports torch, which a solver does without

    for override in overrides:
        if not override.strip().startswith("backend."):
            raise ValueError(
                f"--set {override}: games of experts have the options of [backend] alone, as in "
                "--set backend.kind=ray"
            )
    return parse_config({}, overrides, "data").backend


def _only(arguments: argparse.Namespace, what: str, *options: str) -> None:
    """Raises ValueError when an option was given that means nothing to this kind of source."""
    known = {"verb", "source", "json", *options}
    refuse_given(arguments, (name for name in vars(arguments) if name not in known), f"with {what}")


def _tell_data(folder: Path, manifest: Manifest, options: str = "") -> Answer:
    """``options``: of the command, that make more games or more of them different."""
    from selfplay.data.manifest import data_json, data_lines

    print("\n".join(data_lines(folder, manifest)))
    counts = manifest.counts
    if counts["train"].positions and not counts["validation"].positions:
        print(f"  {_unvalidated(counts)}{options}")
    say_next(f"selfplay train {_imitation_of(folder, manifest)}", "learn from it")
    return Answer(data_json(folder, manifest))


def _unvalidated(counts: Mapping[str, Counts]) -> str:
    """Why no position is there to validate with, and what helps."""
    from selfplay.data.splits import VALIDATION_SHARE

    if counts["dropped"].positions:
        return (
            "no games are left for validation, since all their positions occur in training too: "
            "more different games leave some"
        )
    held_out = ", or what was is held out" if counts["held_out"].positions else ""
    return (
        f"no games are left for validation: one in {1 / VALIDATION_SHARE:.0f} is drawn for it, and "
        f"of these {counts['all'].games:,} none was{held_out}; more games leave some"
    )


def _imitation_of(folder: Path, manifest: Manifest) -> str:
    """The arguments of ``train`` that learn from a data set, by the recipe nearest to its game."""
    from envs import trust
    from selfplay.data.manifest import NAME

    data = f"--set regime.data={shlex.quote(str(folder))}"
    made_for = Path("configs") / f"{manifest.game}_imitation.toml"
    if made_for.is_file():
        return f"{made_for} {data}"
    name = re.sub(r"[^\w.-]", "-", manifest.game)
    # the name of a game that a stranger's data set holds is not offered to be typed
    known = trust.is_allowed(manifest.spec, folder / NAME)
    words = recipe_for(manifest.spec) if known else "CONFIG.toml"
    return f"{words} --set regime.kind=imitation {data} --out runs/{name}-imitation"
