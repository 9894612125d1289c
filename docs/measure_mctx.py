"""The peer of docs/measure_gpu.py: mctx's search of pgx's Connect Four, wholly on the device.

    python docs/measure_mctx.py BLOCKSxCHANNELS GAMES [--tiny]

One line of JSON: simulations a second of games that never stop (a game that ends begins anew),
positions a second of the net alone on the same batch, and the seconds that compiling took.
Needs jax, mctx, pgx and dm-haiku.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from typing import Any

import haiku as hk
import jax
import jax.numpy as jnp
import mctx
import pgx


def net_of(blocks: int, channels: int, dtype: Any) -> Any:
    """A residual net as large as ours, without normalisation: we fold it away."""

    def net(x: Any) -> tuple[Any, Any]:
        x = jax.nn.relu(hk.Conv2D(channels, 3)(x.astype(dtype)))
        for _ in range(blocks):
            y = jax.nn.relu(hk.Conv2D(channels, 3)(x))
            x = jax.nn.relu(x + hk.Conv2D(channels, 3)(y))
        policy = jax.nn.relu(hk.Conv2D(16, 1)(x)).reshape(x.shape[0], -1)
        value = jax.nn.relu(hk.Conv2D(16, 1)(x)).reshape(x.shape[0], -1)
        value = jnp.tanh(hk.Linear(1)(jax.nn.relu(hk.Linear(64)(value))))
        return hk.Linear(7)(policy).astype(jnp.float32), value.astype(jnp.float32)[:, 0]

    return hk.without_apply_rng(hk.transform(net))


def player_of(env: Any, forward: Any, games: int, simulations: int) -> Any:
    """A move in each of ``games`` games, searched; one that is over begins anew."""
    step, init = jax.vmap(env.step), jax.vmap(env.init)

    def recurrent(params: Any, key: Any, action: Any, state: Any) -> Any:
        player = state.current_player
        state = step(state, action)
        logits, value = forward.apply(params, state.observation)
        return mctx.RecurrentFnOutput(
            reward=state.rewards[jnp.arange(games), player],
            discount=jnp.where(state.terminated, 0.0, -1.0),
            prior_logits=jnp.where(state.legal_action_mask, logits, -1e9),
            value=jnp.where(state.terminated, 0.0, value),
        ), state

    @jax.jit
    def play(params: Any, key: Any, state: Any) -> Any:
        logits, value = forward.apply(params, state.observation)
        root = mctx.RootFnOutput(prior_logits=logits, value=value, embedding=state)
        policy = mctx.gumbel_muzero_policy(
            params, key, root, recurrent, num_simulations=simulations,
            invalid_actions=~state.legal_action_mask, max_num_considered_actions=16,
        )  # fmt: skip
        fresh, state = init(jax.random.split(key, games)), step(state, policy.action)

        def pick(new: Any, old: Any) -> Any:
            return jnp.where(state.terminated.reshape((games,) + (1,) * (new.ndim - 1)), new, old)

        return jax.tree_util.tree_map(pick, fresh, state)

    return play


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("net")
    parser.add_argument("games", type=int)
    parser.add_argument("--tiny", action="store_true")
    words = parser.parse_args()
    blocks, channels = map(int, words.net.split("x"))
    simulations, seconds = (8, 1.0) if words.tiny else (32, 4.0)
    dtype = jnp.float32 if words.tiny else jnp.bfloat16
    games = words.games
    env = pgx.make("connect_four")
    forward = net_of(blocks, channels, dtype)
    play = player_of(env, forward, games, simulations)
    key = jax.random.PRNGKey(0)
    state = jax.vmap(env.init)(jax.random.split(key, games))
    params = jax.tree_util.tree_map(
        lambda weights: weights.astype(dtype), forward.init(key, state.observation)
    )

    def move() -> Any:
        nonlocal state, key
        key, sub = jax.random.split(key)
        state = play(params, sub, state)
        return state.observation

    start = time.perf_counter()
    move().block_until_ready()
    compiling = time.perf_counter() - start
    alone = jax.jit(forward.apply)
    rates = {
        "simulations_per_s": games * simulations * per_second(move, seconds),
        "net_positions_per_s": games
        * per_second(lambda: alone(params, state.observation)[0], seconds / 2),
    }
    print(json.dumps(rates | {"compiling_s": compiling, "on": jax.devices()[0].platform}))


def per_second(call: Callable[[], Any], seconds: float) -> float:
    call().block_until_ready()
    start, calls = time.perf_counter(), 0
    while time.perf_counter() - start < seconds:
        call().block_until_ready()
        calls += 1
    return calls / (time.perf_counter() - start)


if __name__ == "__main__":
    main()
