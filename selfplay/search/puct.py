"""PUCT: the search of AlphaZero, with the forced playouts and target pruning of KataGo.

Silver et al. 2018, "A general reinforcement learning algorithm ..." (supplement, pseudocode);
Wu 2019, "Accelerating self-play learning in Go", section 3.2.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from selfplay.jit import bare_kernel
from selfplay.search import forest as forests
from selfplay.search import tree as trees
from selfplay.search.base import SearchSection, action_noise
from selfplay.search.model import WORST
from selfplay.search.tree import ROOT, RootSummary, Tree
from selfplay.stats import random_actions
from selfplay.types import Bool, Decision, Float, Int


class PuctRule(NamedTuple):
    """What simulations go by."""

    root_prior: Float  # [B, A] f32, the prior at the roots, noise mixed in
    before: Int  # [B, A] i32, visits the root's actions had before this search
    exploration: float  # c_init
    exploration_base: float  # c_base
    unvisited_penalty: float  # what an unvisited action is thought to be worse than its node
    forced: Float  # [B] f32, k of forced playouts, 0 for none
    ties: NDArray[np.uint64]  # [B] u64, see trees.lot


class Puct(SearchSection):
    """Section ``[search]`` with ``kind = "puct"``."""

    kind: Literal["puct"] = "puct"
    exploration: float = Field(1.25, gt=0, le=1e9)
    """c_init of AlphaZero"""
    exploration_base: float = Field(19652.0, gt=0, le=1e12)
    """c_base of AlphaZero"""
    unvisited_penalty: float = Field(0.2, ge=0, le=1e6)
    """an unvisited action counts as its node's value less this"""
    noise_share: float = Field(0.25, ge=0, le=1)
    """share of Dirichlet noise in the root's prior"""
    noise_total: float = Field(10.0, gt=0, le=1e6)
    """Dirichlet alpha times the number of legal moves"""
    forced: float = Field(2.0, ge=0, le=1e6)
    """k of the forced playouts; 0: none"""
    temperature: float = Field(1.0, ge=0, le=1e6)
    """moves are drawn by visits to the power of 1 / this; 0: the most visited"""

    def rule(
        self, forest: forests.Forest, rng: np.random.Generator, budget: Int, explore: Bool
    ) -> PuctRule:
        """The rule of one search, with fresh Dirichlet noise where it is to ``explore``."""
        summary = forest.summary()
        legal = summary.prior > 0
        count = np.maximum(legal.sum(axis=1, keepdims=True), 1)
        noise = action_noise(rng.gamma, self.noise_total / count, legal)
        ties, share = trees.tie_seeds(noise), self.noise_share * explore[:, None]
        noise *= legal  # all in place: arrays of many actions are slow to make
        noise /= np.maximum(noise.sum(axis=1, keepdims=True), 1e-30)
        noise *= share
        noise += (1 - share) * summary.prior
        options = self.exploration, self.exploration_base, self.unvisited_penalty
        forced = np.where(explore, self.forced, 0.0).astype(np.float32)
        return PuctRule(noise.astype(np.float32), summary.visits, *options, forced, ties)

    def decide(
        self, rule: PuctRule, summary: RootSummary, rng: np.random.Generator, explore: Bool
    ) -> Decision:
        """The share of the visits, pruned of forced ones, as policy; a move drawn by visits."""
        policy = np.empty(summary.prior.shape, np.float32)
        _prune(rule, summary, policy)
        weight = np.where(summary.dominated, 0.0, summary.visits)
        nothing = weight.sum(axis=1) == 0
        weight[nothing] = policy[nothing]
        action = np.empty(len(policy), np.int32)
        _choose(rule, summary, weight, action)
        if self.temperature > 0:
            weight /= weight.max(axis=1, keepdims=True)
            weight **= 1 / self.temperature
            action = np.where(explore, random_actions(weight, rng), action).astype(np.int32)
        visits = summary.visits - rule.before
        return Decision(action, policy, summary.value, visits, summary.qvalues)


@bare_kernel
def _exploration(rule: PuctRule, visits: trees.Number) -> trees.Number:
    """c(s) of the paper times the root of the visits."""
    growth = np.log((1.0 + visits + rule.exploration_base) / rule.exploration_base)
    reach: trees.Number = (growth + rule.exploration) * np.sqrt(visits)
    return reach


@bare_kernel
def _select(rule: PuctRule, tree: Tree, b: int, node: int) -> int:
    """The edge with the highest upper confidence bound, at the root forced ones first."""
    here = tree.nodes[b, node]
    low, high, visits = here.lower, here.upper, np.float32(here.visits)
    mean = min(max(here.total / visits, low), high)
    reach = _exploration(rule, visits + here.pending)
    best, best_action, best_score = trees.NONE, trees.NONE, -np.inf
    for e in range(here.first, here.end):
        edge = tree.edges[b, e]
        if trees.dominated(edge, low, high):
            continue
        a, count, q = edge.action, edge.visits, edge.qvalue
        if np.isnan(q):
            q = mean - rule.unvisited_penalty
        prior = rule.root_prior[b, a] if node == ROOT else edge.prior
        score = q + reach * prior / (1.0 + count)
        if node == ROOT and 0 < count < np.sqrt(rule.forced[b] * prior * visits):
            score += 1e6
        if trees.goes_before(score, best_score, rule.ties[b], node, a, best_action):
            best, best_action, best_score = e, a, score
    return best


@bare_kernel
def _select_root(rule: PuctRule, tree: Tree, b: int, simulation: int) -> int:
    return _select(rule, tree, b, ROOT)


@bare_kernel
def _favourite(rule: PuctRule, summary: RootSummary, weight: NDArray[np.floating], b: int) -> int:
    """The action of most ``weight`` [A], among equals the one that has done better."""
    best, best_q = trees.NONE, np.float32(-np.inf)
    for a in range(weight.shape[0]):
        if summary.dominated[b, a]:
            continue
        q = WORST if np.isnan(summary.qvalues[b, a]) else summary.qvalues[b, a]
        if best != trees.NONE and weight[a] != weight[best]:
            ahead = weight[a] > weight[best]
        else:
            ahead = trees.goes_before(q, best_q, rule.ties[b], ROOT, a, best)
        if ahead:
            best, best_q = a, q
    return best


@bare_kernel
def _choose(
    rule: PuctRule, summary: RootSummary, weight: NDArray[np.floating], action: Int
) -> None:
    """Fills ``action`` [B] with the favourites by ``weight`` [B, A]."""
    for b in range(action.shape[0]):
        action[b] = _favourite(rule, summary, weight[b], b)


@bare_kernel
def _prune(rule: PuctRule, summary: RootSummary, policy: Float) -> None:
    """``policy`` [B, A]: visits less those that only forcing explains (Wu 2019, section 3.2).

    Forced visits are taken back from an action as long as its bound stays below that of the most
    visited action; what then has a single visit is dropped.
    """
    for b in range(policy.shape[0]):
        total = 1.0
        for a in range(policy.shape[1]):
            policy[b, a] = 0.0 if summary.dominated[b, a] else summary.visits[b, a]
            total += summary.visits[b, a]
        favourite = _favourite(rule, summary, policy[b], b)
        reach = _exploration(rule, total)
        if rule.forced[b] > 0.0 and not np.isnan(summary.qvalues[b, favourite]):
            ceiling = summary.qvalues[b, favourite] + reach * rule.root_prior[b, favourite] / (
                1.0 + policy[b, favourite]
            )
            for a in range(policy.shape[1]):
                if a == favourite or policy[b, a] == 0.0:
                    continue
                spare = np.floor(np.sqrt(rule.forced[b] * rule.root_prior[b, a] * total))
                count = policy[b, a]
                while spare > 0 and count > 0:
                    bound = summary.qvalues[b, a] + reach * rule.root_prior[b, a] / count
                    if bound >= ceiling:
                        break
                    count -= 1.0
                    spare -= 1.0
                policy[b, a] = 0.0 if count <= 1.0 and policy[b, a] > 1.0 else count
        _normalise(policy[b], summary.prior[b], summary.dominated[b])


@bare_kernel
def _normalise(policy: Float, prior: Float, dominated: Float) -> None:
    """Scales ``policy`` [A] to sum 1; falls back to the prior where nothing was visited."""
    total = 0.0
    for a in range(policy.shape[0]):
        total += policy[a]
    if total == 0.0:
        for a in range(policy.shape[0]):
            policy[a] = 0.0 if dominated[a] else max(prior[a], 1e-30)
            total += policy[a]
    for a in range(policy.shape[0]):
        policy[a] /= total


forests.register(PuctRule, _select_root, _select)
