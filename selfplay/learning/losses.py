"""What a net is to make small: one loss for targets, one for moves that were tried.

Shape suffixes as in nets: M samples, A actions, L listed ones, 3 = win, draw, loss.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from selfplay.learning.section import LearnerSection
from selfplay.nets import Heads
from selfplay.nets.reduction import summed_tensor
from selfplay.types import NO_ACTION, Tried

_ILLEGAL = -1e9  # logit in place of -inf: 0 times it is 0


class Measured(NamedTuple):
    """What is measured of one batch (tensors), or on average over batches (numbers)."""

    policy_loss: Any  # cross-entropy of the policy target; for tried moves what is minimised
    kl: Any  # divergence from the policy target; for tried moves from the policy that played
    value_loss: Any  # cross-entropy of win, draw, loss
    value_error: Any  # mean square error of the expected value
    value_mean: Any  # mean of the targets' expected value
    value_square: Any  # mean of its square
    weight: Any  # what the last three are to be divided by: 1, or 0 where no value has a weight


def value_explained(mean: Measured) -> float:
    """The share of the variance of the targets' expected value that the net explains, at most 1."""
    variance = mean.value_square / mean.weight - (mean.value_mean / mean.weight) ** 2
    return float(1 - mean.value_error / mean.weight / variance) if variance > 0 else 0.0


class Answers(NamedTuple):
    """What a net says of M positions."""

    log_policy_MA: Tensor  # log-probabilities of the moves
    log_value_M3: Tensor  # log-probabilities of win, draw, loss
    log_reply_MA: Tensor | None  # log-probabilities of the moves after the one played


def answers(heads: Heads, legal_ML: Tensor) -> Answers:
    """The log-probabilities that a net's logits stand for; moves that are not listed have none."""
    logits, reply = heads.policy_MA.float(), heads.reply_MA
    illegal = _spread(legal_ML, (legal_ML != NO_ACTION).float(), logits) == 0
    return Answers(
        functional.log_softmax(logits.masked_fill(illegal, _ILLEGAL), 1),
        functional.log_softmax(heads.value_M3.float(), 1),
        None if reply is None else functional.log_softmax(reply.float(), 1),
    )


def loss_of(batch: Any, said: Answers, section: LearnerSection) -> tuple[Tensor, Measured]:
    """The loss of a batch of Samples (with tensors for arrays), and what is measured of it."""
    return (tried_loss if isinstance(batch, Tried) else targets_loss)(batch, said, section)


def targets_loss(batch: Any, said: Answers, section: LearnerSection) -> tuple[Tensor, Measured]:
    """Cross-entropies of policy, value and reply; each sample counts by its weights.

    A reply counts as much as the value: it is wrong where the game went on from a blunder.
    """
    policy_share, value_share = _shares(batch.policy_weight), _shares(batch.value_weight)
    policy_MA = _spread(batch.actions, batch.policy, said.log_policy_MA)
    surprise = _cross_entropy(policy_MA, said.log_policy_MA)
    policy_loss = (surprise * policy_share).sum()
    value_loss = (_cross_entropy(batch.value, said.log_value_M3) * value_share).sum()
    loss = policy_loss + section.value_weight * value_loss
    if said.log_reply_MA is not None:
        reply_MA = _spread(batch.reply_actions, batch.reply, said.log_reply_MA)
        reply_loss = (_cross_entropy(reply_MA, said.log_reply_MA) * value_share).sum()
        loss = loss + section.reply_weight * reply_loss
    kl = ((surprise.detach() - _entropy(policy_MA)) * policy_share).sum()
    return loss, _measured(batch.value, said, value_share, policy_loss, kl, value_loss)


def tried_loss(batch: Any, said: Answers, section: LearnerSection) -> tuple[Tensor, Measured]:
    """What makes moves likelier that turned out well, with the cross-entropy of the value.

    The clipped objective of Schulman et al. 2017, eq. 7, or, without clipping, that of Williams
    1992 (REINFORCE); the policy's entropy keeps it from narrowing.
    """
    share = _shares(torch.ones_like(batch.chance))
    log_chance = said.log_policy_MA.gather(1, batch.action.long()[:, None])[:, 0]
    gain = log_chance * batch.advantage
    if section.clip:
        ratio = torch.exp(log_chance) / batch.chance
        clipped = ratio.clamp(1 - section.clip, 1 + section.clip)
        gain = torch.minimum(ratio * batch.advantage, clipped * batch.advantage)
    policy_loss = (-gain * share).sum()
    value_loss = (_cross_entropy(batch.value, said.log_value_M3) * share).sum()
    loss = policy_loss + section.value_weight * value_loss
    if section.entropy_weight:
        entropy = _cross_entropy(said.log_policy_MA.exp(), said.log_policy_MA)
        loss = loss - section.entropy_weight * (entropy * share).sum()
    kl = ((batch.chance.log() - log_chance.detach()) * share).sum()
    return loss, _measured(batch.value, said, share, policy_loss, kl, value_loss)


class Judgement(NamedTuple):
    """How well a net predicts samples that it is not learning from, each counted by its weight."""

    policy_loss: float  # cross-entropy of the policy target, nats
    policy_kl: float  # policy_loss less the entropy of the target
    value_loss: float  # cross-entropy of win, draw, loss, nats
    value_kl: float  # value_loss less the entropy of the target
    accuracy: float  # share of positions where the net's favourite is the target's


def judgement(batch: Any, said: Answers) -> Tensor:
    """[2, 5] f64, sums over a batch of Targets of what a Judgement holds the means of, weighted,
    and of the weights.
    """
    policy_MA = _spread(batch.actions, batch.policy, said.log_policy_MA)
    policy_loss = _cross_entropy(policy_MA, said.log_policy_MA)
    value_loss = _cross_entropy(batch.value, said.log_value_M3)
    agrees = said.log_policy_MA.argmax(1) == policy_MA.argmax(1)
    of_policy, of_value = batch.policy_weight, batch.value_weight
    columns = (
        (policy_loss, of_policy),
        (policy_loss - _entropy(policy_MA), of_policy),
        (value_loss, of_value),
        (value_loss - _entropy(batch.value), of_value),
        (agrees, of_policy),
    )
    sums = [torch.stack([(each.double() * w).sum(), w.double().sum()]) for each, w in columns]
    return torch.stack(sums, 1)


def _spread(actions_ML: Tensor, values_ML: Tensor, like_MA: Tensor) -> Tensor:
    """[M, A], the values at the listed actions, 0 elsewhere; 0 stands behind the last of a list."""
    return torch.zeros_like(like_MA).scatter_add_(1, actions_ML.clamp_min(0).long(), values_ML)


def _cross_entropy(target: Tensor, log_guess: Tensor) -> Tensor:
    """[M], of the probabilities ``target`` [M, K]."""
    return -(target * log_guess).sum(1)


def _entropy(target: Tensor) -> Tensor:
    """[M], of the probabilities ``target`` [M, K]."""
    return -torch.xlogy(target, target).sum(1)


def _shares(weight: Tensor) -> Tensor:
    """[M], what each sample counts; their sum is 1, or 0 where no sample has a weight.

    It is the sum over all threads that work on the batch.
    """
    return weight / summed_tensor(weight.sum()).clamp_min(1e-6)


@torch.no_grad()
def _measured(
    value: Tensor, said: Answers, share: Tensor, policy_loss: Tensor, kl: Tensor, value_loss: Tensor
) -> Measured:
    """All that is measured, with what tells how much of the value is explained."""
    target, guess = value[:, 0] - value[:, 2], said.log_value_M3.exp()
    error = (target - (guess[:, 0] - guess[:, 2])) ** 2
    error, mean, square = ((each * share).sum() for each in (error, target, target**2))
    weight = share.sum()
    return Measured(policy_loss.detach(), kl, value_loss.detach(), error, mean, square, weight)
