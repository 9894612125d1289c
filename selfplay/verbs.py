"""What each verb of the command line does; people's lines are printed, scripts' are returned.

Each imports what it needs when it runs, so that `selfplay games` does not wait for torch.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

import envs
from selfplay.types import Game, Player

if TYPE_CHECKING:
    from selfplay.positions import Positions
    from selfplay.run import Agent

DEFAULT_GAME = "connect4"


class Answer(NamedTuple):
    """What a verb found out, and the exit code."""

    content: dict[str, Any]
    code: int = 0


def train(arguments: argparse.Namespace) -> Answer:
    from selfplay import run

    run.train(arguments.target, arguments.overrides, arguments.out)
    return Answer({})


def evaluate(arguments: argparse.Namespace) -> Answer:
    from selfplay.evaluate import evaluate_positions, truth_json
    from selfplay.positions import default_positions, read_positions
    from selfplay.run import load_agent

    agent = load_agent(arguments.run)
    game = agent.game
    path = arguments.positions or default_positions(game)
    if path is None:
        raise ValueError(
            f"no positions with truth ship for {game.name}: name a file with --positions "
            "(header set,moves,s1,...)"
        )
    positions = read_positions(game, path)
    if arguments.limit:
        positions = _first_of_each_set(positions, arguments.limit)
    simulations = _simulations(agent, arguments.simulations)
    player = _player_of(agent, simulations)
    truth = evaluate_positions(game, positions, player, evaluator=agent.evaluator)
    print(f"{player.name} on {len(positions.scores)} positions of {path}:")
    print(f"  {'set':16} {'positions':>9}  mistakes (95% interval)  optimal mass  value nats")
    for each in truth.sets:
        _print_truth(each.name, str(each.n), each)
    _print_truth("mean of the sets", "", truth)
    _next(f"selfplay play {arguments.run}")
    return Answer(truth_json(game, simulations, truth))


def match(arguments: argparse.Namespace) -> Answer:
    from selfplay.arena import match_json, ratings, score, tournament

    if len(arguments.players) < 2:
        raise ValueError("a match needs two players or more; known without a run: random, solver")
    game, players = _players(arguments.players, arguments.game, arguments.simulations)
    pairs = -(-arguments.games // 2)
    matches = tournament(game, players, pairs, arguments.openings, arguments.seed)
    for each in matches:
        points = score(each)
        wins, draws, losses = (int((each.results == result).sum()) for result in (1, 0, -1))
        print(
            f"{each.a} against {each.b}: {wins} won, {draws} drawn, {losses} lost; "
            f"{points.value:.1%} of the points (95%: {points.low:.1%} to {points.high:.1%})"
        )
    rated = ratings(matches)
    for name, elo in zip(rated.names, rated.elo, strict=True):
        print(f"  {name:32} Elo {elo.value:+6.0f}  (95%: {elo.low:+.0f} to {elo.high:+.0f})")
    best = int(np.argmax([elo.value for elo in rated.elo]))
    _next(f"selfplay play {arguments.players[best]} --game '{arguments.game or game.name}'")
    return Answer(match_json(matches))


def play(arguments: argparse.Namespace) -> Answer:
    from selfplay.play.session import Session
    from selfplay.play.terminal import play_in_terminal
    from selfplay.players import NetPlayer, SearchPlayer

    game, (player,) = _players([arguments.run], arguments.game, arguments.simulations)
    net = None
    if isinstance(player, SearchPlayer):
        net = NetPlayer("the net alone", player.evaluator)
    side = int(arguments.side == "second")
    rng = np.random.default_rng(arguments.seed)
    play_in_terminal(Session(game, player, side, rng, net))
    _next(f"selfplay match {arguments.run} random")
    return Answer({})


def games(arguments: argparse.Namespace) -> Answer:
    rows = []
    for name in sorted(envs.GAMES):
        game = envs.make(name)
        rows.append(
            {
                "game": name,
                "players": game.num_players,
                "actions": game.num_actions,
                "max_moves": game.max_moves,
            }
        )
    print(f"{'game':12} players  actions  max moves")
    for row in rows:
        print(f"{row['game']:12} {row['players']:7}  {row['actions']:7}  {row['max_moves']:9}")
    _next(f"selfplay check {rows[0]['game']}")
    return Answer({"games": rows})


def check(arguments: argparse.Namespace) -> Answer:
    from selfplay.checks import check_game

    game = envs.make(arguments.game)
    problems = check_game(game, arguments.games, arguments.seed)
    for problem in problems:
        print(problem)
    count = f"{arguments.games} random games"
    if problems:
        print(f"{game.name} breaks {len(problems)} of the laws that selfplay/types.py states")
    else:
        print(f"{game.name} kept every law in {count}")
        _next(f"selfplay bench '{arguments.game}'")
    content = {"game": game.name, "games": arguments.games, "problems": problems}
    return Answer(content, code=int(bool(problems)))


def bench(arguments: argparse.Namespace) -> Answer:
    from selfplay.bench import bench as measure

    raise NotImplementedError(measure)


def _simulations(agent: Agent, wish: int | None) -> int:
    """Leaves a move: as wished, else as in the run's recipe."""
    return agent.search.simulations if wish is None else wish


def _player_of(agent: Agent, simulations: int) -> Player:
    """The agent with ``simulations`` leaves a move, 0 for its net alone."""
    from selfplay.players import NetPlayer, SearchPlayer

    if not simulations:
        return NetPlayer(f"{agent.name}, net alone", agent.evaluator)
    search = agent.search.model_copy(update={"simulations": simulations})
    return SearchPlayer(f"{agent.name}:{simulations}", search, agent.evaluator)


def _players(
    names: list[str], game_spec: str | None, simulations: int | None
) -> tuple[Game, list[Player]]:
    """The players that ``names`` name, and the game they all play.

    That is the game the runs among them were trained on, else ``game_spec``.
    """
    from selfplay.players import make_player

    wanted = envs.make(game_spec) if game_spec else None
    agents: list[Agent] = []

    def load(run: str, step: int | None, own: int | None) -> Player:
        from selfplay.run import load_agent  # imports torch: not for players without a net

        agent = load_agent(run if step is None else f"{run}@{step}")
        agents.append(agent)
        return _player_of(agent, _simulations(agent, simulations if own is None else own))

    game = wanted or envs.make(DEFAULT_GAME)
    players = {}
    for name in sorted(set(names), key=_is_built_in):  # runs first: they say which game it is
        players[name] = make_player(name, agents[0].game if agents else game, load)
    for agent in agents:
        expected = wanted or agents[0].game
        if agent.game.name != expected.name:
            raise ValueError(
                f"{agent.name} was trained on {agent.game.name} ({agent.game.num_actions} "
                f"actions); you asked for {expected.name} ({expected.num_actions})"
            )
    return (agents[0].game if agents else game), [players[name] for name in names]


def _is_built_in(name: str) -> bool:
    return name.partition(":")[0] in ("random", "solver", "minimax", "mcts")


def _first_of_each_set(positions: Positions, limit: int) -> Positions:
    """The first ``limit`` positions of every set."""
    from selfplay.arrays import take

    seen = np.zeros(len(positions.set_names), np.int64)
    kept = []
    for i, which in enumerate(positions.set_index):
        seen[which] += 1
        if seen[which] <= limit:
            kept.append(i)
    return positions._replace(
        set_index=positions.set_index[kept],
        state=take(positions.state, kept),
        scores=positions.scores[kept],
    )


def _print_truth(name: str, count: str, truth: Any) -> None:
    rate = truth.mistake_rate
    interval = f"{rate.value:6.2%} ({rate.low:.2%} to {rate.high:.2%})"
    print(
        f"  {name:16} {count:>9}  {interval:23}  {truth.optimal_mass:12.2%}  "
        f"{truth.value_cross_entropy:10.3f}"
    )


def _next(command: str) -> None:
    print(f"Next: {command}")
