"""Muon: a step by hand through the singular values, AdamW for what is no matrix of the trunk."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from test_learner import GAME, random_samples, weights
from test_steps import RESNET, on_cpu

from selfplay.learning.batches import tensors
from selfplay.learning.learner import Learner
from selfplay.learning.muon import Muon


def moved(singular: list[float], shape: tuple[int, ...], gradients: int = 1) -> torch.Tensor:
    """What steps at rate 1 subtract of a weight whose gradients all have such singular values."""
    rng = np.random.default_rng(0)
    rows, columns = shape[0], int(np.prod(shape[1:]))
    u, v = (np.linalg.qr(rng.normal(size=(n, len(singular))))[0] for n in (rows, columns))
    weight = torch.nn.Parameter(torch.zeros(shape, dtype=torch.float64))
    optimizer = Muon([weight], [{"params": []}], 1.0, 0.0, lr=1.0, fused=True)
    for _ in range(gradients):
        weight.grad = torch.from_numpy(u @ np.diag(singular) @ v.T).view(shape)
        optimizer.step()
    return torch.from_numpy(u.T) @ -weight.detach().flatten(1) @ torch.from_numpy(v)


@pytest.mark.parametrize("shape", [(4, 2, 3, 3), (18, 4)], ids=["filters", "tall"])
def test_a_step_has_the_singular_values_of_the_polynomial(shape: tuple[int, ...]) -> None:
    """By hand: 0.6 and 0.8 have norm 1; five times 3.4445 x - 4.775 x^3 + 2.0315 x^5."""
    expected = np.array([0.6, 0.8, 0.0])
    for _ in range(5):
        expected = 3.4445 * expected - 4.775 * expected**3 + 2.0315 * expected**5
    scale = 0.2 * np.sqrt(18)
    step = moved([6.0, 8.0, 0.0], shape).numpy() / scale
    np.testing.assert_allclose(step, np.diag(expected), atol=1e-6)
    assert ((expected[:2] > 0.65) & (expected[:2] < 1.25)).all()
    # the size of a gradient does not matter, nor how many have gone the same way
    np.testing.assert_allclose(moved([0.06, 0.08, 0.0], shape) / scale, step, atol=1e-4)
    np.testing.assert_allclose(moved([6.0, 8.0, 0.0], shape, 3) / scale, 3 * step, atol=1e-6)


def test_a_step_is_as_large_as_one_of_adamw() -> None:
    """With all singular values alike its root mean square is about 0.2 of the rate."""
    step = moved([1.0] * 16, (16, 8, 3, 3)).numpy()
    size = np.sqrt((step**2).sum() / (16 * 72))
    assert size == pytest.approx(0.2, rel=0.3)


def after_a_step(optimizer: str, **options: float) -> tuple[Learner, dict[str, torch.Tensor]]:
    learner = on_cpu(GAME, RESNET, optimizer=optimizer, **options)
    with torch.no_grad():
        for parameter in learner.net.parameters():
            parameter.fill_(0.5) if parameter.ndim == 1 else None
    before = weights(learner.net)
    learner.net.train()
    learner._descent.prepare(0.01, 0.0)
    learner._descent(tensors("cpu", random_samples(GAME, 16)._replace()))
    return learner, {k: v - before[k] for k, v in learner.net.state_dict().items()}


def test_only_matrices_of_the_trunk_are_moved_otherwise() -> None:
    (muon, by_muon), (_, by_adamw) = after_a_step("muon"), after_a_step("adamw")
    (_, faster) = after_a_step("muon", muon_rate=6.0, weight_decay=0.0)
    (_, slower) = after_a_step("muon", muon_rate=1.0, weight_decay=0.0)
    matrices = {n for n, p in muon.net.named_parameters() if n.startswith("trunk") and p.ndim > 1}
    assert len(matrices) == 6  # the first convolution, four in the blocks, one pool
    for name, parameter in muon.net.named_parameters():
        same = torch.equal(by_muon[name], by_adamw[name])
        assert same == (name not in matrices or not parameter.requires_grad), name
        if name in matrices:
            torch.testing.assert_close(faster[name], 6 * slower[name])
    decayed = after_a_step("muon", weight_decay=0.5)[1]
    plain = after_a_step("muon", weight_decay=0.0)[1]
    before = on_cpu(GAME, RESNET).net.state_dict()
    for name in matrices:  # rate 3 x 0.01, decay 0.5
        torch.testing.assert_close(decayed[name] - plain[name], -0.015 * before[name])
