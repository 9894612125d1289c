"""How strong the levels of an agent are: Elo above random, measured and kept in a file."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np

from selfplay.players.arena import new_match, play_on, ratings
from selfplay.players.levels import LEVELS, LevelPlayer
from selfplay.players.match_games import MatchGames
from selfplay.players.pairing import make_schedule, unbalanced_openings, usual_plies
from selfplay.players.players import RandomPlayer
from selfplay.system.files import write_text_atomically
from selfplay.system.text import objects_in, read_object
from selfplay.types import Game, Player

FILE = "levels.json"  # in the run's folder
OPPONENTS = 4  # of each player, or more: two near in strength, two anywhere
_VERSION = 1
_MOST = 1e5  # Elo


class Rating(NamedTuple):
    """Elo above random with its 95% credible interval."""

    level: int | None  # None: the agent itself
    elo: float
    low: float
    high: float


class Levels(NamedTuple):
    """What was measured, and how."""

    game: str
    step: int  # of the checkpoint
    simulations: int
    games: int  # in the pool
    ratings: tuple[Rating, ...]  # by level, the agent itself last

    def of(self, level: int | None) -> Rating | None:
        """That of a level, None where it is not known."""
        return next((rating for rating in self.ratings if rating.level == level), None)


def rate_levels(
    game: Game, agent: Player, pairs: int, seed: int, tell: Callable[[str], None]
) -> tuple[int, tuple[Rating, ...]]:
    """The games played, and the ratings of all levels of ``agent`` and of itself.

    They, and a random player, meet OPPONENTS of each other in ``pairs`` openings, seats swapped.
    """
    weak = [LevelPlayer(agent, level) for level in range(1, LEVELS + 1)]
    players: list[Player] = [RandomPlayer(), *weak, agent]
    names = ["random", *(f"level {each.level}" for each in weak), "the agent"]
    schedule = make_schedule(range(len(players)), OPPONENTS)
    matches = [new_match(names[i], names[j]) for i, j in schedule]
    openings = unbalanced_openings(game, pairs, usual_plies(game), seed, None)
    games = 2 * pairs * len(matches)
    watch = MatchGames(game, games, tell)
    rng = np.random.default_rng(seed)
    named = dict(zip(names, players, strict=True))
    rated = ratings(play_on(game, named, matches, openings, rng, watch), "random")
    elo = dict(zip(rated.names, rated.elo, strict=True))
    levels = [*range(1, LEVELS + 1), None]
    each = zip(levels, (elo[name] for name in names[1:]), strict=True)
    return games, tuple(Rating(level, *(round(number, 1) for number in of)) for level, of in each)


def write_levels(folder: Path, levels: Levels) -> None:
    """Writes them into the run's folder."""
    each = [rating._asdict() for rating in levels.ratings]
    content = {"version": _VERSION, "anchor": "random", **levels._asdict(), "ratings": each}
    write_text_atomically(folder / FILE, json.dumps(content, indent=1) + "\n")


def read_levels(folder: Path) -> Levels | None:
    """What was measured of the run in ``folder``; None where nothing was.

    Raises ValueError with a sentence where the file is of another kind.
    """
    path = folder / FILE
    if not path.is_file():
        return None
    content = read_object(path)
    step, simulations, games = (content.get(name) for name in ("step", "simulations", "games"))
    rated = [_rating(each) for each in objects_in(content, "ratings")[: LEVELS + 1]]
    if (
        content.get("version") != _VERSION
        or not all(type(number) is int and number >= 0 for number in (step, simulations, games))
        or None in rated
    ):
        raise ValueError(
            f"{path} is damaged or of another version; `selfplay levels` makes it anew"
        )
    return Levels(
        str(content.get("game")), cast(int, step), cast(int, simulations), cast(int, games),
        tuple(rating for rating in rated if rating is not None),
    )  # fmt: skip


def _rating(entry: dict[str, Any]) -> Rating | None:
    """The rating in an object, None where it holds none."""
    level, *numbers = (entry.get(name) for name in Rating._fields)
    if level is not None and not (type(level) is int and 1 <= level <= LEVELS):
        return None
    if not all(isinstance(each, int | float) and abs(each) < _MOST for each in numbers):
        return None
    elo, low, high = (float(cast(float, each)) for each in numbers)
    return Rating(level, elo, low, high)
