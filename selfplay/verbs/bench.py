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


def arguments(parser: Parser) -> None:
    parser.add_argument("game", metavar="GAME", help=A_GAME)
    parser.add_argument(
        "--net", choices=("resnet", "mlp"), help="(default: resnet where the board is planes)"
    )
    for size, meaning in NET_SIZES.items():
        parser.add_option(f"--{size}", "N", meaning, at_least(1))
    parser.add_option("--simulations", "N", "a move", at_least(1), 32)
    parser.add_option("--games", "N", "games side by side", at_least(1, 1 << 16))
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
        f"{bench['threads']} {config.backend.kind} of {bench['batch']} games, "
        f"{bench['simulations']} simulations a move"
    )
    print(f"  {bench['simulations_per_s']:10,.0f} simulations/s of self-play")
    print(f"  {bench['net_positions_per_s']:10,.0f} positions/s of the net alone on that batch")
    print(f"  {bench['ratio']:10.2f} the ratio of the two")
    print(f"  {bench['net_share']:10.1%} of the time in the net")
    print(f"  {bench['other_us_per_simulation']:10.1f} microseconds a simulation outside it")
    if "device_share" in bench:
        print(f"  {bench['device_share']:10.1%} of the time the device computes")
        print(f"  {bench['server_batch']:10,.0f} positions a batch of the server")
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
