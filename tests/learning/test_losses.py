"""Losses, by hand: a net that answers with given logits, probabilities that are easy to add up."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from selfplay.learning import losses
from selfplay.learning.section import LearnerSection
from selfplay.nets import Heads
from selfplay.types import Targets, Tried

HALF, QUARTER, THIRD = math.log(2), math.log(4), math.log(3)


def said(policy: list[list[float]], legal: list[list[int]], reply: Any = None) -> losses.Answers:
    """What a net says that gives moves these odds, and win, draw and loss alike.

    ``legal`` lists the moves.
    """
    heads = Heads(
        torch.tensor(policy).log(),
        torch.zeros(len(policy), 3),
        None if reply is None else torch.tensor(reply).log(),
    )
    return losses.answers(heads, torch.tensor(legal))


def test_illegal_moves_have_no_probability() -> None:
    log_policy = said([[2.0, 5.0, 6.0]], [[0, 2, -1]]).log_policy_MA
    torch.testing.assert_close(log_policy.exp(), torch.tensor([[0.25, 0.0, 0.75]]))


def test_targets_by_hand() -> None:
    """Odds 1:1 of two moves and 1:1:2 of three; a sure reply of probability 1/4."""
    batch = Targets(
        obs=(),
        actions=torch.tensor([[0, 1, -1], [0, 1, 2]]),
        policy=torch.tensor([[1.0, 0, 0], [0.25, 0.25, 0.5]]),
        value=torch.tensor([[1.0, 0, 0], [0, 0, 1.0]]),
        reply_actions=torch.tensor([[1], [-1]]),
        reply=torch.tensor([[1.0], [0]]),
        policy_weight=torch.tensor([1.0, 3.0]),
        value_weight=torch.tensor([1.0, 1.0]),
    )
    odds = [[1.0, 1.0, 7.0], [1.0, 1.0, 2.0]]
    answer = said(odds, batch.actions.tolist(), reply=[[1.0, 1.0, 2.0]] * 2)
    section = LearnerSection(value_weight=2.0, reply_weight=0.5)
    loss, measured = losses.loss_of(batch, answer, section)
    entropy = 0.5 * QUARTER + 0.5 * HALF  # of 1/4, 1/4, 1/2
    policy_loss = (HALF + 3 * entropy) / 4
    assert float(measured.policy_loss) == pytest.approx(policy_loss)
    assert float(measured.kl) == pytest.approx(HALF / 4)  # the second target is what the net says
    assert float(measured.value_loss) == pytest.approx(THIRD)
    assert float(loss) == pytest.approx(policy_loss + 2 * THIRD + 0.5 * QUARTER / 2)
    # returns 1 and -1, of which the net expects 0
    assert [float(each) for each in measured[3:]] == pytest.approx([1.0, 0.0, 1.0, 1.0])
    assert losses.value_explained(losses.Measured(*map(float, measured))) == pytest.approx(0.0)


def tried(*advantages: float) -> Tried:
    """The first of two moves, played at probability 1/2 when it was, of these advantages."""
    count = len(advantages)
    return Tried(
        obs=(),
        actions=torch.tensor([[0, 1]] * count),
        action=torch.zeros(count, dtype=torch.int32),
        chance=torch.full((count,), 0.5),
        advantage=torch.tensor(advantages),
        value=torch.tensor([[0, 1.0, 0]] * count),
    )


@pytest.mark.parametrize(
    ("now", "advantage", "gain", "slope"),
    [  # the slope towards the logit: ratio (1 - now) advantage, where it is not clipped
        (0.5, 2.0, 2.0, 1.0),
        (0.55, 2.0, 2.2, 0.99),
        (0.75, 2.0, 2.4, 0.0),  # ratio 1.5, held at 1.2: no more is gained
        (0.75, -2.0, -3.0, -0.75),  # what went wrong has no bound
        (0.25, 2.0, 1.0, 0.75),
        (0.25, -2.0, -1.6, 0.0),  # ratio 0.5, held at 0.8
    ],
)
def test_tried_moves_by_hand(now: float, advantage: float, gain: float, slope: float) -> None:
    logits = torch.tensor([[now, 1 - now]]).log().requires_grad_()
    heads = Heads(logits, torch.zeros(1, 3), None)
    batch = tried(advantage)
    section = LearnerSection(clip=0.2, entropy_weight=0.0, value_weight=1.0)
    loss, measured = losses.loss_of(batch, losses.answers(heads, batch.actions), section)
    loss.backward()
    assert float(measured.policy_loss) == pytest.approx(-gain)
    assert float(loss.detach()) == pytest.approx(-gain + THIRD)
    assert float(measured.kl) == pytest.approx(-math.log(now / 0.5))
    assert logits.grad is not None
    assert float(logits.grad[0, 0]) == pytest.approx(-slope, abs=1e-6)


def test_tried_moves_without_clipping_are_those_of_reinforce() -> None:
    """Both at probability 1/4; the entropy of 1/4 and 3/4 is log 4 - 3/4 log 3."""
    answer = said([[1.0, 3.0]] * 2, [[0, 1]] * 2)
    section = LearnerSection(clip=0.0, entropy_weight=0.1, value_weight=0.0)
    loss, measured = losses.loss_of(tried(3.0, -1.0), answer, section)
    assert float(measured.policy_loss) == pytest.approx((3 - 1) / 2 * QUARTER)
    assert float(loss) == pytest.approx(QUARTER - 0.1 * (QUARTER - 0.75 * THIRD))


def test_a_judgement_by_hand() -> None:
    batch = Targets(
        obs=(),
        actions=torch.tensor([[0, 1]] * 2),
        policy=torch.tensor([[1.0, 0], [0.5, 0.5]]),
        value=torch.tensor([[1.0, 0, 0], [0.5, 0.5, 0]]),
        reply_actions=torch.zeros(2, 0, dtype=torch.int8),
        reply=torch.zeros(2, 0),
        policy_weight=torch.tensor([1.0, 3.0]),
        value_weight=torch.tensor([2.0, 1.0]),
    )
    sums, weights = losses.judgement(batch, said([[1.0, 3.0], [1.0, 1.0]], [[0, 1]] * 2))
    surprise = QUARTER + 3 * HALF  # of which 3 HALF are the second target's own
    expected = [surprise, surprise - 3 * HALF, 3 * THIRD, 3 * THIRD - HALF, 3.0]
    assert sums.tolist() == pytest.approx(expected)
    assert weights.tolist() == [4, 4, 3, 3, 4]
