"""Nets: shapes, costs counted by hand, and inference copies that answer the same."""

import re

import numpy as np
import pytest
import torch
from reference import random_positions

from envs.connect4 import Connect4
from envs.tictactoe import TicTacToe
from envs.toys import Nim
from selfplay.nets import (
    Mlp,
    Net,
    ResNet,
    enough_memory,
    forward_flops,
    obs_tensors,
    parameter_count,
)
from selfplay.types import Game

SECTIONS = {
    "mlp": Mlp(width=12),
    "mlp-reply": Mlp(width=12, layers=1, reply_head=True),
    "resnet": ResNet(channels=8, blocks=3, head_channels=4, value_width=8),
    "resnet-reply": ResNet(channels=8, blocks=2, pool_every=1, reply_head=True),
    "resnet-unpooled": ResNet(channels=8, blocks=2, pool_every=0),
}


def _worn(section: Mlp | ResNet, game: Game) -> Net:
    """A net whose batch statistics and skips are no longer those of a fresh one."""
    torch.manual_seed(0)
    net = section.build(game)
    for parameter in net.parameters():
        if parameter.requires_grad and parameter.dim() == 1:
            torch.nn.init.uniform_(parameter, -0.5, 1.0)
    net.train()
    for seed in range(3):
        net(obs_tensors(game.observe(random_positions(game, np.random.default_rng(seed), 64, 20))))
    return net


@pytest.mark.parametrize("name", SECTIONS)
def test_the_fused_net_answers_as_the_net_in_eval_mode(name: str) -> None:
    game = Connect4()
    net = _worn(SECTIONS[name], game)
    fused = net.fused()
    assert net.training  # the original goes on training
    fields = obs_tensors(game.observe(random_positions(game, np.random.default_rng(9), 50, 30)))
    with torch.inference_mode():
        expected, answer = net.eval()(fields), fused(fields)
    torch.testing.assert_close(answer.policy_MA, expected.policy_MA, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(answer.value_M3, expected.value_M3, atol=1e-4, rtol=1e-4)
    assert answer.reply_MA is None
    assert not any(isinstance(module, torch.nn.BatchNorm2d) for module in fused.modules())
    assert not any(parameter.requires_grad for parameter in fused.parameters())


@pytest.mark.parametrize("game", [TicTacToe(), Connect4(), Connect4(3, 8, 3)], ids=lambda g: g.name)
@pytest.mark.parametrize("name", SECTIONS)
def test_shapes_and_the_reply_head(name: str, game: Game) -> None:
    section = SECTIONS[name]
    net = section.build(game)
    heads = net(obs_tensors(game.observe(game.init(np.random.default_rng(0), 5))))
    assert heads.policy_MA.shape == (5, game.num_actions)
    assert heads.value_M3.shape == (5, 3)
    assert (heads.reply_MA is not None) == section.reply_head
    assert heads.reply_MA is None or heads.reply_MA.shape == (5, game.num_actions)


def test_flat_observations_are_for_the_mlp() -> None:
    game = Nim(10, 3)
    net = Mlp(width=8).build(game)
    heads = net(obs_tensors(game.observe(game.init(np.random.default_rng(0), 2))))
    assert heads.policy_MA.shape == (2, 3)
    with pytest.raises(ValueError, match=r"'resnet' needs .* nim-10-3 has \(11,\); .* 'mlp'"):
        ResNet().build(Nim(10, 3))


@pytest.mark.parametrize("name", SECTIONS)
def test_the_seed_decides_the_weights(name: str) -> None:
    game, section = TicTacToe(), SECTIONS[name]
    weights = []
    for seed in (3, 3, 4):
        torch.manual_seed(seed)
        state = section.build(game).state_dict()
        weights.append(torch.cat([tensor.flatten().float() for tensor in state.values()]))
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_the_cost_of_an_mlp_counted_by_hand() -> None:
    game = TicTacToe()  # 18 cells -> 10 -> 10 -> 9 actions and 3 outcomes
    net = Mlp(width=10, layers=2, reply_head=True).build(game)
    assert forward_flops(net, game) == 2 * (18 * 10 + 10 * 10 + 10 * 9 + 10 * 3)
    assert parameter_count(net) == 19 * 10 + 11 * 10 + 11 * 9 + 11 * 3 + 11 * 9


def test_the_cost_of_a_resnet_counted_by_hand() -> None:
    game = Connect4()
    section = ResNet(channels=4, blocks=2, pool_every=2, head_channels=3, value_width=5)
    stem, block = 2 * 4 * 9 * 42, 2 * (4 * 4 * 9 * 42)
    pool, squeeze = 8 * 4, 4 * 6 * 42
    heads = 3 * 42 * 7 + (3 * 42 + 8) * 5 + 5 * 3
    net = section.build(game)
    assert forward_flops(net, game) == 2 * (stem + 2 * block + pool + squeeze + heads)
    # a convolution has no bias but two numbers a channel of its normalisation
    convolutions = 2 * 4 * 9 + 8 + 4 * (4 * 4 * 9 + 8) + 4 * 6 + 12
    linear = 9 * 4 + (3 * 42 + 1) * 7 + (3 * 42 + 9) * 5 + 6 * 3
    assert parameter_count(net) == convolutions + linear


def test_a_fresh_block_passes_its_input_on() -> None:
    """The second normalisation starts at zero, so depth costs nothing at first."""
    game = Connect4()
    fields = obs_tensors(game.observe(random_positions(game, np.random.default_rng(0), 20, 20)))
    torch.manual_seed(0)
    net = ResNet(channels=8, blocks=4).build(game).eval()
    with torch.inference_mode():
        trunk = net.trunk(net.entry(fields))
        stem = net.trunk[1](net.trunk[0](net.entry(fields)))  # type: ignore[index]
    torch.testing.assert_close(trunk, stem)


LARGE = [Mlp.model_construct(width=10**6, layers=2), ResNet.model_construct(channels=10**6)]


@pytest.mark.parametrize("section", LARGE)
def test_a_net_that_memory_cannot_hold_is_refused_in_a_sentence(section: Mlp | ResNet) -> None:
    with pytest.raises(ValueError, match=r"machine's memory is too small.*net\.channels") as caught:
        section.build(TicTacToe())  # one layer of it would take terabytes
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (
            torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"),
            "the GPU's memory is too small for this; make smaller: it",
        ),
        (
            RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate`"),
            "the GPU's memory is too small for this; make smaller: it",
        ),
        (
            RuntimeError("GET was unable to find an engine to execute this computation"),
            "the GPU's memory is too small for this; make smaller: it",
        ),
        *(
            (
                RuntimeError(f"{what}\nmore"),
                f"the GPU failed ({what}); try again, or with evaluator.device=cpu",
            )
            for what in (
                "cuDNN error: CUDNN_STATUS_EXECUTION_FAILED",
                "CUDA driver error: device not ready",
                "nvrtc: error: failed to open libnvrtc-builtins.so",
                "Found no NVIDIA driver on your system.",
            )
        ),
        (
            RuntimeError("CUDA error: an illegal memory access\nFor debugging consider ..."),
            "the GPU failed (CUDA error: an illegal memory access); try again, or with "
            "evaluator.device=cpu",
        ),
    ],
)
def test_what_a_gpu_fails_at_is_one_sentence(error: RuntimeError, sentence: str) -> None:
    with pytest.raises(ValueError, match=rf"^{re.escape(sentence)}$"), enough_memory("it"):
        raise error


def test_other_errors_pass_as_they_are() -> None:
    with pytest.raises(RuntimeError, match=r"^sizes differ$"), enough_memory("it"):
        raise RuntimeError("sizes differ")
