"""The command line: which verbs there are, how one is run, and how errors are told."""

from __future__ import annotations

import argparse
import contextlib
import difflib
import importlib
import math
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, NoReturn

from selfplay.system import safe_path
from selfplay.verbs import VERBS
from selfplay.verbs.arguments import Parser

if TYPE_CHECKING:
    from selfplay.verbs.answer import Answer

EPILOG = """\
A run is named by its folder or a unique part of its name; RUN@STEP picks a checkpoint.
A game is one of `selfplay games`, with options behind a question mark (connect4?width=6&height=5),
an adapter (pettingzoo:MODULE, gymnasium:ID) or your own class (my_package.my_module:MyGame).
SELFPLAY_DEBUG=1 shows where an error comes from.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """The exit code of ``selfplay ARGV``: 0 done, 1 failed, 2 wrong usage, 130 interrupted."""
    from selfplay.system.interrupts import leave_at_once
    from selfplay.system.printable import fill_missing, printed_safely, unheeded

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
    except RuntimeError as error:
        from selfplay.system.gpu_errors import gpu_failure

        failure = gpu_failure(error)
        if failure is None or os.environ.get("SELFPLAY_DEBUG"):
            raise
        smaller = "the GPU's memory is too small for this: see actor.games or regime.games"
        return _fail(failure or smaller, 1)


def _run(arguments: argparse.Namespace) -> int:
    """Runs the verb; with --json its object alone goes to standard output."""
    _leave_working_folder()
    from envs import trust
    from selfplay.system.printable import json_line

    typed = [getattr(arguments, "game", None), *getattr(arguments, "targets", ())]
    trust.begin(filter(None, typed), getattr(arguments, "trust", False))

    verb, in_json = _verb(arguments.verb), getattr(arguments, "json", False)
    with contextlib.redirect_stdout(sys.stderr) if in_json else contextlib.nullcontext():
        answer: Answer = verb.run(arguments)
    if in_json:
        print(json_line(_finite(answer.content)))
    return answer.code


def _verb(name: str) -> ModuleType:
    return importlib.import_module(f"selfplay.verbs.{name}")


def _leave_working_folder() -> None:
    """Takes the working folder off the import path, here and for the processes to come.

    A stranger's ``yaml.py`` or ``dill.py`` that lies there would be run as that library; modules of
    the user's own games are looked for there when they are named, by ``envs/importing.py``.
    """
    try:
        here = os.getcwd()
    except FileNotFoundError as error:
        raise ValueError("the working folder has been deleted; change to another one") from error
    safe_path.keep_out()
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


class _Version(argparse.Action):
    """--version: reads it, which takes a moment, only when asked."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from selfplay.system.version import version

        print(f"selfplay {version()}")
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
    for name in VERBS:
        verb = _verb(name)
        sentence = str(verb.__doc__).partition("\n")[0].rstrip(".")
        sentence = sentence[0].lower() + sentence[1:]
        verbs[name] = commands.add_parser(
            name, help=sentence, description=sentence, allow_abbrev=False
        )
        verbs[name].set_defaults(verb=name)
        verb.arguments(verbs[name])
    return parser, verbs


if __name__ == "__main__":
    sys.exit(main())
