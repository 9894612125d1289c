"""The games, one file each, and the one list of their names.

Nothing here knows how games are searched or learned.
"""

from __future__ import annotations

import contextlib
import difflib
import inspect
from typing import cast
from urllib.parse import parse_qsl

from envs import importing
from selfplay.types import Game

GAMES = {
    "connect4": "envs.connect4:Connect4",
    "othello": "envs.othello:Othello",
    "tictactoe": "envs.tictactoe:TicTacToe",
    "nim": "envs.toys:Nim",
    "pong": "envs.rally:Rally",
    "proving": "envs.proving.game:Proving",
}
ON_PROBLEMS: tuple[str, ...] = ("proving",)  # have the option ``problems``: a file or folder
ADAPTERS = {
    "pettingzoo": "envs.adapters.from_pettingzoo:FromPettingZoo",
    "gymnasium": "envs.adapters.from_gymnasium:FromGymnasium",
}
SHORT = {  # names of games with options, without a question mark that a shell would look at
    "connect4-4x4": "connect4?width=4&height=4",
    "connect4-5x4": "connect4?width=5&height=4",
    "othello-6x6": "othello?size=6",
}
VIEWS = ("threats",)  # options of games that nets see more or less of the same game with
_SHORT_OF = {spec: name for name, spec in SHORT.items()}
_OF_OPTIONS = (TypeError, ImportError)  # what options that do not fit raise
_PARTS = [name for name in (*Game.__annotations__, *vars(Game)) if not name.startswith("_")]
_METHODS = [name for name in vars(Game) if not name.startswith("_")]


def short(spec: str) -> str:
    """The name without options of the game that ``spec`` names, where it has one; else ``spec``.

    What nets see (VIEWS) is no part of what is played.
    """
    address, _, query = spec.partition("?")
    if address in GAMES and query:
        kept = [each for each in query.split("&") if each.partition("=")[0] not in VIEWS]
        spec = "?".join([address, *(["&".join(kept)] if kept else [])])
    return _SHORT_OF.get(spec, spec)


def make(spec: str, whole: bool = True) -> Game:
    """The game that ``spec`` names; with ``whole=False`` it may lack parts of a Game.

    A spec is a name of GAMES ("connect4") or SHORT, an adapter and what it adapts
    ("pettingzoo:pettingzoo.classic.tictactoe_v3", "gymnasium:CartPole-v1"), or anybody's class
    ("my_package.my_module:MyGame"); options follow a question mark: "connect4?width=6&height=5".

    Raises ValueError with a sentence for the user when it names nothing that can be built, or
    something that lacks a part of a Game; a class without its methods is not even called.

    Building runs the code of a class; what comes out of a file has to be trusted, see trust.py.
    """
    target, options = _found(spec)
    game_class = _class_of(target, spec)
    if whole:
        _refuse_lacks(spec, game_class, _METHODS)
    game = _called(game_class, options, spec)
    if whole:
        _refuse_lacks(spec, game, _PARTS)
    return game


def refuse_unknown(spec: str) -> None:
    """Raises ValueError with a sentence where ``spec`` names no game; no code of it is run."""
    _found(spec)


def _refuse_lacks(spec: str, game: object, parts: list[str]) -> None:
    lacks = [part for part in parts if not hasattr(game, part)]
    if lacks:
        raise ValueError(
            f"game {spec!r} lacks {', '.join(lacks)}: what a game needs stands in "
            f"selfplay/types.py, and 'selfplay check GAME' tests it"
        )


def _found(spec: str) -> tuple[str, dict[str, object]]:
    """ "module:Class" of a game and the options to call that with."""
    address, _, query = SHORT.get(spec, spec).partition("?")
    options: dict[str, object] = {key: _literal(text) for key, text in parse_qsl(query)}
    adapter, colon, wrapped = address.partition(":")
    if address in GAMES:
        return GAMES[address], options
    if adapter in ADAPTERS:
        return ADAPTERS[adapter], {"env": wrapped, **options}
    if colon:
        return address, options
    own = importing.classes_in(address.removesuffix(".py"))
    near = own or difflib.get_close_matches(address, [*GAMES, *SHORT], n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"known games: {', '.join(sorted(GAMES))}"
    raise ValueError(f"there is no game {address!r}; {hint} (your own: 'package.module:Class')")


def _class_of(target: str, spec: str) -> type[Game]:
    """The class that ``target`` ("module:Class") names; nothing of the module's is called."""
    module_name, _, class_name = target.partition(":")
    try:
        module = importing.load(module_name)
    except Exception as error:  # whatever happens in a user's module, a syntax error for one
        reason = importing.told(error)
        raise ValueError(f"game {spec!r}: cannot import {module_name!r} ({reason})") from error
    kind = getattr(module, class_name, None)
    if not inspect.isclass(kind):
        own = importing.classes_in(module_name)
        hint = f"; did you mean {own[0]!r}?" if own else ""
        raise ValueError(f"game {spec!r}: module {module_name!r} has no class {class_name!r}{hint}")
    return cast("type[Game]", kind)


def _called(game_class: type[Game], options: dict[str, object], spec: str) -> Game:
    try:
        inspect.signature(game_class).bind(**options)
    except TypeError as error:
        accepted = list(inspect.signature(game_class).parameters)
        unknown = [name for name in options if name not in accepted]
        near = [hit for name in unknown for hit in difflib.get_close_matches(name, accepted, n=1)]
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise ValueError(
            f"game {spec!r}: {error}; {hint}its options are: {', '.join(accepted) or 'none'}"
        ) from error
    try:
        return game_class(**options)
    except Exception as error:
        adapted = spec.partition(":")[0] in ADAPTERS
        if isinstance(error, ValueError) or not (adapted or isinstance(error, _OF_OPTIONS)):
            raise  # what its author has to see
        reason = importing.told(error)
        raise ValueError(f"game {spec!r} cannot be built with these options: {reason}") from error


def _literal(text: str) -> object:
    """``text`` as a bool, an int or a float if it reads as one, else as it is."""
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    for kind in (int, float):
        with contextlib.suppress(ValueError):
            return kind(text)
    return text
