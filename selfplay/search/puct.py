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
from selfplay.search.base import Choice, SearchSection
from selfplay.search.model import WORST
from selfplay.search.root import RootSummary, action_noise
from selfplay.search.tree import ROOT, Tree
from selfplay.stats import random_actions
from selfplay.types import Bool, Float, Int


class PuctRule(NamedTuple):
    """What simulations go by."""

    root_prior: Float  # [B, K] f32, the prior of the legal actions at the roots, noise mixed in
    exploration: float  # c_init
    exploration_base: float  # c_base
    unvisited_penalty: float  # what an unvisited action is thought to be worse than its node
    forced: Float  # [B] f32, k of forced playouts, 0 for none
    ties: NDArray[np.uint64]  # [B] u64, see tree.lot


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
        self, before: RootSummary, rng: np.random.Generator, budget: Int, explore: Bool
    ) -> PuctRule:
        """The rule of one search, with fresh Dirichlet noise where it is to ``explore``."""
        count = np.maximum((before.prior > 0).sum(axis=1, keepdims=True), 1)
        gamma, ties = action_noise(rng.gamma, self.noise_total / count, before)
        noise = gamma / np.maximum(gamma.sum(axis=1, keepdims=True), 1e-30)
        share = self.noise_share * explore[:, None]
        prior = (noise * share + (1 - share) * before.prior).astype(np.float32)
        options = self.exploration, self.exploration_base, self.unvisited_penalty
        forced = np.where(explore, self.forced, 0.0).astype(np.float32)
        return PuctRule(prior, *options, forced, ties)

    def decide(
        self, rule: PuctRule, after: RootSummary, rng: np.random.Generator, explore: Bool
    ) -> Choice:
        """The share of the visits, pruned of forced ones, as policy; a move drawn by visits."""
        policy = np.empty(after.prior.shape, np.float32)
        _prune(rule, after, policy)
        weight = np.where(after.dominated, 0.0, after.visits)
        nothing = weight.sum(axis=1) == 0
        weight[nothing] = policy[nothing]
        chosen = np.empty(len(policy), np.int32)
        _choose(rule, after, weight, chosen)
        if self.temperature > 0:
            weight /= weight.max(axis=1, keepdims=True)
            weight **= 1 / self.temperature
            chosen = np.where(explore, random_actions(weight, rng), chosen)
        action = after.actions[np.arange(len(chosen)), chosen]
        return Choice(action, policy, after.value)


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
        prior = rule.root_prior[b, e - here.first] if node == ROOT else edge.prior
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
def _favourite(rule: PuctRule, after: RootSummary, weight: NDArray[np.floating], b: int) -> int:
    """The place in the list of the action of most ``weight`` [K], or of the better of equals."""
    best, best_action, best_q = trees.NONE, trees.NONE, np.float32(-np.inf)
    for k in range(weight.shape[0]):
        if after.dominated[b, k]:
            continue
        a, q = after.actions[b, k], after.qvalues[b, k]
        if np.isnan(q):
            q = WORST
        if best != trees.NONE and weight[k] != weight[best]:
            ahead = weight[k] > weight[best]
        else:
            ahead = trees.goes_before(q, best_q, rule.ties[b], ROOT, a, best_action)
        if ahead:
            best, best_action, best_q = k, a, q
    return best


@bare_kernel
def _choose(rule: PuctRule, after: RootSummary, weight: NDArray[np.floating], chosen: Int) -> None:
    """Fills ``chosen`` [B] with the favourites by ``weight`` [B, K]."""
    for b in range(chosen.shape[0]):
        chosen[b] = _favourite(rule, after, weight[b], b)


@bare_kernel
def _prune(rule: PuctRule, after: RootSummary, policy: Float) -> None:
    """``policy`` [B, K]: visits less those that only forcing explains (Wu 2019, section 3.2).

    Forced visits are taken back from an action as long as its bound stays below that of the most
    visited action; what then has a single visit is dropped.
    """
    for b in range(policy.shape[0]):
        total = 1.0
        for k in range(policy.shape[1]):
            policy[b, k] = 0.0 if after.dominated[b, k] else after.visits[b, k]
            total += after.visits[b, k]
        favourite = _favourite(rule, after, policy[b], b)
        reach = _exploration(rule, total)
        if rule.forced[b] > 0.0 and not np.isnan(after.qvalues[b, favourite]):
            ceiling = after.qvalues[b, favourite] + reach * rule.root_prior[b, favourite] / (
                1.0 + policy[b, favourite]
            )
            for k in range(policy.shape[1]):
                if k == favourite or policy[b, k] == 0.0:
                    continue
                spare = np.floor(np.sqrt(rule.forced[b] * rule.root_prior[b, k] * total))
                count = policy[b, k]
                while spare > 0 and count > 0:
                    bound = after.qvalues[b, k] + reach * rule.root_prior[b, k] / count
                    if bound >= ceiling:
                        break
                    count -= 1.0
                    spare -= 1.0
                policy[b, k] = 0.0 if count <= 1.0 and policy[b, k] > 1.0 else count
        _normalise(policy[b], after.prior[b], after.dominated[b])


@bare_kernel
def _normalise(policy: Float, prior: Float, dominated: Bool) -> None:
    """Scales ``policy`` [K] to sum 1; falls back to the prior where nothing was visited."""
    total = 0.0
    for k in range(policy.shape[0]):
        total += policy[k]
    if total == 0.0:
        for k in range(policy.shape[0]):
            policy[k] = 0.0 if dominated[k] else max(prior[k], 1e-30)
            total += policy[k]
    for k in range(policy.shape[0]):
        policy[k] /= total


forests.register(PuctRule, _select_root, _select)
