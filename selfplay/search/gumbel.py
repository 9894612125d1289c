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

from selfplay.jit import bare_kernel
from selfplay.search import forest as forests
from selfplay.search import tree as trees
from selfplay.search.base import SearchSection, action_noise
from selfplay.search.tree import ROOT, RootSummary, Tree
from selfplay.types import Bool, Decision, Float, Int


class Scratch(NamedTuple):
    """What is known of the K actions of one node, and the policy that follows; room for A."""

    prior: Float  # [A] f32
    visits: Int  # [A] i32
    qvalues: Float  # [A] f32, NaN where unknown
    completed: Float  # [A] f32, the Q values with the unknown ones filled in
    policy: Float  # [A] f32, the improved policy
    dominated: Bool  # [A], proven no better than another action
    solved: Bool  # [A], the exact value is proven


class GumbelRule(NamedTuple):
    """What simulations go by."""

    scores: Float  # [B, A] f32, log-prior plus Gumbel noise at the root
    schedule: Int  # [B, S] i32, visit count of the root action to take at each simulation
    before: Int  # [B, A] i32, visits the root's actions had before this search
    visit_scale: float  # c_visit
    value_scale: float  # c_scale
    scratch: Scratch
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
        even = np.zeros((len(explore), 1))
        noise = action_noise(rng.gumbel, even, summary.prior > 0)
        with np.errstate(divide="ignore"):
            scores = (np.log(summary.prior) + noise * explore[:, None]).astype(np.float32)
        candidates = (~summary.dominated & ~summary.solved).sum(axis=1)
        cases = np.stack([np.minimum(candidates, self.considered), budget], axis=1)
        different, inverse = np.unique(cases, axis=0, return_inverse=True)
        tables = np.zeros((len(different), int(budget.max(initial=0))), np.int32)
        for row, (actions, simulations) in zip(tables, different.tolist(), strict=True):
            row[:simulations] = considered_visits(actions, simulations)
        schedule, scales = tables[inverse.reshape(-1)], (self.visit_scale, self.value_scale)
        scratch, ties = new_scratch(forest.actions), trees.tie_seeds(noise)
        return GumbelRule(scores, schedule, summary.visits, *scales, scratch, ties)

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


def new_scratch(actions: int) -> Scratch:
    """Room for so many actions."""
    visits, (dominated, solved) = np.empty(actions, np.int32), np.empty((2, actions), np.bool_)
    prior, qvalues, completed, policy = np.empty((4, actions), np.float32)
    return Scratch(prior, visits, qvalues, completed, policy, dominated, solved)


@bare_kernel
def improve(
    node: Scratch, width: int, raw_value: float, visit_scale: float, value_scale: float
) -> float:
    """Fills ``completed`` and ``policy`` of the ``width`` actions of a node: the policy of eq. 11.

    Actions of unknown value (NaN) count with the mixed value of appendix D, eq. 33; dominated
    actions get probability 0.  Returns sigma (eq. 8), what a Q value larger by 1 adds to a logit.
    """
    mass, weighted, count, most = 0.0, 0.0, 0.0, 0.0
    for k in range(width):
        if not node.dominated[k] and not np.isnan(node.qvalues[k]):
            mass += node.prior[k]
            weighted += node.prior[k] * node.qvalues[k]
        count += node.visits[k]
        most = max(most, node.visits[k])
    mixed = raw_value
    if mass > 0.0:
        mixed = (raw_value + count * weighted / mass) / (1.0 + count)
    top = -np.inf
    for k in range(width):
        node.completed[k] = mixed if np.isnan(node.qvalues[k]) else node.qvalues[k]
        if not node.dominated[k]:
            top = max(top, node.completed[k])
    sigma: float = (visit_scale + most) * value_scale * 0.5  # 0.5: Q in [-1, 1] counts as [0, 1]
    total, last, growth = 0.0, top, 1.0  # exp(0) is 1
    for k in range(width):
        node.policy[k] = 0.0
        if not node.dominated[k]:
            if node.completed[k] != last:  # many are as good as the one before: unknown
                last = node.completed[k]
                growth = np.exp(sigma * (last - top))
            node.policy[k] = max(node.prior[k], 1e-30) * growth
            total += node.policy[k]
    for k in range(width):
        node.policy[k] /= total
    return sigma


@bare_kernel
def _improve_node(rule: GumbelRule, tree: Tree, b: int, node: int) -> float:
    """Fills the scratch of ``rule`` for a node; returns sigma."""
    here, known = tree.nodes[b, node], rule.scratch
    width = here.end - here.first
    for k in range(width):
        edge = tree.edges[b, here.first + k]
        known.prior[k], known.qvalues[k], known.visits[k] = edge.prior, edge.qvalue, edge.visits
        known.dominated[k] = trees.dominated(edge, here.lower, here.upper)
        known.solved[k] = edge.lower == edge.upper
    return improve(known, width, here.raw_value, rule.visit_scale, rule.value_scale)


@bare_kernel
def _select(rule: GumbelRule, tree: Tree, b: int, node: int) -> int:
    """The edge whose visits lag most behind the improved policy (eq. 14).

    Solved actions are passed over: there is nothing left to learn about them.
    """
    _improve_node(rule, tree, b, node)
    known, first, count = rule.scratch, tree.nodes[b, node].first, 1.0
    width = tree.nodes[b, node].end - first
    for k in range(width):
        count += known.visits[k]
    best, best_action, best_score = trees.NONE, trees.NONE, -np.inf
    for k in range(width):
        if known.dominated[k] or known.solved[k]:
            continue
        a, score = tree.edges[b, first + k].action, known.policy[k] - known.visits[k] / count
        if trees.goes_before(score, best_score, rule.ties[b], node, a, best_action):
            best, best_action, best_score = first + k, a, score
    return best


@bare_kernel
def _select_root(rule: GumbelRule, tree: Tree, b: int, simulation: int) -> int:
    """The best edge among those with the visit count that the schedule asks for."""
    sigma = _improve_node(rule, tree, b, ROOT)
    known, first = rule.scratch, tree.nodes[b, ROOT].first
    best, best_action, best_score = trees.NONE, trees.NONE, -np.inf
    for k in range(tree.nodes[b, ROOT].end - first):
        a = tree.edges[b, first + k].action
        extra = known.visits[k] - rule.before[b, a]
        if known.dominated[k] or known.solved[k] or extra != rule.schedule[b, simulation]:
            continue
        score = rule.scores[b, a] + sigma * known.completed[k]
        if trees.goes_before(score, best_score, rule.ties[b], ROOT, a, best_action):
            best, best_action, best_score = first + k, a, score
    # actions that are solved leave the schedule, and then it can run out of candidates
    return best if best != trees.NONE else _select(rule, tree, b, ROOT)


@bare_kernel
def _conclude(
    rule: GumbelRule, summary: RootSummary, action: Int, policy: Float, value: Float
) -> None:
    """Fills the decision of B roots."""
    completed = rule.scratch.completed
    for b in range(policy.shape[0]):
        visits, dominated, solved = summary.visits[b], summary.dominated[b], summary.solved[b]
        known = summary.prior[b], visits, summary.qvalues[b]
        root = Scratch(*known, completed, policy[b], dominated, solved)
        scales = rule.visit_scale, rule.value_scale
        sigma = improve(root, policy.shape[1], summary.raw_value[b], *scales)
        expected, most_extra = 0.0, np.int32(-1)
        for a in range(policy.shape[1]):
            expected += policy[b, a] * completed[a]
            if not dominated[a] and not solved[a]:
                most_extra = max(most_extra, visits[a] - rule.before[b, a])
        value[b] = min(max(expected, summary.lower[b]), summary.upper[b])
        action[b], best_score = trees.NONE, -np.inf
        for a in range(policy.shape[1]):
            extra = visits[a] - rule.before[b, a]
            if dominated[a] or (extra != most_extra and not solved[a]):
                continue
            score = rule.scores[b, a] + sigma * completed[a]
            if trees.goes_before(score, best_score, rule.ties[b], ROOT, a, action[b]):
                action[b], best_score = a, score


forests.register(GumbelRule, _select_root, _select)
