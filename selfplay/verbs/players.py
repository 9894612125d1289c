"""The players that a command names, and the game they play."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from selfplay.players.level_ratings import Levels
    from selfplay.training.agent import Agent
    from selfplay.types import Game, Player

DEFAULT_GAME = "connect4"


def simulations_of(agent: Agent, wish: int | None) -> int:
    """Leaves a move: as wished, else those the run itself is measured with."""
    return agent.config.strength.simulations if wish is None else wish


def refuse_both(simulations: int | None, seconds: float | None) -> None:
    """Raises ValueError where a search is given two limits."""
    if simulations is not None and seconds is not None:
        raise ValueError("--simulations and --seconds both say how long it searches; give one")


def refuse_seconds(player: Player, seconds: float | None, rollouts: bool = True) -> None:
    """Raises ValueError where a time was given to a player that does not search by one.

    ``rollouts``: whether a player of rollouts does.
    """
    from selfplay.players.levels import LevelPlayer
    from selfplay.players.players import RolloutPlayer, SearchPlayer
    from selfplay.players.thinking import TimedPlayer

    full = player.full if isinstance(player, LevelPlayer) else player
    by_time = (SearchPlayer, RolloutPlayer, TimedPlayer) if rollouts else (TimedPlayer,)
    if seconds is not None and not isinstance(full, by_time):
        raise ValueError(f"{full.name} does not search by time: leave out --seconds")


def player_of(agent: Agent, simulations: int, seconds: float | None = None) -> Player:
    """The agent with ``simulations`` leaves a move, 0 for its net alone; or with seconds a move."""
    from selfplay.players.players import NetPlayer, SearchPlayer
    from selfplay.players.thinking import TimedPlayer
    from selfplay.system.printable import in_one_line

    name = in_one_line(agent.name)
    if seconds is not None:
        label = f"{name}:{seconds:g}s"
        return TimedPlayer(label, SearchPlayer(label, agent.search, agent.evaluator), seconds)
    if not simulations:
        return NetPlayer(f"{name}:0", agent.evaluator)
    search = agent.search.with_simulations(simulations)
    return SearchPlayer(f"{name}:{simulations}", search, agent.evaluator)


def players_named(
    names: list[str],
    game_spec: str | None,
    simulations: int | None,
    seconds: float | None = None,
) -> tuple[str, Game, list[Player]]:
    """The players that ``names`` name, after the spec and the rules of the game they all play.

    That is ``game_spec``, else the game that the first run among them was trained on.  Runs whose
    names say nothing of it search so many simulations or seconds a move.
    """
    import envs
    from selfplay.players.limits import Limit
    from selfplay.players.players import make_player

    refuse_both(simulations, seconds)

    rules = envs.make(game_spec or DEFAULT_GAME)
    games: list[tuple[str, Game]] = [(game_spec or DEFAULT_GAME, rules)]

    def load(run: str, step: int | None, own: Limit) -> Player:
        from selfplay.training.agent import load_agent  # imports torch: only where a net plays

        agent = load_agent(run, step, game_spec)
        games.append((agent.config.game, agent.game))
        if agent.game.name != games[1][1].name:
            raise ValueError(
                f"{agent.name} was trained on {agent.game.name}, "
                f"another player on {games[1][1].name}"
            )
        limit = Limit(simulations, seconds) if own == Limit() else own
        return player_of(agent, simulations_of(agent, limit.simulations), limit.seconds)

    players = {}
    for name in sorted(set(names), key=is_built_in):  # runs first: they say which game it is
        players[name] = make_player(name, games[:2][-1][1], load)
    spec, game = games[:2][-1]
    return spec, game, [players[name] for name in names]


def is_built_in(name: str) -> bool:
    from selfplay.players.names import KINDS

    return name.partition(":")[0] in KINDS


def refuse_unknown(player: str, game: str | None) -> None:
    """Raises ValueError where a player is no run there is, or a game none: nothing is loaded."""
    import envs
    from selfplay.players.levels import split_level
    from selfplay.players.names import split_run
    from selfplay.training.finding import find_folder

    if game is not None:
        envs.refuse_unknown(game)
    if not is_built_in(player):
        find_folder(split_run(split_level(player)[0])[0])


def game_option(player: str, spec: str) -> str:
    """What a command needs for ``player`` to play the game: a run knows its own."""
    known = not is_built_in(player) or spec == DEFAULT_GAME
    return "" if known else f" --game {shlex.quote(spec)}"


def measured_levels(name: str) -> Levels | None:
    """What `selfplay levels` has found of the run RUN or RUN@STEP; None where it has not.

    Nor where ``name`` is something else, or the run has a newer checkpoint since.
    """
    from selfplay.players.level_ratings import read_levels
    from selfplay.training.agent import find_agent

    try:
        folder, step = find_agent(name)
    except ValueError:
        return None
    levels, latest = read_levels(folder.path), folder.latest()
    if step is None and latest is not None:
        step = int(latest.stem)
    return levels if levels and levels.step == step else None


def agent_for(game: Game, simulations: int) -> str:
    """The agent that ships for the game, else a search without a net."""
    from selfplay.training.places import shipped_agent

    ships = shipped_agent(game.name)  # whatever runs of the user's have its name
    return f"reference/{game.name}" if ships else f"mcts:{simulations}"
