"""Gumbel AlphaZero: sequential halving at the root, planning with completed Q values.

Danihelka, Guez, Schrittwieser, Silver: "Policy improvement by planning with Gumbel" (ICLR 2022).
"""

from __future__ import annotations

import functools
import math
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from selfplay.jit import kernel
from selfplay.search import forest as forests
from selfplay.search import tree as trees
from selfplay.search.base import SearchSection
from selfplay.search.tree import ROOT, RootSummary, Tree
from selfplay.types import Bool, Decision, Float, Int


class GumbelRule(NamedTuple):
    """What the walk needs to summary."""

    scores: Float  # [B, A] f32, log-prior plus Gumbel noise at the root
    schedule: Int  # [B, S] i32, visit count of the root action to take at each simulation
    before: Int  # [B, A] i32, visits the root's actions had before this search
    visit_scale: float  # c_visit
    value_scale: float  # c_scale
    scratch: Float  # [4, A] f32, room for one row each of q, completed q, policy, visits
    dominated: Bool  # [A], room for one row
    solved: Bool  # [A], room for one row
    ties: NDArray[np.uint64]  # [B] u64, see trees.lot


class Gumbel(SearchSection):
    """Section ``[search]`` with ``kind = "gumbel"``."""

    kind: Literal["gumbel"] = "gumbel"
    considered: int = Field(16, ge=1, le=100_000)
    """actions drawn at the root, at most"""
    visit_scale: float = Field(50.0, ge=0, le=1e9)
    """c_visit of the paper"""
    value_scale: float = Field(1.0, gt=0, le=1e9)
    """c_scale of the paper, on Q in [0, 1]"""

    def rule(
        self, forest: forests.Forest, rng: np.random.Generator, budget: Int, explore: Bool
    ) -> GumbelRule:
        """The rule of one search, with fresh Gumbel noise where it is to ``explore``."""
        summary = forest.summary()
        noise = rng.gumbel(size=summary.prior.shape)
        with np.errstate(divide="ignore"):
            scores = (np.log(summary.prior) + noise * explore[:, None]).astype(np.float32)
        candidates = (~summary.dominated & ~summary.solved).sum(axis=1)
        candidates = np.minimum(candidates, self.considered)
        pairs, inverse = np.unique(
            np.stack([candidates, budget], axis=1), axis=0, return_inverse=True
        )
        width = int(budget.max(initial=0))
        tables = np.zeros((len(pairs), width), np.int32)
        for row, (actions, simulations) in zip(tables, pairs, strict=True):
            row[:simulations] = considered_visits(int(actions), int(simulations))
        schedule = tables[inverse.reshape(-1)]
        return GumbelRule(
            scores,
            schedule,
            summary.visits,
            self.visit_scale,
            self.value_scale,
            scratch=np.empty((4, summary.prior.shape[1]), np.float32),
            dominated=np.empty(summary.prior.shape[1], np.bool_),
            solved=np.empty(summary.prior.shape[1], np.bool_),
            ties=trees.tie_seeds(noise),
        )

    def decide(
        self, rule: GumbelRule, summary: RootSummary, rng: np.random.Generator, explore: Bool
    ) -> Decision:
        """The improved policy (eq. 11) and the action that sequential halving is left with."""
        policy = np.empty(summary.prior.shape, np.float32)
        action, value = np.empty(len(policy), np.int32), np.empty(len(policy), np.float32)
        _conclude(rule, summary, action, policy, value)
        return Decision(action, policy, value, summary.visits - rule.before, summary.qvalues)


@functools.lru_cache(maxsize=4096)
def considered_visits(actions: int, simulations: int) -> tuple[int, ...]:
    """For each simulation the visit count an action must have to be chosen (Algorithm 2).

    Sequential halving as a table: with m actions each phase gives every remaining action
    ``simulations / (log2(m) * remaining)`` visits, then the better half goes on.
    """
    if actions <= 1:
        return tuple(range(simulations))
    phases = math.ceil(math.log2(actions))
    visits, remaining = [0] * actions, actions
    sequence: list[int] = []
    while len(sequence) < simulations:
        for _ in range(max(1, simulations // (phases * remaining))):
            sequence.extend(visits[:remaining])
            visits[:remaining] = [count + 1 for count in visits[:remaining]]
        remaining = max(2, remaining // 2)
    return tuple(sequence[:simulations])


@kernel
def improve(
    prior: Float,
    visits: Float,
    qvalues: Float,
    dominated: Bool,
    raw_value: float,
    visit_scale: float,
    value_scale: float,
    completed: Float,
    policy: Float,
) -> None:
    """Fills ``completed`` and ``policy`` [A]: the improved policy of one node (eq. 11).

    Actions of unknown value (NaN) count with the mixed value of appendix D, eq. 33; dominated
    actions get probability 0.
    """
    mass, weighted, count, most = 0.0, 0.0, 0.0, 0.0
    for a in range(prior.shape[0]):
        if not dominated[a] and not np.isnan(qvalues[a]):
            mass += prior[a]
            weighted += prior[a] * qvalues[a]
        count += visits[a]
        most = max(most, visits[a])
    mixed = raw_value
    if mass > 0.0:
        mixed = (raw_value + count * weighted / mass) / (1.0 + count)
    top = -np.inf
    for a in range(prior.shape[0]):
        completed[a] = mixed if np.isnan(qvalues[a]) else qvalues[a]
        if not dominated[a]:
            top = max(top, completed[a])
    scale = (visit_scale + most) * value_scale * 0.5  # 0.5: Q in [-1, 1] counts as [0, 1]
    total = 0.0
    for a in range(prior.shape[0]):
        policy[a] = 0.0
        if not dominated[a]:
            policy[a] = max(prior[a], 1e-30) * np.exp(scale * (completed[a] - top))
            total += policy[a]
    for a in range(prior.shape[0]):
        policy[a] /= total


@kernel
def _improve_node(rule: GumbelRule, tree: Tree, b: int, node: int) -> None:
    """Fills the scratch rows of ``rule`` for a node."""
    low, high = trees.bounds(tree, b, node)
    for a in range(tree.prior.shape[2]):
        rule.scratch[0, a] = trees.qvalue(tree, b, node, a)
        rule.scratch[3, a] = trees.edge_visits(tree, b, node, a)
        rule.dominated[a] = trees.dominated(tree, b, node, a, low, high)
        rule.solved[a] = tree.lower[b, node, a] == tree.upper[b, node, a]
    improve(
        tree.prior[b, node],
        rule.scratch[3],
        rule.scratch[0],
        rule.dominated,
        tree.raw_value[b, node],
        rule.visit_scale,
        rule.value_scale,
        rule.scratch[1],
        rule.scratch[2],
    )


@kernel
def _select(rule: GumbelRule, tree: Tree, b: int, node: int) -> int:
    """The action whose visits lag most behind the improved policy (eq. 14).

    Solved actions are passed over: there is nothing left to learn about them.
    """
    _improve_node(rule, tree, b, node)
    count = 1.0
    for a in range(tree.prior.shape[2]):
        count += rule.scratch[3, a]
    best, best_score = trees.NONE, -np.inf
    for a in range(tree.prior.shape[2]):
        if rule.dominated[a] or rule.solved[a]:
            continue
        score = rule.scratch[2, a] - rule.scratch[3, a] / count
        if trees.goes_before(score, best_score, rule.ties[b], node, a, best):
            best, best_score = a, score
    return best


@kernel
def _select_root(rule: GumbelRule, tree: Tree, b: int, simulation: int) -> int:
    """The best action among those with the visit count that the schedule asks for."""
    _improve_node(rule, tree, b, ROOT)
    most = np.float32(0.0)
    for a in range(tree.prior.shape[2]):
        most = max(most, rule.scratch[3, a])
    scale = (rule.visit_scale + most) * rule.value_scale * 0.5
    best, best_score = trees.NONE, -np.inf
    for a in range(tree.prior.shape[2]):
        extra = trees.edge_visits(tree, b, ROOT, a) - rule.before[b, a]
        if rule.dominated[a] or rule.solved[a] or extra != rule.schedule[b, simulation]:
            continue
        score = rule.scores[b, a] + scale * rule.scratch[1, a]
        if trees.goes_before(score, best_score, rule.ties[b], ROOT, a, best):
            best, best_score = a, score
    # actions that are solved leave the schedule, and then it can run out of candidates
    return best if best != trees.NONE else _select(rule, tree, b, ROOT)


@kernel
def _conclude(
    rule: GumbelRule, summary: RootSummary, action: Int, policy: Float, value: Float
) -> None:
    """Fills the decision of B roots."""
    completed = np.empty(summary.prior.shape[1], np.float32)
    visits = np.empty(summary.prior.shape[1], np.float32)
    for b in range(policy.shape[0]):
        visits[:] = summary.visits[b]
        improve(
            summary.prior[b],
            visits,
            summary.qvalues[b],
            summary.dominated[b],
            summary.raw_value[b],
            rule.visit_scale,
            rule.value_scale,
            completed,
            policy[b],
        )
        expected, most, most_extra = 0.0, np.float32(0.0), np.int32(-1)
        for a in range(policy.shape[1]):
            expected += policy[b, a] * completed[a]
            most = max(most, visits[a])
            if not summary.dominated[b, a] and not summary.solved[b, a]:
                most_extra = max(most_extra, summary.visits[b, a] - rule.before[b, a])
        value[b] = min(max(expected, summary.lower[b]), summary.upper[b])
        scale = (rule.visit_scale + most) * rule.value_scale * 0.5
        action[b], best_score = trees.NONE, -np.inf
        for a in range(policy.shape[1]):
            extra = summary.visits[b, a] - rule.before[b, a]
            if summary.dominated[b, a] or (extra != most_extra and not summary.solved[b, a]):
                continue
            score = rule.scores[b, a] + scale * completed[a]
            if trees.goes_before(score, best_score, rule.ties[b], ROOT, a, action[b]):
                action[b], best_score = a, score


forests.register(GumbelRule, _select_root, _select)
