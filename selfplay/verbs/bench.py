"""Measure self-play: simulations a second, and the net's share of the time."""

from __future__ import annotations

import argparse

from selfplay.verbs.answer import Answer, recipe_for, say_next
from selfplay.verbs.arguments import A_GAME, Parser, at_least, seconds

NET_SIZES = {
    "channels": "of a resnet (default: 64)",
    "blocks": "of a resnet (default: 5)",
    "width": "of an mlp (default: 128)",
    "layers": "of an mlp (default: 2)",
}


_LINES = {  # what is told of the figures, and how
    "simulations_per_s": (",.0f", "simulations/s of self-play"),
    "net_positions_per_s": (",.0f", "positions/s of the net alone on that batch"),
    "ratio": (".2f", "the ratio of the two"),
    "evaluations_per_simulation": (".2f", "positions that the net judged, a simulation"),
    "net_share": (".1%", "of the actors' time in the net, or waiting for it"),
    "other_us_per_simulation": (".1f", "microseconds a simulation outside it"),
    "server_batch": (",.0f", "positions a batch of the server"),
    "serving_share": (".1%", "of the time the server serves; else samples are put together"),
    "device_share": (".1%", "of the server's time the device computes"),
    "server_waiting_share": (".1%", "of it no batch is under way: too few actors have asked"),
    "server_host_share": (".1%", "of it the server itself is at work"),
    "server_host_us_a_batch": (",.0f", "microseconds of that a batch"),
    "bound_arithmetic": (",.0f", "simulations/s at most, by the device's arithmetic"),
    "bound_memory": (",.0f", "by the device's memory"),
    "bound_launches": (",.0f", "by what a batch of one position takes"),
    "bound_tree": (",.0f", "by the cores that walk the trees"),
    "tree_us_per_simulation": (".2f", "microseconds a simulation there"),
}


def arguments(parser: Parser) -> None:
    parser.add_argument("game", metavar="GAME", help=A_GAME)
    parser.add_argument(
        "--net", choices=("resnet", "mlp"), help="(default: resnet where the board is planes)"
    )
    for size, meaning in NET_SIZES.items():
        parser.add_option(f"--{size}", "N", meaning, at_least(1))
    parser.add_option("--simulations", "N", "a move", at_least(1), 32)
    parser.add_option("--games", "N", "games side by side", at_least(1, 1 << 16))
    parser.add_option("--device", "D", "evaluator.device; fake:150,0.25 models one")
    parser.add_shared("--set")
    parser.add_option("--seconds", "S", "of self-play", seconds, 20.0)
    parser.add_shared("--json")


def run(arguments: argparse.Namespace) -> Answer:
    from selfplay.config import parse_config
    from selfplay.measure.bench import bench as measure

    net: dict[str, object] = {"kind": arguments.net or _fitting_net(arguments.game)}
    net |= {name: getattr(arguments, name) for name in NET_SIZES if getattr(arguments, name)}
    actor = {"games": arguments.games} if arguments.games else {}
    plain = {"game": arguments.game, "net": net, "actor": actor}
    plain["search"] = {"simulations": arguments.simulations}
    if arguments.device:
        plain["evaluator"] = {"device": arguments.device}
    config = parse_config(plain, arguments.overrides, "bench")
    bench = measure(
        config.game,
        config.net,
        config.search,
        config.actor,
        config.evaluator,
        arguments.seconds,
        config.backend,
    )
    print(
        f"{bench['game']}, {bench['net']} in {bench['precision']} on {bench['device']}, "
        f"{bench['threads']} actors ({config.backend.kind}) of {bench['batch']} games, "
        f"{bench['simulations']} simulations a move"
    )
    for name, (form, meaning) in _LINES.items():
        if name in bench:
            print(f"  {format(bench[name], form):>11} {meaning}")
    say_next(f"selfplay train {recipe_for(config.game)}")
    return Answer(bench)


def _fitting_net(spec: str) -> str:
    """The kind of net for the game's observation: one stack of planes, or anything else."""
    import numpy as np

    import envs
    from selfplay.arrays import leaves

    game = envs.make(spec)
    fields = leaves(game.observe(game.init(np.random.default_rng(0), 1)))
    return "resnet" if [field.ndim for field in fields] == [4] else "mlp"
