"""Section ``[learner]``: how a net learns from samples."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from selfplay.section import Section


class LearnerSection(Section):
    """Section ``[learner]``."""

    optimizer: Literal["adamw", "sgd", "muon"] = "adamw"
    """or `"sgd"`, with Nesterov momentum 0.9, or `"muon"`: the matrices of the trunk (convolutions)
    by Muon (Jordan et al. 2024), all else by AdamW"""
    lr: float = Field(2e-3, gt=0, le=1e3)
    """learning rate"""
    muon_rate: float = Field(3.0, gt=0, le=1e3)
    """of `muon`: the learning rate of what it moves, in multiples of `lr`"""
    final_lr: float = Field(0.05, ge=0, le=1)
    """share of it left at the end of the budget"""
    decay_from: float = Field(0.5, ge=0, le=1)
    """share of the budget after which it falls linearly"""
    warmup_steps: int = Field(100, ge=0, le=10**9)
    """steps over which it rises linearly from 0"""
    warmup_share: float = Field(0.02, ge=0, le=1)
    """of `budget.flops`, where there are such: after so much it has risen in fewer steps"""
    weight_decay: float = Field(1e-4, ge=0, le=1e3)
    """of weights, not of biases and norms"""
    batch: int = Field(512, ge=1, le=1 << 20)
    """positions a step"""
    reuse: float = Field(2.0, gt=0, le=1e3)
    """replay ratio: how often each new position is learned from"""
    value_weight: float = Field(1.0, ge=0, le=1e6)
    """of the value loss"""
    reply_weight: float = Field(0.15, ge=0, le=1e6)
    """of the reply loss, with `net.reply_head`"""
    max_grad_norm: float = Field(5.0, gt=0, le=1e9)
    """larger gradients are scaled down to this norm"""
    precision: Literal["auto", "bfloat16", "float32"] = "auto"
    """`"bfloat16"`: a step's products are taken in it (torch's autocast), while weights,
    gradients and the optimizer stay in float32; `"float32"`: none are; auto: as nets that play
    compute, which `evaluator.precision` says"""
    average: float = Field(0.0, ge=0, lt=1)
    """decay a step of averaged weights, which then act; 0: the latest weights act"""
    symmetries: bool = True
    """learn from randomly transformed positions, if the game has symmetries; plain REINFORCE
    (`clip = 0`) learns from them as they were played"""
    clip: float = Field(0.2, ge=0, lt=1)
    """of `policy_gradient`: how far the probability of a move may change, as in PPO; 0: no bound,
    plain REINFORCE"""
    entropy_weight: float = Field(0.01, ge=0, le=1e6)
    """of `policy_gradient`: keeps the policy from narrowing"""

    def within(self, flops: float | None, forward: float) -> LearnerSection:
        """The section for a run of so many FLOPs in all, whose net takes ``forward`` a position.

        Its warm-up is ``warmup_share`` of them at most, a step counted as three forward passes.
        """
        if flops is None:
            return self
        most = int(self.warmup_share * flops / (3 * forward * self.batch))
        return self.model_copy(update={"warmup_steps": min(self.warmup_steps, most)})

    def autocasts(self, plays_in_bfloat16: bool) -> bool:
        """Whether steps compute in bfloat16 where nets that play do so or do not."""
        return plays_in_bfloat16 if self.precision == "auto" else self.precision == "bfloat16"
