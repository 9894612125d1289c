"""What a page offers to play: games, their players, and nothing that it does not name itself."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import envs
from selfplay.players.level_ratings import read_levels
from selfplay.players.levels import LEVELS, split_level
from selfplay.players.names import KINDS
from selfplay.training.folder import RunFolder, find_run
from selfplay.training.places import RUNS, SHIPPED
from selfplay.truth.base import Partial, Solver
from selfplay.truth.solver import quick_solver
from selfplay.types import Game, Player

# (names of players, spec of the game or None, simulations or None) -> spec, rules, players
Load = Callable[[list[str], str | None, int | None], tuple[str, Game, list[Player]]]

MOST_RUNS = 200
KEPT = 16  # players in memory, those that were asked for last
DEPTH, ROLLOUTS = 6, 10_000  # of minimax and mcts at most: their searches are in one piece
_BUILT_IN = re.compile(r"random|solver|minimax:(\d{1,2})|mcts:(\d{1,5})")


class Entry(NamedTuple):
    """A run that can be played, by the name that ``load_agent`` finds it by."""

    name: str
    game: str
    steps: tuple[int, ...]  # of its checkpoints


class Catalogue:
    """The runs of the runs folder and what ships, and the players without a net.

    ``own``: the player named on the command line, with the spec of its game; a page may ask for
    it as it stands there.  Everything else is checked against what is offered: a name from a page
    opens no file and starts no program.
    """

    def __init__(self, load: Load, own: str, game: str) -> None:
        self._load, self.own, self.game = load, own, envs.short(game)
        self._player = functools.lru_cache(KEPT)(self._loaded)
        self._solvers: dict[str, Solver | None] = {}
        self.runs = _runs()

    def specs(self) -> list[str]:
        """The games, that of the command line first."""
        names = [self.game, *(entry.game for entry in self.runs), *envs.GAMES, *envs.SHORT]
        return [name for name in dict.fromkeys(names) if name not in envs.ON_PROBLEMS]

    def offered(self, spec: str) -> dict[str, Any]:
        """What can play the game, as JSON."""
        runs = [entry for entry in self.runs if entry.game == spec]
        own = [self.own] if self.game == spec else []
        return {
            "game": spec,
            "games": self.specs(),
            "own": own,
            "runs": [
                {"name": each.name, "steps": list(each.steps), "recorded": _has_games(each.name)}
                for each in runs
            ],
            "solver": self._is_solved(spec),
            "depth": DEPTH,
            "rollouts": ROLLOUTS,
            "levels": LEVELS,
            "rated": {
                name: rated
                for name in [*own, *(each.name for each in runs)]
                if (rated := _rated(name))
            },
        }

    def rules(self, spec: object) -> Game:
        """The rules of an offered game; ValueError with a sentence for another."""
        if spec not in self.specs():
            raise ValueError(f"{str(spec)[:80]!r} is no game of this page")
        return envs.make(str(spec))

    def player(self, name: object, spec: str) -> Player:
        """The player of an offered name; ValueError with a sentence for another."""
        if not isinstance(name, str) or not self._is_offered(name, spec):
            raise ValueError(f"{str(name)[:80]!r} is no player that this page offers for {spec}")
        return self._player(name, spec)

    def _loaded(self, name: str, spec: str) -> Player:
        _, _, (player,) = self._load([name], spec, None)
        return player

    def _is_offered(self, name: str, spec: str) -> bool:
        name, _ = split_level(name)
        if name in (self.own, self.net_of(self.own)) and spec == self.game:
            return True
        built_in = _BUILT_IN.fullmatch(name)
        if built_in:
            depth, rollouts = built_in.groups()
            if name == "solver":
                return self._is_solved(spec)
            return 0 < int(depth or 1) <= DEPTH and 0 < int(rollouts or 1) <= ROLLOUTS
        run, _, step = name.removesuffix(":0").partition("@")
        return any(
            (entry.name, entry.game) == (run, spec)
            and (not step or (step.isdecimal() and int(step) in entry.steps))
            for entry in self.runs
        )

    def net_of(self, name: str) -> str:
        """The net alone of a run that is offered; other players as they are."""
        known = name == self.own and name.partition(":")[0] not in KINDS
        known = known or any(entry.name == name for entry in self.runs)
        return f"{name}:0" if known else name

    def adviser(self, spec: str) -> str:
        """Whose thoughts are shown: the command line's player, a run, the solver, or rollouts."""
        if spec == self.game and self.own != "random" and not self.own.startswith("gtp:"):
            return self.own
        run = next((entry.name for entry in self.runs if entry.game == spec), None)
        return run or ("solver" if self._is_solved(spec) else "mcts:400")

    def solver(self, spec: str) -> Solver | None:
        """What knows the truth of the game, where that is quick to know."""
        if spec not in self._solvers:
            self._solvers[spec] = quick_solver(envs.make(spec))
        return self._solvers[spec]

    def _is_solved(self, spec: str) -> bool:
        """Whether the solver can play the game from its start, not only near its end."""
        solver = self.solver(spec)
        if not isinstance(solver, Partial):
            return solver is not None
        start = envs.make(spec).init(np.random.default_rng(0), 1)
        return bool(solver.solvable(start)[0])


def _has_games(run: str) -> bool:
    """Whether a run has kept games that can be reviewed; those that ship have not."""
    try:
        return bool(find_run(run).all_games())
    except (ValueError, OSError):  # it has gone meanwhile
        return False


def _rated(name: str) -> dict[str, Any] | None:
    """What `selfplay levels` has found of a run: {simulations, elo: {level: [elo, low, high]}}.

    None where it has not, or of another checkpoint than the last.
    """
    try:
        folder = find_run(name)
        levels, latest = read_levels(folder.path), folder.latest()
    except (ValueError, OSError):  # no run, or a damaged file
        return None
    if levels is None or latest is None or int(latest.stem) != levels.step:
        return None
    elo = {
        str(each.level): [each.elo, each.low, each.high] for each in levels.ratings if each.level
    }
    return {"simulations": levels.simulations, "elo": elo}


def _runs() -> list[Entry]:
    """The runs with a checkpoint, newest first, those that ship last."""
    entries: list[Entry] = []
    roots = [RUNS] if RUNS.resolve() == SHIPPED else [RUNS, SHIPPED]
    for root in roots:
        configs = sorted(root.glob("**/config.json"), key=lambda each: -each.stat().st_mtime)
        for config in configs[:MOST_RUNS]:
            entry = _entry(config.parent.relative_to(root).as_posix(), RunFolder(config.parent))
            if entry is not None and entry.name not in [each.name for each in entries]:
                entries.append(entry)
    return entries


def _entry(name: str, folder: RunFolder) -> Entry | None:
    """None for what cannot be played: no checkpoint, damaged, of another version, no board."""
    try:
        steps = tuple(int(path.stem) for path in folder.checkpoints())
        game = envs.short(folder.config().game)
        found = find_run(name).path.resolve() == folder.path.resolve()
        envs.make(game)
    except (ValueError, OSError):
        return None
    return Entry(name, game, steps) if steps and found and game not in envs.ON_PROBLEMS else None
