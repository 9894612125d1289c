"""Actors of tests: what they play, and all that came of it, to be compared bit for bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

import envs
from selfplay import arrays
from selfplay.actors import Actors, Setup
from selfplay.actors.actor import ActorSection
from selfplay.nets import Net, ResNet
from selfplay.nets.inference import EvaluatorSection
from selfplay.search import Gumbel

GAME = envs.make("tictactoe")


def a_net(seed: int = 0) -> Net:
    torch.manual_seed(seed)
    return ResNet(channels=8, blocks=1).build(GAME)


def a_setup(net: Net, games: int, actors: int) -> Setup:
    inference = EvaluatorSection(device="cpu", precision="float32").inference(net, GAME)
    return Setup(GAME, Gumbel(simulations=4), ActorSection(games=games, threads=actors), inference)


def played(actors: Actors) -> list[Any]:
    """Two harvests under different weights, samples first, and the games under way, as arrays."""
    harvests = [actors.collect(a_net(seed), 60)[0] for seed in (0, 1)]
    samples = [field for harvest in harvests for field in arrays.leaves(harvest.samples)]
    sums = [np.array(harvest.tally) for harvest in harvests]
    records = [np.array(harvest.records) for harvest in harvests]
    states = [
        np.asarray(value)
        for state in actors.state_dict().values()
        for name, value in sorted(state.items())
    ]
    return samples + sums + records + states


def assert_same(mine: list[Any], theirs: list[Any]) -> None:
    for one, other in zip(mine, theirs, strict=True):
        np.testing.assert_array_equal(one, other)
