"""Gumbel AlphaZero: sequential halving at the root, planning with completed Q values.

Danihelka, Guez, Schrittwieser, Silver: "Policy improvement by planning with Gumbel" (ICLR 2022).
"""

from __future__ import annotations

import functools
import math
from typing import ClassVar, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from selfplay.jit import bare_kernel
from selfplay.search import forest as forests
from selfplay.search import tree as trees
from selfplay.search.base import Choice, SearchSection
from selfplay.search.root import RootSummary, action_noise
from selfplay.search.tree import ROOT, Records, Tree
from selfplay.types import Bool, Float, Int

KNOWN = np.dtype(  # what is known of an action of a node, and the policy that follows
    [
        ("action", np.int32),
        ("prior", np.float32),
        ("visits", np.int32),
        ("qvalue", np.float32),  # NaN where unknown
        ("completed", np.float32),  # the Q value, filled in where it is unknown
        ("policy", np.float32),  # the improved policy
        ("dominated", np.bool_),  # proven no better than another action
        ("solved", np.bool_),  # the exact value is proven
    ],
    align=True,
)


class GumbelRule(NamedTuple):
    """What simulations go by."""

    scores: Float  # [B, K] f32, log-prior plus Gumbel noise of the legal actions at the root
    schedule: Int  # [B, S] i32, visit count of the root action to take at each simulation
    before: Int  # [B, K] i32, visits these had before this search
    visit_scale: float  # c_visit
    value_scale: float  # c_scale
    scratch: Records  # [A] KNOWN, of the node at hand
    ties: NDArray[np.uint64]  # [B] u64, see tree.lot


class Gumbel(SearchSection):
    """Section ``[search]`` with ``kind = "gumbel"``."""

    plans: ClassVar[bool] = True

    kind: Literal["gumbel"] = "gumbel"
    considered: int = Field(16, ge=1, le=100_000)
    """actions drawn at the root, at most"""
    visit_scale: float = Field(50.0, ge=0, le=1e9)
    """c_visit of the paper"""
    value_scale: float = Field(1.0, gt=0, le=1e9)
    """c_scale of the paper, on Q in [0, 1]"""

    def rule(
        self, before: RootSummary, rng: np.random.Generator, budget: Int, explore: Bool
    ) -> GumbelRule:
        """The rule of one search, with fresh Gumbel noise where it is to ``explore``."""
        noise, ties = action_noise(rng.gumbel, np.zeros((len(explore), 1)), before)
        with np.errstate(divide="ignore"):
            scores = (np.log(before.prior) + noise * explore[:, None]).astype(np.float32)
        candidates = (~before.dominated & ~before.solved).sum(axis=1)
        cases = np.stack([np.minimum(candidates, self.considered), budget], axis=1)
        different, inverse = np.unique(cases, axis=0, return_inverse=True)
        tables = np.zeros((len(different), int(budget.max(initial=0))), np.int32)
        for row, (actions, simulations) in zip(tables, different.tolist(), strict=True):
            row[:simulations] = considered_visits(actions, simulations)
        schedule, scales = tables[inverse.reshape(-1)], (self.visit_scale, self.value_scale)
        scratch = np.zeros(before.num_actions, KNOWN)
        return GumbelRule(scores, schedule, before.visits, *scales, scratch, ties)

    def decide(
        self, rule: GumbelRule, after: RootSummary, rng: np.random.Generator, explore: Bool
    ) -> Choice:
        """The improved policy (eq. 11) and the action that sequential halving is left with."""
        batch, policy = len(explore), np.empty(after.prior.shape, np.float32)
        choice = Choice(np.empty(batch, np.int32), policy, np.empty(batch, np.float32))
        _conclude(rule, after, choice)
        return choice

    def decide_early(
        self,
        rule: GumbelRule,
        after: RootSummary,
        rng: np.random.Generator,
        explore: Bool,
        begun: Int,
    ) -> Choice:
        """The best of the actions that sequential halving has not left behind yet."""
        choice = self.decide(rule, after, rng, explore)
        row, last = np.arange(len(begun)), rule.schedule.shape[1] - 1
        level = rule.schedule[row, np.minimum(begun, last)]
        left = after.visits - rule.before >= level[:, None]
        left = (left | after.solved) & ~after.dominated
        with np.errstate(divide="ignore"):  # log of what the improved policy (eq. 11) gives
            noise = rule.scores - np.log(after.prior)
            score = np.log(choice.policy) + np.where(np.isfinite(noise), noise, 0.0)
        best = np.where(left, np.maximum(score, np.finfo(np.float32).min), -np.inf).argmax(axis=1)
        return choice._replace(action=after.actions[row, best])


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


@bare_kernel
def complete(
    node: Records, width: int, raw_value: float, visit_scale: float, value_scale: float
) -> float:
    """Fills in the Q values of the ``width`` actions of a node that are unknown (NaN).

    They count with the mixed value of appendix D, eq. 33.  Returns sigma (eq. 8), what a Q value
    larger by 1 adds to a logit.
    """
    mass, weighted, count, most = 0.0, 0.0, 0.0, 0.0
    for k in range(width):
        known = node[k]
        if not known.dominated and not np.isnan(known.qvalue):
            mass += known.prior
            weighted += known.prior * known.qvalue
        count += known.visits
        most = max(most, known.visits)
    mixed = raw_value
    if mass > 0.0:
        mixed = (raw_value + count * weighted / mass) / (1.0 + count)
    for k in range(width):
        known = node[k]
        known.completed = mixed if np.isnan(known.qvalue) else known.qvalue
    sigma: float = (visit_scale + most) * value_scale * 0.5  # 0.5: Q in [-1, 1] counts as [0, 1]
    return sigma


@bare_kernel
def improve(node: Records, width: int, sigma: float) -> None:
    """Fills ``policy`` of the ``width`` actions of a node by eq. 11; 0 where dominated."""
    top = -np.inf
    for k in range(width):
        if not node[k].dominated:
            top = max(top, node[k].completed)
    total, last, growth = 0.0, top, 1.0  # exp(0) is 1
    for k in range(width):
        known = node[k]
        known.policy = 0.0
        if not known.dominated:
            if known.completed != last:  # many are as good as the one before: unknown
                last = known.completed
                growth = np.exp(sigma * (last - top))
            known.policy = max(known.prior, 1e-30) * growth
            total += known.policy
    for k in range(width):
        node[k].policy /= total


@bare_kernel
def _complete_node(rule: GumbelRule, tree: Tree, b: int, node: int) -> float:
    """Fills the scratch of ``rule`` for a node but for the policy; returns sigma."""
    here = tree.nodes[b, node]
    width = here.end - here.first
    for k in range(width):
        edge, known = tree.edges[b, here.first + k], rule.scratch[k]
        known.action, known.prior = edge.action, edge.prior
        known.visits, known.qvalue = edge.visits, edge.qvalue
        known.dominated = trees.dominated(edge, here.lower, here.upper)
        known.solved = edge.lower == edge.upper
    return complete(rule.scratch, width, here.raw_value, rule.visit_scale, rule.value_scale)


@bare_kernel
def _select(rule: GumbelRule, tree: Tree, b: int, node: int) -> int:
    """The edge whose visits lag most behind the improved policy (eq. 14).

    Solved actions are passed over: there is nothing left to learn about them.
    """
    here, count = tree.nodes[b, node], 1.0
    width = here.end - here.first
    improve(rule.scratch, width, _complete_node(rule, tree, b, node))
    for k in range(width):
        count += rule.scratch[k].visits
    best, best_action, best_score = trees.NONE, trees.NONE, -np.inf
    for k in range(width):
        known, score = rule.scratch[k], 0.0
        if known.dominated or known.solved:
            continue
        score = known.policy
        if known.visits:
            score -= known.visits / count
        if trees.goes_before(score, best_score, rule.ties[b], node, known.action, best_action):
            best, best_action, best_score = here.first + k, known.action, score
    return best


@bare_kernel
def _select_root(rule: GumbelRule, tree: Tree, b: int, simulation: int) -> int:
    """The best edge among those with the visit count that the schedule asks for."""
    sigma, root = _complete_node(rule, tree, b, ROOT), tree.nodes[b, ROOT]
    best, best_action, best_score = trees.NONE, trees.NONE, -np.inf
    for k in range(root.end - root.first):
        known = rule.scratch[k]
        if known.dominated or known.solved:
            continue
        if known.visits - rule.before[b, k] != rule.schedule[b, simulation]:
            continue
        score = rule.scores[b, k] + sigma * known.completed
        if trees.goes_before(score, best_score, rule.ties[b], ROOT, known.action, best_action):
            best, best_action, best_score = root.first + k, known.action, score
    # actions that are solved leave the schedule, and then it can run out of candidates
    return best if best != trees.NONE else _select(rule, tree, b, ROOT)


@bare_kernel
def _conclude(rule: GumbelRule, after: RootSummary, choice: Choice) -> None:
    """Fills the choice at B roots."""
    root, scales = rule.scratch, (rule.visit_scale, rule.value_scale)
    for b in range(choice.policy.shape[0]):
        width = choice.policy.shape[1]
        for k in range(width):
            known = root[k]
            known.action, known.prior = after.actions[b, k], after.prior[b, k]
            known.visits, known.qvalue = after.visits[b, k], after.qvalues[b, k]
            known.dominated, known.solved = after.dominated[b, k], after.solved[b, k]
        sigma = complete(root, width, after.raw_value[b], *scales)
        improve(root, width, sigma)
        expected, most_extra = 0.0, np.int32(-1)
        for k in range(width):
            known = root[k]
            known.visits -= rule.before[b, k]  # from here on those of this search
            choice.policy[b, k] = known.policy
            expected += known.policy * known.completed
            if not known.dominated and not known.solved:
                most_extra = max(most_extra, known.visits)
        choice.value[b] = min(max(expected, after.lower[b]), after.upper[b])
        best, best_score = trees.NONE, -np.inf
        for k in range(width):
            known = root[k]
            if known.dominated or (known.visits != most_extra and not known.solved):
                continue
            score = rule.scores[b, k] + sigma * known.completed
            if trees.goes_before(score, best_score, rule.ties[b], ROOT, known.action, best):
                best, best_score = known.action, score
        choice.action[b] = best


forests.register(GumbelRule, _select_root, _select)
