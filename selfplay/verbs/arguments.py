"""The parser of the verbs, numbers with bounds, and options that several verbs have."""

from __future__ import annotations

import argparse
import difflib
import math
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NoReturn

from selfplay.players.limits import read_seconds

SECONDS = "time a move instead, in seconds"
RUN = "a run's folder or a unique part of its name; @STEP picks a checkpoint"
A_GAME = "one of `selfplay games`, an adapter, or your own class module:Class"

_SHARED: dict[str, dict[str, Any]] = {
    "--set": {
        "action": "append", "default": [], "metavar": "KEY=VALUE", "dest": "overrides",
        "help": "change the recipe, as in --set search.simulations=64; may be repeated",
    },
    "--trust": {
        "action": "store_true",
        "help": "let the files named here run games of their own (module:Class); remembered for "
        "each",
    },
    "--json": {
        "action": "store_true",
        "help": "print one JSON object on standard output, all else on standard error",
    },
}  # fmt: skip


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

    def add_shared(self, *options: str) -> None:
        """Options that several verbs have."""
        for option in options:
            self.add_argument(option, **_SHARED[option])

    def add_option(
        self,
        option: str,
        metavar: str,
        meaning: str,
        read: Callable[[str], Any] = str,
        default: Any = None,
        group: argparse._ArgumentGroup | None = None,
    ) -> None:
        """An option with a value; the default, where there is one, ends its help."""
        words = meaning if default is None else f"{meaning} (default: {default:g})"
        (group or self).add_argument(
            option, metavar=metavar, type=read, default=default, help=words
        )


def at_least(low: int, high: int = 10**9) -> Callable[[str], int]:
    """A reader of whole numbers from ``low`` to ``high``."""

    def read(text: str) -> int:
        digits = text.removeprefix("-")
        if not digits.isdecimal() or (len(digits) < 20 and int(text) < low):
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least {low}")
        if len(digits) >= 20 or int(text) > high:
            raise argparse.ArgumentTypeError(f"{text[:40]!r} is more than {high:,}")
        return int(text)

    return read


def seconds(text: str) -> float:
    """A number of seconds, above 0 and below thirty years."""
    least, most = math.ulp(0.0), sys.float_info.max
    value = _number(text, least, most, "a number of seconds above 0")
    if value > 1e9:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} seconds are more than thirty years")
    return value


def seconds_a_move(text: str) -> float:
    """A number of seconds, above 0 and up to a day."""
    try:
        return read_seconds(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def up_to(most: float) -> Callable[[str], float]:
    """A reader of numbers from 0 to ``most``."""
    return lambda text: _number(text, 0.0, most, f"a number from 0 to {most:,.0f}")


def _number(text: str, least: float, most: float, what: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not least <= value <= most:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is not {what}")
    return value


SEED = at_least(0, 2**63 - 1)


def refuse_given(arguments: argparse.Namespace, names: Iterable[str], where: str) -> None:
    """Raises ValueError when an option was given that means nothing there."""
    for name in names:
        given = getattr(arguments, name)
        if given is not None and given is not False and given != []:
            option = "--set" if name == "overrides" else f"--{name.replace('_', '-')}"
            raise ValueError(f"{option} means nothing to 'selfplay {arguments.verb}' {where}")


def first_of_each(sets: Iterable[Any], limit: int) -> list[int]:
    """The places of the first ``limit`` elements of every set, for a ``--limit``."""
    counts = Counter[Any]()
    kept = []
    for place, name in enumerate(sets):
        counts[name] += 1
        if counts[name] <= limit:
            kept.append(place)
    return kept
