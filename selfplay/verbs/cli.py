"""The command line: what can be asked for, how it is answered, and how errors are told.

Nothing heavy is imported here; what a verb does is in ``verbs.py``, imported when one runs.
"""

from __future__ import annotations

import argparse
import contextlib
import difflib
import math
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

EPILOG = """\
A run is named by its folder or a unique part of its name; RUN@STEP picks a checkpoint.
A game is one of `selfplay games`, with options behind a question mark (connect4?width=6&height=5),
an adapter (pettingzoo:MODULE, gymnasium:ID) or your own class (my_package.my_module:MyGame).
SELFPLAY_DEBUG=1 shows where an error comes from.
"""
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
a data set:
  show PATH                      tell what it holds
"""
RUN = "a run's folder or a unique part of its name; @STEP picks a checkpoint"
A_GAME = "one of `selfplay games`, an adapter, or your own class module:Class"
JSON = "print one JSON object on standard output, all else on standard error"


class Parser(argparse.ArgumentParser):
    """Tells a wrong usage in one sentence, with the nearest option that exists."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")

    def refuse(self, unknown: Sequence[str]) -> NoReturn:
        """Ends the program because of arguments that it does not know."""
        options = [word.partition("=")[0] for word in unknown if word.startswith("-")]
        if not options:
            self.error(f"unexpected argument {unknown[0]!r}")
        known = list(self._option_string_actions)
        short = [option for option in known if option.startswith(options[0]) and options[0] != "--"]
        near = short or difflib.get_close_matches(options[0], known)
        hint = f"; did you mean {near[0]}?" if near else ""
        self.error(f"there is no option {options[0]}{hint}")


def main(argv: Sequence[str] | None = None) -> int:
    """The exit code of ``selfplay ARGV``: 0 done, 1 failed, 2 wrong usage, 130 interrupted."""
    from selfplay.system.interrupts import leave_at_once
    from selfplay.system.printable import printed_safely
    from selfplay.system.streams import fill_missing, unheeded

    fill_missing()
    with contextlib.redirect_stderr(unheeded(sys.stderr)), printed_safely():
        code = _main(list(sys.argv[1:] if argv is None else argv))
    if argv is None and code == 130:
        leave_at_once(code)
    return code


def _main(words: list[str]) -> int:
    parser, verbs = _parser()
    if not words:
        parser.print_help(sys.stderr)
        return 2
    if not words[0].startswith("-") and words[0] not in verbs:
        near = difflib.get_close_matches(words[0], verbs, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(verbs)}"
        parser.error(f"there is no verb {words[0]!r}; {hint}")
    arguments, unknown = parser.parse_known_args(words)
    if unknown:
        verbs.get(words[0], parser).refuse(unknown)
    if not hasattr(arguments, "verb"):
        parser.error("which verb?")
    return _guarded(arguments)


def _guarded(arguments: argparse.Namespace) -> int:
    """Runs the verb; errors that carry a sentence for the user become one line."""
    try:
        code = _run(arguments)
        if sys.stdout is not None:
            sys.stdout.flush()
        return code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 1
    except KeyboardInterrupt:
        return _fail("interrupted", 130)
    except (ValueError, OSError, ImportError, MemoryError) as error:
        if os.environ.get("SELFPLAY_DEBUG"):
            traceback.print_exc()
        return _fail(str(error) or type(error).__name__, 1)


def _run(arguments: argparse.Namespace) -> int:
    """Runs the verb; with --json its object alone goes to standard output."""
    _leave_working_folder()
    from envs import trust
    from selfplay.system.printable import json_line
    from selfplay.verbs import boards as verbs
    from selfplay.verbs.answer import Answer

    typed = [getattr(arguments, "game", None), *getattr(arguments, "targets", ())]
    trust.begin(filter(None, typed), getattr(arguments, "trust", False))

    verb: Callable[[argparse.Namespace], Answer] = getattr(verbs, arguments.verb)
    if not getattr(arguments, "json", False):
        return verb(arguments).code
    with contextlib.redirect_stdout(sys.stderr):
        answer = verb(arguments)
    print(json_line(_finite(answer.content)))
    return answer.code


def _leave_working_folder() -> None:
    """Takes the working folder off the import path, here and for the processes to come.

    A stranger's ``yaml.py`` or ``dill.py`` that lies there would be run as that library; modules of
    the user's own games are looked for there when they are named, by ``envs/importing.py``.
    """
    try:
        here = os.getcwd()
    except FileNotFoundError as error:
        raise ValueError("the working folder has been deleted; change to another one") from error
    os.environ["PYTHONSAFEPATH"] = "1"
    if os.path.realpath(here) != str(Path(__file__).resolve().parents[2]):
        sys.path[:] = [each for each in sys.path if each not in ("", ".", here)]


def _fail(sentence: str, code: int) -> int:
    sentence = " ".join(sentence.split("\n"))  # what it quotes could pass for lines of the program
    if len(sentence) > 4000:  # it quotes a file, and that may be long
        sentence = f"{sentence[:4000]} ..."
    print(f"selfplay: {sentence}", file=sys.stderr)
    return code


def _finite(value: Any) -> Any:
    """``value`` with null for the numbers that JSON does not have."""
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _at_least(low: int, high: int = 10**9) -> Callable[[str], int]:
    """A reader of whole numbers from ``low`` to ``high``."""

    def read(text: str) -> int:
        digits = text.removeprefix("-")
        if not digits.isdecimal() or (len(digits) < 20 and int(text) < low):
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least {low}")
        if len(digits) >= 20 or int(text) > high:
            raise argparse.ArgumentTypeError(f"{text[:40]!r} is more than {high:,}")
        return int(text)

    return read


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds above 0")
    if value > 1e9:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} seconds are more than thirty years")
    return value


def _share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 to 1")
    return value


def _temperature(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1e6:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is not a number from 0 to 1,000,000")
    return value


class _Version(argparse.Action):
    """--version: reads the installed version, which takes a moment, only when asked."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from importlib.metadata import version

        print(f"selfplay {version('selfplay')}")
        parser.exit()


def _parser() -> tuple[Parser, dict[str, Parser]]:
    """The parser, and those of the verbs by name."""
    parser = Parser(
        prog="selfplay",
        description="Train game-playing agents by self-play, play against them, measure them.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="show the version and leave")
    commands = parser.add_subparsers(metavar="VERB", title="verbs", parser_class=Parser)
    verbs: dict[str, Parser] = {}
    for add in (
        _train, _sweep, _compare, _evaluate, _match, _play, _prove, _explore, _bench, _games, _data,
        _check,
    ):  # fmt: skip
        name = add.__name__.removeprefix("_")
        sentence = add.__doc__ or ""
        verbs[name] = commands.add_parser(
            name, help=sentence, description=sentence, allow_abbrev=False
        )
        verbs[name].set_defaults(verb=name)
        add(verbs[name])
    return parser, verbs


def _train(parser: Parser) -> None:
    """train an agent by a recipe, or go on with a run"""
    parser.add_argument("target", metavar="CONFIG.toml|RUN", help="a recipe, or a run to resume")
    _add_set(parser)
    parser.add_argument("--out", metavar="DIR", help="the run's folder (default: runs/NAME)")
    _add_trust(parser)


def _sweep(parser: Parser) -> None:
    """run a grid of recipes on the cores there are, or go on with it"""
    parser.add_argument("file", metavar="SWEEP.toml", help="the arms, their grids and the seeds")
    parser.add_argument("--out", metavar="DIR", help="its folder (default: runs/sweeps/NAME)")
    parser.add_argument(
        "--jobs", type=_at_least(1, 1024), metavar="N", help="cells at a time (default: one a core)"
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="list the cells with their time and compute"
    )
    _add_set(parser)
    _add_trust(parser)
    parser.add_argument("--json", action="store_true", help=JSON)


def _compare(parser: Parser) -> None:
    """compare runs at equal compute: curves, crossings, laws, a report"""
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
        "--pool", type=_at_least(2, 10**6), metavar="GAMES",
        help="first let all runs play each other, so many games a pair; goes on with a pool that "
        "lies in the report's folder (default: show it, if there is one)",
    )  # fmt: skip
    parser.add_argument(
        "--pool-simulations", type=_at_least(0), metavar="N",
        help="of the runs in the pool: leaves a move, 0 for the nets alone (default: 64)",
    )  # fmt: skip
    _add_trust(parser)
    parser.add_argument("--json", action="store_true", help=JSON)


def _add_set(parser: Parser) -> None:
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", dest="overrides",
        help="change the recipe, as in --set search.simulations=64; may be repeated",
    )  # fmt: skip


def _add_trust(parser: Parser) -> None:
    parser.add_argument(
        "--trust", action="store_true",
        help="let the files named here run games of their own (module:Class); remembered for each",
    )  # fmt: skip


def _evaluate(parser: Parser) -> None:
    """measure a run against known truth, a prover by the problems it proves"""
    parser.add_argument("run", metavar="RUN", help=f"{RUN}; none: unguided search, with --problems")
    parser.add_argument(
        "--positions", metavar="FILE", help="positions with truth (default: those that ship)"
    )
    parser.add_argument(
        "--simulations", type=_at_least(0), metavar="N",
        help="leaves a move, 0 for the net alone (default: the run's [strength])",
    )  # fmt: skip
    parser.add_argument(
        "--problems", metavar="DIR", help="TPTP problems to prove, instead of positions"
    )
    _add_bounds(parser, "a problem, on one core")
    parser.add_argument(
        "--held-out", action="store_true", help="only problems that training keeps aside"
    )
    parser.add_argument(
        "--limit", type=_at_least(1), metavar="N", help="positions or problems a set, at most"
    )
    _add_trust(parser)
    parser.add_argument("--json", action="store_true", help=JSON)


def _match(parser: Parser) -> None:
    """let players play each other: seats swapped, Elo with intervals"""
    parser.add_argument(
        "players", nargs="+", metavar="PLAYER",
        help="RUN[@STEP][:SIMULATIONS], random, minimax:DEPTH, mcts:SIMULATIONS or solver",
    )  # fmt: skip
    parser.add_argument("--game", help="the game, where no player is a run (default: connect4)")
    parser.add_argument(
        "--games", type=_at_least(2, 10**6), default=100, metavar="N",
        help="games a pair (default: 100)",
    )  # fmt: skip
    parser.add_argument(
        "--simulations", type=_at_least(0), metavar="N",
        help="of the runs (default: each run's [strength])",
    )  # fmt: skip
    parser.add_argument(
        "--openings", type=_at_least(0, 10_000), default=2, metavar="PLIES",
        help="random moves that games begin with (default: 2)",
    )  # fmt: skip
    parser.add_argument("--save", metavar="FILE", help="write the games there, one a line")
    parser.add_argument(
        "--seed", type=_at_least(0, 2**63 - 1), default=0, help="of chance (default: 0)"
    )
    _add_trust(parser)
    parser.add_argument("--json", action="store_true", help=JSON)


def _play(parser: Parser) -> None:
    """play against an agent in the terminal"""
    parser.add_argument(
        "run", metavar="RUN", help=f"{RUN}; or any player of `selfplay match`, such as solver"
    )
    parser.add_argument("--side", choices=("first", "second"), default="first", help="yours")
    parser.add_argument(
        "--simulations", type=_at_least(0), metavar="N",
        help="the agent's strength: leaves a move, 0 for the net alone (default: 200)",
    )  # fmt: skip
    parser.add_argument("--game", help="the game, where the player is no run (default: connect4)")
    parser.add_argument("--seed", type=_at_least(0, 2**63 - 1), help="makes chance repeat itself")
    _add_trust(parser)


def _prove(parser: Parser) -> None:
    """prove a TPTP problem and show the checked proof"""
    parser.add_argument("problem", metavar="PROBLEM.p", help="a file in TPTP's fof or cnf")
    guide = parser.add_mutually_exclusive_group()
    guide.add_argument("--run", metavar="RUN", help=f"guides: {RUN} (default: the one that ships)")
    guide.add_argument("--net", choices=("none",), help="none: search unguided")
    _add_bounds(parser, "")
    parser.add_argument(
        "--proof", choices=("summary", "tableau", "tstp", "both", "none"),
        help="how much of the proof is shown: a screen, the whole for people, for programs "
        "(default: summary; both with --json)",
    )  # fmt: skip
    _add_trust(parser)
    parser.add_argument("--json", action="store_true", help=JSON)


def _explore(parser: Parser) -> None:
    """walk a proof attempt: what is possible, what the net thinks, undo"""
    parser.add_argument("run", metavar="RUN", help=f"{RUN}; none: without a net")
    parser.add_argument("problem", metavar="PROBLEM.p", help="a file in TPTP's fof or cnf")
    parser.add_argument(
        "--simulations", type=_at_least(0), default=200, metavar="N",
        help="at each position (default: 200)",
    )  # fmt: skip
    _add_trust(parser)


def _add_bounds(parser: Parser, of: str) -> None:
    """What a proof may cost."""
    parser.add_argument(
        "--seconds", type=_seconds, metavar="S",
        help=f"{of or 'at most'} (default: 10, if no inferences are named)",
    )  # fmt: skip
    parser.add_argument(
        "--inferences", type=_at_least(1), metavar="N", help=of or "at most so many"
    )
    parser.add_argument(
        "--guided-share", type=_share, metavar="X",
        help="of the seconds, and of inferences beyond 20,000, for the guided search "
        "(default: 0.5); the unguided has the rest",
    )  # fmt: skip


def _games(parser: Parser) -> None:
    """list the games"""
    parser.add_argument("--json", action="store_true", help=JSON)


def _data(parser: Parser) -> None:
    """make a data set of expert games, import recorded ones, or show what one holds"""
    parser.formatter_class, parser.epilog = argparse.RawDescriptionHelpFormatter, SOURCES
    parser.add_argument("source", metavar="SOURCE", help="an expert, a format or show; see below")
    parser.add_argument("targets", nargs="*", metavar="GAME|PATH", help="what it is made of")
    parser.add_argument("--out", metavar="DIR", help="the folder of the data set")
    parser.add_argument(
        "--exclude", metavar="FILE", help="positions that nobody may learn, beside those that ship"
    )
    expert = parser.add_argument_group("of an expert")
    for option, kind, metavar, meaning in (
        ("games", _at_least(1), "N", "so many (default: 1000)"),
        ("temperature", _temperature, "T", "how it chooses (default: 0 for solver and minimax, "
         "any of the best moves; 1 for others, in proportion to the search's policy)"),
        ("openings", _at_least(0, 10_000), "PLIES", "at most so many random moves at the start of "
         "half of the games (default: 0)"),
        ("seed", _at_least(0, 2**63 - 1), "N", "(default: 0)"),
        ("processes", _at_least(1, 1024), "N", "(default: the cores)"),
    ):  # fmt: skip
        expert.add_argument(f"--{option}", type=kind, metavar=metavar, help=meaning)
    recorded = parser.add_argument_group("of recorded games")
    recorded.add_argument("--game", metavar="GAME", help="which they are (wthor: othello)")
    recorded.add_argument("--licence", metavar="TEXT", help="kept with the data set")
    recorded.add_argument(
        "--skip-broken", action="store_true", help="leave out, count and name what is broken"
    )
    _add_trust(parser)
    parser.add_argument("--json", action="store_true", help=JSON)


def _check(parser: Parser) -> None:
    """say in words what a game is and whether it keeps the laws, also your own"""
    parser.add_argument("game", metavar="GAME", help=A_GAME)
    parser.add_argument(
        "--games", type=_at_least(1, 10**6), default=16, metavar="N",
        help="random games (default: 16)",
    )  # fmt: skip
    parser.add_argument(
        "--seconds", type=_seconds, default=20.0, metavar="S",
        help="about as long it looks at a slow game, less thoroughly (default: 20)",
    )  # fmt: skip
    parser.add_argument(
        "--seed", type=_at_least(0, 2**63 - 1), default=0, help="of chance (default: 0)"
    )
    parser.add_argument("--json", action="store_true", help=JSON)


def _bench(parser: Parser) -> None:
    """measure self-play: simulations a second, and the net's share of the time"""
    parser.add_argument("game", metavar="GAME", help=A_GAME)
    parser.add_argument(
        "--net", choices=("resnet", "mlp"), help="(default: resnet where the board is planes)"
    )
    for size, meaning in (
        ("channels", "of a resnet (default: 64)"),
        ("blocks", "of a resnet (default: 5)"),
        ("width", "of an mlp (default: 128)"),
        ("layers", "of an mlp (default: 2)"),
    ):
        parser.add_argument(f"--{size}", type=_at_least(1), metavar="N", help=meaning)
    parser.add_argument(
        "--simulations", type=_at_least(1), default=32, metavar="N", help="a move (default: 32)"
    )
    parser.add_argument(
        "--games", type=_at_least(1, 1 << 16), metavar="N", help="games side by side"
    )
    _add_set(parser)
    parser.add_argument(
        "--seconds", type=_seconds, default=20.0, metavar="S", help="of self-play (default: 20)"
    )
    parser.add_argument("--json", action="store_true", help=JSON)


if __name__ == "__main__":
    sys.exit(main())
