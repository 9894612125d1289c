"""``learner.precision``: the numbers that a step computes in, whatever games are played in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from test_learner import random_samples
from tiny_runs import GAME, TINY

from selfplay.config import parse_config
from selfplay.learning.section import LearnerSection
from selfplay.training.folder import RunFolder
from selfplay.training.run import Training


@pytest.mark.parametrize(
    ("precision", "plays_in", "computes_in"),
    [
        ("auto", "float32", torch.float32),
        ("auto", "bfloat16", torch.bfloat16),
        ("bfloat16", "float32", torch.bfloat16),
        ("float32", "bfloat16", torch.float32),
    ],
)
def test_a_step_computes_in_what_is_asked_for(
    precision: Any, plays_in: str, computes_in: torch.dtype, tmp_path: Path
) -> None:
    """And leaves weights, gradients and what Adam remembers in float32."""
    section = LearnerSection(precision=precision)
    assert section.autocasts(plays_in == "bfloat16") == (computes_in == torch.bfloat16)
    learner = {**TINY["learner"], "precision": precision}
    config = parse_config({**TINY, "learner": learner, "evaluator": {"precision": plays_in}})
    training = Training(RunFolder(tmp_path), config)
    net, seen = training.parts.learner.net, set()
    for module in net.modules():
        if isinstance(module, torch.nn.Linear):
            module.register_forward_hook(lambda _, taken, made: seen.add(made.dtype))
    before = [weights.clone() for weights in net.parameters()]
    fit = training.parts.learner.fit(random_samples(GAME, 64), 2, 0.0)
    training.loop.close()
    assert seen == {computes_in}
    assert 0 < fit.grad_norm < 100
    assert not any(map(torch.equal, before, net.parameters()))
    kept = training.parts.learner.state_dict()["optimizer"]["state"].values()
    moments = [state["exp_avg"] for state in kept]
    for tensors in (net.parameters(), [w.grad for w in net.parameters()], moments):
        assert {tensor.dtype for tensor in tensors} == {torch.float32}
