"""What each verb of the command line does; people's lines are printed, scripts' are returned.

Each imports what it needs when it runs, so that `selfplay games` does not wait for torch.
"""

from __future__ import annotations

import argparse
import difflib
import math
import os
import re
import shlex
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import envs
from envs import trust
from selfplay.types import Game, Player
from selfplay.verbs.answer import Answer
from selfplay.verbs.answer import say_next as _next

if TYPE_CHECKING:
    from selfplay.data.manifest import Manifest
    from selfplay.sweep.plan import Plan
    from selfplay.training.agent import Agent
    from selfplay.truth.positions import Positions

DEFAULT_GAME = "connect4"
NET_SIZES = ("channels", "blocks", "width", "layers")
PLAY_SIMULATIONS = 200  # half a second a move for the net of configs/demo.toml


def train(arguments: argparse.Namespace) -> Answer:
    from selfplay.training import run
    from selfplay.training.folder import RunFolder

    outcome = run.train(arguments.target, arguments.overrides, arguments.out)
    folder, scalars = outcome.folder, outcome.scalars
    since = outcome.positions - (outcome.measured_at or 0)
    if since and any(name.startswith("strength/") for name in scalars):
        when = f"at {outcome.measured_at:,} positions" if outcome.measured_at else "untrained"
        print(f"Measured {when}, {since:,} positions ago:")
    if "strength/mistake_rate" in scalars:
        rate, low, high = (
            f"{scalars['strength/mistake_rate' + end]:.2%}" for end in ("", "_low", "_high")
        )
        print(
            f"Against perfect play it makes a mistake in {rate} of the positions "
            f"(95%: {low} to {high}), its net alone in "
            f"{scalars['strength/net_mistake_rate']:.2%}."
        )
    if "strength/own_mistake_rate" in scalars:
        print(
            f"In its own games it makes a mistake in {scalars['strength/own_mistake_rate']:.2%} of "
            f"the positions, its net alone in {scalars['strength/own_net_mistake_rate']:.2%}."
        )
    for name, share in scalars.items():
        baseline = name.removeprefix("strength/vs_")
        if baseline != name and not name.endswith(("_low", "_high")):
            print(f"It takes {share:.1%} of the points against {baseline}.")
    quoted = shlex.quote(str(folder))
    if not outcome.finished:
        _next(f"selfplay train {quoted}", "goes on where it stopped")
    config = RunFolder(folder).config()
    if config.game.partition("?")[0] == "proving":
        from envs.proving.game import OWN

        place = shlex.quote(config.problems or os.path.relpath(OWN))
        _next(f"selfplay evaluate {quoted} --problems {place} --held-out", "what it proves")
    else:
        _next(f"selfplay play {quoted}", "play against it")
    _next(f"tensorboard --logdir {quoted}", "see its curves")
    return Answer({}, 0 if outcome.finished else 130)


def sweep(arguments: argparse.Namespace) -> Answer:
    from selfplay.sweep.plan import read_plan
    from selfplay.sweep.runner import run_sweep
    from selfplay.system.cores import core_count

    plan = read_plan(arguments.file, arguments.overrides, arguments.out)
    words = ["selfplay", "sweep", arguments.file]
    words += [f"--out={arguments.out}"] if arguments.out else []
    words += [f"--set={each}" for each in arguments.overrides]
    words += ["--trust"] if arguments.trust else []
    again = shlex.join(words)
    if arguments.dry_run:
        content = _preview(plan, arguments.jobs or core_count())
        _next(again)
        return Answer(content)
    outcome = run_sweep(plan, arguments.jobs)
    states = [each["state"] for each in (*outcome.content["data"], *outcome.content["cells"])]
    print(f"{states.count('done')} of {len(states)} are done in {plan.folder}.")
    for name, error, file in outcome.failed:
        print(f"{name} failed: {error}" + (f" (see {file})" if file else ""))
    if outcome.left:
        _next(again, "goes on where it stopped")
        return Answer(outcome.content, 130)
    if outcome.failed:
        _next(again, "tries again what failed")
        return Answer(outcome.content, 1)
    _next(f"selfplay compare {shlex.quote(str(plan.folder))}")
    return Answer(outcome.content)


def _preview(plan: Plan, jobs: int) -> dict[str, Any]:
    """Prints what a sweep would do; the same for scripts comes back."""
    from selfplay.sweep.preview import preview
    from selfplay.sweep.screen import clock

    found = preview(plan, jobs)
    width = max(len(task.name) for task, _, _ in found.rows)
    print(f"{'cell':{width}}  {'state':8} {'time':>8} {'FLOPs':>9}  estimated from")
    for task, record, told in found.rows:
        print(
            f"{task.name:{width}}  {record.state:8} {clock(told.seconds):>8} "
            f"{_flops(told.flops):>9}  "
            f"{told.source}"
        )
    cores = "1 core" if jobs == 1 else f"{jobs} cores"
    print(
        f"{len(plan.cells)} cells, {_flops(found.flops)} FLOPs; "
        f"{clock(found.left_s)} left on {cores}, experts and measurements of strength included"
    )
    for warning in found.warnings:
        print(f"Note: {warning}.")
    return found.content()


def _flops(count: float) -> str:
    return "?" if math.isnan(count) else f"{count:.1e}"


def compare(arguments: argparse.Namespace) -> Answer:
    from selfplay.compare.publish import Request, publish
    from selfplay.compare.report.console import print_comparison, working

    words = ["selfplay", "compare", *arguments.runs]
    words += [f"--metric={arguments.metric}"] if arguments.metric else []
    words += [f"--loss={arguments.loss}"] if arguments.loss else []
    searched = arguments.pool_simulations
    if arguments.pool is None and searched is not None:
        raise ValueError("--pool-simulations means nothing without --pool GAMES")
    words += [f"--pool={arguments.pool}"] if arguments.pool else []
    words += [] if searched is None else [f"--pool-simulations={searched}"]
    words += [f"--out={arguments.out}"] if arguments.out else []
    asked = Request(
        tuple(arguments.runs), arguments.metric, arguments.loss, arguments.out, arguments.pool,
        searched, shlex.join(words),
    )  # fmt: skip
    with working("comparing") as tell:
        done = publish(asked, tell)
    print_comparison(done)
    print(f"Written: {done.report}, with compare.json and the figures in {done.figures} beside it.")
    _next(f"tensorboard --logdir {shlex.quote(str(done.logdir))}", "the curves side by side")
    return Answer(done.content)


def prove(arguments: argparse.Namespace) -> Answer:
    from selfplay.verbs import proving

    return proving.prove(arguments)


def explore(arguments: argparse.Namespace) -> Answer:
    from selfplay.verbs import proving

    return proving.explore(arguments)


def evaluate(arguments: argparse.Namespace) -> Answer:
    if arguments.problems is not None:
        _only_of_evaluate(arguments, "with", "positions", "simulations")
        from selfplay.verbs import proving

        return proving.evaluate_problems(arguments)
    _only_of_evaluate(arguments, "without", "seconds", "inferences", "held_out", "guided_share")
    if arguments.run == "none":
        raise ValueError("'none' is for --problems: positions are judged by a run")
    from selfplay.measure.mistakes import evaluate_positions, truth_json
    from selfplay.training.agent import load_agent
    from selfplay.truth.positions import default_positions, read_positions

    agent = load_agent(arguments.run)
    game = agent.game
    path = arguments.positions or default_positions(game)
    if path is None and game.name == "proving":
        raise ValueError(f"{agent.name} proves theorems: name a folder of them with --problems DIR")
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
    _next(f"selfplay play {shlex.quote(arguments.run)}")
    return Answer(truth_json(game, simulations, truth))


def _only_of_evaluate(arguments: argparse.Namespace, how: str, *others: str) -> None:
    """Raises ValueError when an option was given that is not for use with(out) --problems."""
    for name in others:
        if getattr(arguments, name) not in (None, False):
            option = name.replace("_", "-")
            raise ValueError(f"--{option} means nothing to 'selfplay evaluate' {how} --problems")


def match(arguments: argparse.Namespace) -> Answer:
    from selfplay.players.arena import match_json, ratings, score, tournament
    from selfplay.players.match_games import MatchGames
    from selfplay.proving.screen import progress
    from selfplay.system.files import write_text_atomically

    _refuse_to_overwrite(arguments.save)
    if len(arguments.players) < 2:
        raise ValueError("a match needs two players or more; known without a run: random, solver")
    spec, game, players = _players(arguments.players, arguments.game, arguments.simulations)
    pairs = -(-arguments.games // 2)
    of = pairs * len(players) * (len(players) - 1)
    print(f"playing {of:,} games of {game.name}", file=sys.stderr)
    with progress("playing") as say:
        watch = MatchGames(game, of, lambda words: say(lambda: words))
        matches = tournament(game, players, pairs, arguments.openings, arguments.seed, watch=watch)
    if arguments.save:
        write_text_atomically(Path(arguments.save), watch.text())
        print(f"{of:,} games are in {arguments.save}, one a line.")
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
    name = arguments.players[best]
    _next(f"selfplay play {shlex.quote(name)}{_game_option(name, spec)}")
    return Answer(match_json(matches))


def _refuse_to_overwrite(file: str | None) -> None:
    """Raises ValueError when ``file`` is there, or cannot be: before anything has been played."""
    if file is None:
        return
    path = Path(file)
    if path.exists():
        raise ValueError(f"{path} is there already: name another file with --save")
    if not path.parent.is_dir():
        raise ValueError(f"--save {path}: there is no folder {path.parent}; make it first")


def play(arguments: argparse.Namespace) -> Answer:
    from selfplay.play.session import Session
    from selfplay.play.terminal import play_in_terminal
    from selfplay.players.players import NetPlayer, SearchPlayer

    simulations = PLAY_SIMULATIONS if arguments.simulations is None else arguments.simulations
    spec, game, (player,) = _players([arguments.run], arguments.game, simulations)
    net = None
    if isinstance(player, SearchPlayer):
        net = NetPlayer("the net alone", player.evaluator)
    side = int(arguments.side == "second")
    _warm_up(player, game)
    rng = np.random.default_rng(arguments.seed)
    play_in_terminal(Session(game, player, side, rng, net))
    name = shlex.quote(arguments.run)
    if game.num_players == 2:
        rival = "minimax:2" if arguments.run == "random" else "random"
        _next(f"selfplay match {name} {rival}{_game_option(arguments.run, spec)}")
    elif not _is_built_in(arguments.run):
        _next(f"selfplay play {name} --simulations 0", "its net alone advises")
    else:
        _next(f"selfplay check {shlex.quote(spec)}")
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


def data(arguments: argparse.Namespace) -> Answer:
    from selfplay.data.imports import FORMATS

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
    from selfplay.data.imports import FORMATS, excluded_keys, import_files

    form = arguments.source
    _only(arguments, form, "targets", "out", "exclude", "game", "licence", "skip_broken")
    spec = arguments.game or FORMATS[form].game
    if not arguments.targets or spec is None or arguments.out is None:
        option = "" if FORMATS[form].game else " --game GAME"
        raise ValueError(
            f"importing needs files and a place to go: "
            f"'selfplay data {form} PATH{option} --out runs/data/NAME'"
        )
    game = envs.make(spec)
    keys = excluded_keys(game, arguments.exclude)
    manifest = import_files(
        form, [Path(path) for path in arguments.targets], spec, game, arguments.out,
        arguments.licence or "", keys, arguments.skip_broken,
    )  # fmt: skip
    return _tell_data(Path(arguments.out), manifest)


def _make_data(arguments: argparse.Namespace) -> Answer:
    from selfplay.data.generate import Order, default_temperature, generate
    from selfplay.data.imports import FORMATS, excluded_keys
    from selfplay.data.show import ProgressLine

    name = arguments.source
    _only(
        arguments, "an expert", "targets", "out", "games", "temperature", "openings", "seed",
        "processes", "exclude", "trust",
    )  # fmt: skip
    if len(arguments.targets) > 1 or (not arguments.targets and _is_built_in(name)):
        raise ValueError(
            f"name one game, as in 'selfplay data {name} connect4 --out runs/data/NAME'"
        )
    try:
        spec, game, (player,) = _players([name], (arguments.targets or [None])[0], None)
    except ValueError as error:
        near = difflib.get_close_matches(name, ["show", *FORMATS], n=1)
        hint = f" (did you mean 'selfplay data {near[0]}'?)" if near else ""
        raise ValueError(f"{error}{hint}") from error
    if arguments.out is None:
        raise ValueError(f"say where to with --out, as in --out runs/data/{game.name}")
    wish = arguments.temperature
    order = Order(
        name, spec, arguments.games or 1000,
        default_temperature(name) if wish is None else wish,
        arguments.openings or 0, arguments.seed or 0, arguments.processes or os.cpu_count() or 1,
    )  # fmt: skip
    keys = excluded_keys(game, arguments.exclude)
    line = ProgressLine()
    try:
        manifest = generate(order, game, arguments.out, lambda *_: player, keys, line.show)
    except KeyboardInterrupt:
        print(
            f"{arguments.out} was not completed and has been removed; the same command begins "
            f"again and finds the labels that the solver has made",
            file=sys.stderr,
        )
        raise
    finally:
        line.close()
    return _tell_data(Path(arguments.out), manifest)


def _only(arguments: argparse.Namespace, what: str, *options: str) -> None:
    """Raises ValueError when an option was given that means nothing to this kind of source."""
    always = {"verb", "source", "json", *options}
    for name, value in vars(arguments).items():
        if name not in always and value not in (None, False, []):
            option = name.replace("_", "-")
            raise ValueError(f"--{option} means nothing to 'selfplay data' with {what}")


def _tell_data(folder: Path, manifest: Manifest) -> Answer:
    from selfplay.data.show import data_json, data_lines

    print("\n".join(data_lines(folder, manifest)))
    counts = manifest.counts
    if counts["train"].positions and not counts["validation"].positions:
        print(
            "  no games are left for validation, since all their positions occur in training too: "
            "more different games (--openings, --temperature) leave some"
        )
    _next(f"selfplay train {_imitation_of(folder, manifest)}", "learn from it")
    return Answer(data_json(folder, manifest))


def _imitation_of(folder: Path, manifest: Manifest) -> str:
    """The arguments of ``train`` that learn from a data set, by the recipe nearest to its game."""
    from selfplay.data.manifest import NAME

    data = f"--set regime.data={shlex.quote(str(folder))}"
    made_for = Path("configs") / f"{manifest.game}_imitation.toml"
    if made_for.is_file():
        return f"{made_for} {data}"
    name = re.sub(r"[^\w.-]", "-", manifest.game)
    # the name of a game that a stranger's data set holds is not offered to be typed
    known = trust.is_allowed(manifest.spec, folder / NAME)
    words = _recipe_for(manifest.spec) if known else "CONFIG.toml"
    return f"{words} --set regime.kind=imitation {data} --out runs/{name}-imitation"


def _recipe_for(spec: str) -> str:
    """The arguments of ``train`` for a game: its recipe, else tic-tac-toe's made over."""
    from selfplay.config import recipe_of

    recipe = recipe_of(spec)
    words = shlex.quote(str(recipe or recipe_of("tictactoe")))
    if recipe is None:  # any game's: its net flattens what it sees
        game = shlex.quote(f"game={spec}")
        words += f" --set {game} --set 'strength.versus=[\"random\"]'"
    return words if recipe is None or envs.is_listed(spec) else f"{words} --trust"


def check(arguments: argparse.Namespace) -> Answer:
    from selfplay.verbs import check as checking

    return checking.check(arguments)


def bench(arguments: argparse.Namespace) -> Answer:
    from selfplay.config import parse_config
    from selfplay.measure.bench import bench as measure

    net: dict[str, object] = {"kind": arguments.net or _fitting_net(envs.make(arguments.game))}
    net |= {name: getattr(arguments, name) for name in NET_SIZES if getattr(arguments, name)}
    actor = {"games": arguments.games} if arguments.games else {}
    plain = {"game": arguments.game, "net": net, "actor": actor}
    plain["search"] = {"simulations": arguments.simulations}
    config = parse_config(plain, arguments.overrides, "bench")
    found = measure(
        config.game, config.net, config.search, config.actor, config.evaluator, arguments.seconds
    )
    print(
        f"{found['game']}, {found['net']} in {found['precision']} on {found['device']}, "
        f"{found['threads']} threads of {found['batch']} games, "
        f"{found['simulations']} simulations a move"
    )
    print(f"  {found['simulations_per_s']:10,.0f} simulations/s of self-play")
    print(f"  {found['net_positions_per_s']:10,.0f} positions/s of the net alone on that batch")
    print(f"  {found['ratio']:10.2f} the ratio of the two")
    print(f"  {found['net_share']:10.1%} of the time in the net")
    print(f"  {found['other_us_per_simulation']:10.1f} microseconds a simulation outside it")
    _next(f"selfplay train {_recipe_for(config.game)}")
    return Answer(found)


def _fitting_net(game: Game) -> str:
    """The kind of net for the game's observation: one stack of planes, or anything else."""
    from selfplay.arrays import leaves

    fields = leaves(game.observe(game.init(np.random.default_rng(0), 1)))
    return "resnet" if [field.ndim for field in fields] == [4] else "mlp"


def _warm_up(player: Player, game: Game) -> None:
    """Lets the player think once, since compiling what it needs may take ten seconds."""
    rng = np.random.default_rng(0)
    notice = threading.Timer(
        2.0, print, ["preparing the search; this takes long only once"], {"file": sys.stderr}
    )
    notice.start()
    try:
        player.decide(game, game.init(rng, 1), rng)
    finally:
        notice.cancel()


def _simulations(agent: Agent, wish: int | None) -> int:
    """Leaves a move: as wished, else those the run itself is measured with."""
    return agent.config.strength.simulations if wish is None else wish


def _player_of(agent: Agent, simulations: int) -> Player:
    """The agent with ``simulations`` leaves a move, 0 for its net alone."""
    from selfplay.players.players import NetPlayer, SearchPlayer
    from selfplay.system.printable import in_one_line

    name = in_one_line(agent.name)
    if not simulations:
        return NetPlayer(f"{name}:0", agent.evaluator)
    search = agent.search.with_simulations(simulations)
    return SearchPlayer(f"{name}:{simulations}", search, agent.evaluator)


def _players(
    names: list[str], game_spec: str | None, simulations: int | None
) -> tuple[str, Game, list[Player]]:
    """The players that ``names`` name, after the spec and the rules of the game they all play.

    That is ``game_spec``, else the game that the first run among them was trained on.
    """
    from selfplay.players.players import make_player

    rules = envs.make(game_spec or DEFAULT_GAME)
    games: list[tuple[str, Game]] = [(game_spec or DEFAULT_GAME, rules)]

    def load(run: str, step: int | None, own: int | None) -> Player:
        from selfplay.training.agent import (
            load_agent,  # imports torch: not for players without a net
        )

        agent = load_agent(run, step, game_spec)
        games.append((agent.config.game, agent.game))
        if agent.game.name != games[1][1].name:
            raise ValueError(
                f"{agent.name} was trained on {agent.game.name}, "
                f"another player on {games[1][1].name}"
            )
        return _player_of(agent, _simulations(agent, simulations if own is None else own))

    players = {}
    for name in sorted(set(names), key=_is_built_in):  # runs first: they say which game it is
        players[name] = make_player(name, games[:2][-1][1], load)
    spec, game = games[:2][-1]
    return spec, game, [players[name] for name in names]


def _is_built_in(name: str) -> bool:
    return name.partition(":")[0] in ("random", "solver", "minimax", "mcts")


def _game_option(player: str, spec: str) -> str:
    """What a command needs for ``player`` to play the game: a run knows its own."""
    known = not _is_built_in(player) or spec == DEFAULT_GAME
    return "" if known else f" --game {shlex.quote(spec)}"


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
    from selfplay.system.printable import in_one_line

    rate = truth.mistake_rate
    interval = f"{rate.value:6.2%} ({rate.low:.2%} to {rate.high:.2%})"
    print(
        f"  {in_one_line(name):16} {count:>9}  {interval:23}  {truth.optimal_mass:12.2%}  "
        f"{truth.value_cross_entropy:10.3f}"
    )
