"""Learner: it fits, it transforms targets along with boards, it resumes to the bit."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from reference import random_positions, wide

from envs.connect4 import Connect4
from envs.tictactoe import TicTacToe
from selfplay import arrays
from selfplay.learning import checkpoint
from selfplay.learning.batches import tensors
from selfplay.learning.learner import Learner
from selfplay.learning.samples import listed, targets, transformed
from selfplay.learning.section import LearnerSection
from selfplay.nets import Mlp, Net, ResNet
from selfplay.types import Bool, Float, Game, Targets, Tried

GAME = TicTacToe()
STEADY = {"warmup_steps": 0, "decay_from": 1.0, "symmetries": False}


def learner_of(
    game: Game, net: Mlp | ResNet | None = None, seed: int = 0, **section: Any
) -> Learner:
    torch.manual_seed(seed)
    built = (net or Mlp(width=32)).build(game)
    return Learner(built, LearnerSection(**section), game, "cpu", autocast=False, seed=seed)


def random_samples(game: Game, count: int, seed: int = 0) -> Targets:
    """Random positions with random targets."""
    rng = np.random.default_rng(seed)
    state = random_positions(game, rng, count, 5)
    legal = game.legal(state)
    policy, reply = random_policies(rng, legal), random_policies(rng, np.ones_like(legal))
    value = rng.dirichlet([1, 1, 1], count).astype(np.float32)
    return targets(game.observe(state), legal, policy, value)._replace(
        reply_actions=listed(np.ones_like(legal)), reply=reply
    )


def random_policies(rng: np.random.Generator, legal: Bool) -> Float:
    policy = rng.random(legal.shape) * legal
    return (policy / policy.sum(1, keepdims=True)).astype(np.float32)


def distinct(samples: Targets) -> Targets:
    """One sample of each position: targets that contradict each other cannot be fitted."""
    keys = arrays.hash_rows(samples.obs)[:, 0]
    samples_once: Targets = arrays.take(samples, np.unique(keys, return_index=True)[1])
    return samples_once


def weights(net: Net) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in net.state_dict().items()}


def assert_same_weights(a: Net, b: Net) -> None:
    for name, tensor in a.state_dict().items():
        assert torch.equal(tensor, b.state_dict()[name]), name


@pytest.mark.parametrize(
    ("net", "optimizer", "lr", "steps"),
    [(Mlp(width=64), "sgd", 0.05, 500), (ResNet(channels=16, blocks=1), "adamw", 5e-3, 150)],
)
def test_overfits_one_batch(net: Mlp | ResNet, optimizer: str, lr: float, steps: int) -> None:
    samples = distinct(random_samples(GAME, 24))
    learner = learner_of(GAME, net, optimizer=optimizer, lr=lr, weight_decay=0, **STEADY)
    before = learner.fit(samples, 1, 0.0)
    learner.fit(samples, steps, 0.0)
    after = learner.fit(samples, 1, 0.0)
    assert before.kl > 0.1
    assert after.kl < 0.02  # the loss itself cannot fall below the entropy of the targets
    assert after.value_explained > 0.95
    assert after.value_loss < before.value_loss


def test_losses_by_hand() -> None:
    """A net with all weights zero says: all moves alike, win, draw and loss alike."""
    samples = random_samples(GAME, 2)._replace(
        actions=np.array([[0, 1, -1, -1], [0, 1, 2, 3]], np.int8),
        policy=np.array([[1, 0, 0, 0], [0.25] * 4], np.float32),
        value=np.array([[1, 0, 0], [0, 0, 1]], np.float32),
        policy_weight=np.array([1, 3], np.float32),
    )
    learner = learner_of(GAME, **STEADY)
    with torch.no_grad():
        for parameter in learner.net.parameters():
            parameter.zero_()
    fit = learner.fit(samples, 1, 0.0)
    policy_loss = (math.log(2) + 3 * math.log(4)) / 4
    assert fit.policy_loss == pytest.approx(policy_loss, rel=1e-5)
    assert fit.kl == pytest.approx(policy_loss - 3 * math.log(4) / 4, rel=1e-4)
    assert fit.value_loss == pytest.approx(math.log(3), rel=1e-5)
    assert fit.value_explained == pytest.approx(0.0, abs=1e-6)  # guesses 0, the target's mean
    assert fit.steps == 1


def test_targets_turn_with_the_board() -> None:
    """Planted: the reply is sure of the cell with the only stone, the policy of all others."""
    first = np.arange(9).repeat(40)
    state, _ = GAME.step(GAME.init(np.random.default_rng(0), len(first)), first.astype(np.int32))
    planted = np.eye(9, dtype=np.float32)[first]
    everything = np.ones_like(planted, np.bool_)
    samples = targets(GAME.observe(state), planted == 0, 1 - planted, planted[:, :3])._replace(
        reply_actions=listed(everything), reply=planted
    )
    turned = transformed(GAME, samples, np.random.default_rng(0))
    stone = turned.obs.planes[:, 1].reshape(-1, 9)
    np.testing.assert_array_equal(wide(turned.actions, turned.policy, 9), 1 - stone)
    np.testing.assert_array_equal(wide(turned.reply_actions, turned.reply, 9), stone)
    # a corner comes to lie in each corner alike: 160 corners into 4, within 3 sigma
    corners = stone[np.isin(first, [0, 2, 6, 8])].sum(0)[[0, 2, 6, 8]]
    np.testing.assert_allclose(corners, 40, atol=3 * math.sqrt(160 * 0.25 * 0.75))
    assert (stone[first == 4].argmax(1) == 4).all()
    np.testing.assert_array_equal(samples.actions, listed(planted == 0))  # it is untouched


@pytest.mark.parametrize("symmetries", [True, False])
def test_learns_the_mirror_image_too(symmetries: bool) -> None:
    """Planted: only boards with the stone left of the middle, where the left corner is right."""
    game = Connect4(5, 4, 3)
    state, _ = game.step(game.init(np.random.default_rng(0), 64), np.ones(64, np.int32))
    policy = np.tile(np.eye(5, dtype=np.float32)[0], (64, 1))
    value = np.tile(np.float32([0, 1, 0]), (64, 1))
    samples = targets(game.observe(state), game.legal(state), policy, value)
    learner = learner_of(game, lr=5e-3, warmup_steps=0, symmetries=symmetries)
    learner.fit(samples, 200, 0.0)
    mirrored, _ = game.step(game.init(np.random.default_rng(0), 1), np.array([3], np.int32))
    with torch.no_grad():
        planes = torch.from_numpy(game.observe(mirrored).planes)
        share = torch.softmax(learner.net([planes]).policy_MA, 1)[0]
    assert (share[4] > 0.9) == symmetries


@pytest.mark.parametrize(
    ("progress", "rate"),
    [(0.0, 1.0), (0.5, 1.0), (0.6, 1.0), (0.7, 0.8), (0.8, 0.6), (1.0, 0.2), (1.5, 0.2)],
)
def test_learning_rate_falls_as_by_hand(progress: float, rate: float) -> None:
    learner = learner_of(TicTacToe(), lr=1.0, final_lr=0.2, decay_from=0.6, warmup_steps=0)
    assert learner._rate(progress) == pytest.approx(rate)


def test_learning_rate_warms_up_step_by_step() -> None:
    learner = learner_of(GAME, lr=0.01, warmup_steps=4, decay_from=1.0)
    samples = random_samples(GAME, 8)
    rates = [learner.fit(samples, 1, 0.0).lr for _ in range(6)]
    assert rates == pytest.approx([0.0025, 0.005, 0.0075, 0.01, 0.01, 0.01])


def test_no_steps_change_nothing() -> None:
    learner = learner_of(GAME)
    assert learner.acting is learner.net  # nothing is averaged
    before = weights(learner.net)
    fit = learner.fit(random_samples(GAME, 8), 0, 0.0)
    assert fit.steps == 0
    assert math.isnan(fit.policy_loss)
    assert all(torch.equal(before[name], t) for name, t in learner.net.state_dict().items())


def test_averaged_weights_follow_as_by_hand() -> None:
    learner = learner_of(GAME, average=0.9, **STEADY)
    samples = random_samples(GAME, 16)
    steps = [weights(learner.net)]
    assert learner.acting is not learner.net
    for parts in ((2, 9), (2, 9, 33), (2, 9, 33, 99)):  # 2/11, 3/12, 4/13 of the mean before stay
        learner.fit(samples, 1, 0.0)
        steps.append(weights(learner.net))
        for name, tensor in learner.acting.state_dict().items():
            together = sum(part * step[name] for part, step in zip(parts, steps, strict=True))
            torch.testing.assert_close(tensor, together / sum(parts))


def test_policies_of_weight_zero_have_no_effect() -> None:
    samples = random_samples(GAME, 32)
    samples.policy_weight[::2] = 0
    other = samples.policy.copy()
    other[::2] = random_samples(GAME, 32, seed=5).policy[::2]
    one, two = (learner_of(GAME, **STEADY) for _ in range(2))
    one.fit(samples, 5, 0.0)
    two.fit(samples._replace(policy=other), 5, 0.0)
    assert_same_weights(one.net, two.net)
    changed = samples.policy_weight.copy()
    changed[0] = 1
    two.fit(samples._replace(policy_weight=changed), 1, 0.0)
    one.fit(samples, 1, 0.0)
    assert not torch.equal(one.net.heads.policy.weight, two.net.heads.policy.weight)


def test_samples_without_any_policy_still_teach_the_value() -> None:
    samples = distinct(random_samples(GAME, 24))
    samples = samples._replace(policy_weight=np.zeros_like(samples.policy_weight))
    learner = learner_of(GAME, Mlp(width=64), lr=5e-3, weight_decay=0, **STEADY)
    policy_head = weights(learner.net.heads.policy)
    learner.fit(samples, 300, 0.0)
    assert learner.fit(samples, 1, 0.0).value_explained > 0.95
    for name, tensor in learner.net.heads.policy.state_dict().items():
        assert torch.equal(tensor, policy_head[name])


@pytest.mark.parametrize(
    "net", [Mlp(reply_head=True), ResNet(channels=8, blocks=2, reply_head=True)]
)
def test_every_parameter_gets_a_gradient(net: Mlp | ResNet) -> None:
    learner = learner_of(GAME, net)
    with torch.no_grad():  # blocks start as the identity, which would hide what lies behind
        for parameter in learner.net.parameters():
            if parameter.requires_grad and parameter.ndim == 1:
                parameter.add_(0.1)
    loss, _ = learner._descent.loss(tensors("cpu", random_samples(GAME, 64)))
    loss.backward()
    for name, parameter in learner.net.named_parameters():
        if parameter.requires_grad:
            assert parameter.grad is not None, name
            assert float(parameter.grad.abs().sum()) > 0, name


def test_reply_head_learns_the_replies() -> None:
    samples = distinct(random_samples(GAME, 24))
    net = Mlp(width=64, reply_head=True)
    learner = learner_of(GAME, net, lr=5e-3, weight_decay=0, reply_weight=1.0, **STEADY)
    learner.fit(samples, 500, 0.0)
    with torch.no_grad():
        heads = learner.net([torch.from_numpy(samples.obs.planes)])
        log_reply = torch.log_softmax(heads.reply_MA, 1)
    reply = torch.from_numpy(samples.reply)  # its lists are of all actions
    assert float((reply * (reply.log() - log_reply)).sum(1).mean()) < 0.02


def test_unknown_replies_have_no_effect() -> None:
    net = Mlp(width=16, reply_head=True)
    samples = random_samples(GAME, 16)._replace(
        reply_actions=np.zeros((16, 0), np.int8), reply=np.zeros((16, 0), np.float32)
    )
    one, two = (learner_of(GAME, net, weight_decay=0, reply_weight=w, **STEADY) for w in (0, 1))
    one.fit(samples, 3, 0.0)
    two.fit(samples, 3, 0.0)
    assert_same_weights(one.net, two.net)


def test_every_sample_is_drawn_equally_often() -> None:
    learner = learner_of(GAME, batch=8)
    rows = np.concatenate(list(learner._batches(20, 10)))
    # a permutation of 20 gives two batches of 8; five of them: each sample 3 to 5 times
    counts = np.bincount(rows, minlength=20)
    assert counts.sum() == 80
    assert counts.max() <= 5
    for start in range(0, 80, 16):
        assert len(set(rows[start : start + 16].tolist())) == 16
    assert [len(batch) for batch in learner._batches(3, 2)] == [3, 3]


def test_same_seed_same_weights() -> None:
    samples = random_samples(GAME, 64)
    one, two, other = (learner_of(GAME, batch=16, seed=seed) for seed in (0, 0, 1))
    for learner in (one, two, other):
        learner.fit(samples, 20, 0.3)
    assert_same_weights(one.net, two.net)
    assert not torch.equal(one.net.heads.value.weight, other.net.heads.value.weight)


@pytest.mark.parametrize(("optimizer", "average"), [("adamw", 0.99), ("sgd", 0.0), ("muon", 0.99)])
def test_goes_on_from_a_saved_state_to_the_bit(
    optimizer: str, average: float, tmp_path: Any
) -> None:
    samples = random_samples(GAME, 64)
    net = ResNet(channels=8, blocks=1)
    options = {"optimizer": optimizer, "average": average, "batch": 16, "warmup_steps": 20}
    straight = learner_of(GAME, net, **options)
    straight.fit(samples, 10, 0.1)
    checkpoint.save(tmp_path / "1.pt", {"net": {}, "learner": straight.state_dict()})
    resumed = learner_of(GAME, net, seed=9, **options)
    resumed.load_state_dict(checkpoint.load(tmp_path / "1.pt")["learner"])
    a, b = straight.fit(samples, 10, 0.6), resumed.fit(samples, 10, 0.6)
    assert a == b
    assert_same_weights(straight.net, resumed.net)
    assert_same_weights(straight.acting, resumed.acting)


def test_a_batch_that_memory_cannot_hold_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    learner = learner_of(GAME)
    monkeypatch.setattr(learner.net, "forward", lambda fields: torch.empty(1 << 46))
    with pytest.raises(ValueError, match=r"memory is too small.*learner\.batch") as caught:
        learner.fit(random_samples(GAME, 20), steps=1, progress=0.0)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("steps", "flops", "forward", "warm"),
    [  # a step of 16 takes 3 x 16 forwards; the share is a tenth
        (100, None, 10.0, 100),
        (100, 480 * 1000, 10.0, 100),
        (100, 480 * 310, 10.0, 31),
        (100, 480 * 9, 10.0, 0),
        (5, 480 * 310, 10.0, 5),
    ],
)
def test_the_warm_up_is_a_share_of_the_budget_at_most(
    steps: int, flops: float | None, forward: float, warm: int
) -> None:
    section = LearnerSection(batch=16, warmup_steps=steps, warmup_share=0.1)
    assert section.within(flops, forward).warmup_steps == warm


def first_moves(game: Game, action: int, count: int) -> Tried:
    """The first move, played at chance 0.25 and better than expected."""
    obs = game.observe(game.init(np.random.default_rng(0), count))
    one = np.ones(count, np.float32)
    return Tried(
        obs,
        listed(np.ones((count, game.num_actions), np.bool_)),
        np.full(count, action, np.int32),
        0.25 * one,
        one,
        np.tile(np.float32([0, 1, 0]), (count, 1)),
    )


def test_tried_moves_turn_with_the_board() -> None:
    """Planted: a stone in a cell, and that a move into the cell behind it was tried."""
    first = np.arange(8).repeat(40)
    state, _ = GAME.step(GAME.init(np.random.default_rng(0), len(first)), first.astype(np.int32))
    samples = Tried(
        GAME.observe(state),
        listed(GAME.legal(state)),
        (first + 1).astype(np.int32),
        np.linspace(0, 1, len(first), dtype=np.float32),
        np.linspace(-1, 1, len(first), dtype=np.float32),
        np.tile(np.float32([0, 1, 0]), (len(first), 1)),
    )
    turned = transformed(GAME, samples, np.random.default_rng(0))
    stone = turned.obs.planes[:, 1].reshape(-1, 9).argmax(1)
    for name in ("chance", "advantage", "value"):
        np.testing.assert_array_equal(getattr(turned, name), getattr(samples, name))
    # the images of two cells lie as far apart as the cells
    pairs = (first, first + 1), (stone, turned.action)
    before, after = (np.hypot(a % 3 - b % 3, a // 3 - b // 3) for a, b in pairs)
    np.testing.assert_allclose(before, after)
    # all but the middle cell lie in one of four places, within 3 sigma
    moved = (stone != first)[first != 4]
    assert abs(moved.mean() - 0.75) < 3 * (0.75 * 0.25 / len(moved)) ** 0.5
    free = [set(row) - {-1} for row in turned.actions.tolist()]
    assert all(free[i] == set(range(9)) - {int(cell)} for i, cell in enumerate(stone))


@pytest.mark.parametrize(("clip", "mirrored"), [(0.9, True), (0.0, False)])
def test_moves_tried_on_one_side_are_learned_on_the_other(clip: float, mirrored: bool) -> None:
    """Plain REINFORCE, which is for the net's own moves, learns from them as they were played."""
    game = Connect4(5, 4, 3)
    learner = learner_of(game, lr=5e-3, warmup_steps=0, clip=clip, entropy_weight=0.0)
    learner.fit(first_moves(game, 0, 64), 60, 0.0)
    with torch.no_grad():
        planes = torch.from_numpy(game.observe(game.init(np.random.default_rng(0), 1)).planes)
        left, *_, right = torch.softmax(learner.net([planes]).policy_MA, 1)[0].tolist()
    assert left > 0.3
    assert (right > 0.3) == mirrored
