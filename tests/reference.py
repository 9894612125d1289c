"""A slow search in plain Python, one game at a time: the oracle for the compiled kernels.

It is written from the papers, not from the kernels: a tree of objects, every value that came
through kept in a list, Gumbel's sequential halving as rounds of visits, and the proven bounds
found anew after each simulation by a minimax over the whole explored tree.

The stand-ins for nets that the tests share live here too (``hashed``, ``uniform``).
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from selfplay import arrays
from selfplay.search import Forest, Gumbel, Puct, SearchResult
from selfplay.search.root import RootSummary
from selfplay.truth.positions import parse_moves
from selfplay.types import Bool, Evaluation, Evaluator, Game, Int, State


def wide(lists: Any, values: Any, num_actions: int) -> Any:
    """[M, A], ``values`` [M, L] at the listed actions, 0 elsewhere."""
    spread = np.zeros((len(lists), num_actions), np.asarray(values).dtype)
    for row, (actions, numbers) in enumerate(zip(lists, values, strict=True)):
        for action, number in zip(actions, numbers, strict=True):
            if action >= 0:
                spread[row, action] = number
    return spread


class HashedEvaluator:
    """Logits, value and draw probability drawn from a hash of each position's observation.

    Looks random, is the same in every batch and in every process; ``calls`` counts positions.
    """

    def __init__(self, seed: int = 0, spread: float = 1.5) -> None:
        self.seed, self.spread, self.calls = seed, spread, 0
        self._known: dict[bytes, np.ndarray] = {}

    def _draw(self, position: bytes, actions: int) -> np.ndarray:
        if position not in self._known:
            digest = hashlib.blake2b(position, digest_size=8, key=str(self.seed).encode())
            rng = np.random.default_rng(int.from_bytes(digest.digest()))
            logits = self.spread * rng.standard_normal(actions)
            self._known[position] = np.array([*logits, rng.uniform(-0.9, 0.9), rng.uniform()])
        return self._known[position]

    def __call__(self, game: Game, state: State) -> Evaluation:
        fields = arrays.leaves(game.observe(state))
        count = arrays.length(state)
        self.calls += count
        rows = np.array(
            [
                self._draw(b"".join(f[i].tobytes() for f in fields), game.num_actions)
                for i in range(count)
            ],
            np.float32,
        ).reshape(count, -1)
        return Evaluation(rows[:, :-2].copy(), rows[:, -2].copy(), rows[:, -1].copy())


def uniform(game: Game, state: State) -> Evaluation:
    """An Evaluator without opinions: all actions alike, every position even."""
    count = arrays.length(state)
    zeros = np.zeros(count, np.float32)
    return Evaluation(np.zeros((count, game.num_actions), np.float32), zeros, zeros.copy())


def random_positions(game: Game, rng: np.random.Generator, count: int, plies: int) -> State:
    """``count`` positions after 0 .. ``plies`` random moves each; none of them is over."""
    state = game.init(rng, count)
    left = rng.integers(0, plies + 1, count)
    for ply in range(plies):
        legal = game.legal(state)
        action = (rng.random(legal.shape) * legal).argmax(axis=1).astype(np.int32)
        after, paid = game.step(state, action)
        moves = (left > ply) & (paid.discount != 0)
        left = np.where(paid.discount == 0, 0, left)
        arrays.put(state, moves, arrays.take(after, moves))
    return state


def exact_value(game: Game, state: State, known: dict[bytes, float] | None = None) -> float:
    """The value of the one position of ``state`` under best play, by brute force."""
    known = {} if known is None else known
    key = b"".join(f.tobytes() for f in arrays.leaves(state))
    if key not in known:
        known[key] = max(exact_qvalues(game, state, known).values())
    return known[key]


def exact_qvalues(
    game: Game, state: State, known: dict[bytes, float] | None = None
) -> dict[int, float]:
    """The return of each legal action of the one position of ``state`` under best play after."""
    known = {} if known is None else known
    values = {}
    for action in np.flatnonzero(game.legal(state)[0]):
        after, paid = game.step(state, np.array([action], np.int32))
        reward, discount = float(paid.reward[0]), float(paid.discount[0])
        values[int(action)] = reward + (
            discount * exact_value(game, after, known) if discount else 0.0
        )
    return values


def play(game: Game, actions: list[int], seed: int = 0) -> tuple[State, list[tuple[float, float]]]:
    """The state after ``actions`` in one game, and reward and discount of each move."""
    state, paid = game.init(np.random.default_rng(seed), 1), []
    for action in actions:
        state, transition = game.step(state, np.array([action], np.int32))
        paid.append((float(transition.reward[0]), float(transition.discount[0])))
    return state, paid


def lot(seed: int, node: int, action: int) -> int:
    """What decides between equal scores: two rounds of splitmix64 over 64-bit integers."""
    word = 2**64

    def mix(bits: int) -> int:
        bits = bits * 0xBF58476D1CE4E5B9 % word
        bits = (bits ^ bits >> 27) * 0x94D049BB133111EB % word
        return bits ^ bits >> 31

    return mix(seed ^ mix((node * 0x9E3779B97F4A7C15 + action) % word))


class Choice(NamedTuple):
    """What the slow search says of one root."""

    action: int
    policy: dict[int, float]
    value: float
    visits: dict[int, int]
    qvalues: dict[int, float]  # only of the actions whose value is known at all


@dataclass(eq=False)
class Edge:
    """An action of a node: what is known of it before it was tried, and where it leads."""

    least: float = -1.0
    most: float = 1.0
    reward: float = 0.0
    discount: float = 0.0
    child: Node | None = None


@dataclass(eq=False)
class Node:
    """A position with everything that ever came through it."""

    state: State  # one row
    over: bool
    edges: dict[int, Edge]
    prior: dict[int, float]
    opinion: float  # the evaluator's value
    draw: float  # the evaluator's probability of a draw
    values: list[float] = field(default_factory=list)

    def visits(self, action: int) -> int:
        child = self.edges[action].child
        return len(child.values) if child else 0


class SlowSearch:
    """One tree, grown a simulation at a time.

    ``narrowest`` is the smallest lead by which any choice was made: where it is tiny, single
    precision may rightly choose otherwise.
    """

    def __init__(self, game: Game, evaluator: Evaluator, look_ahead: bool) -> None:
        self.game, self.evaluator, self.look_ahead = game, evaluator, look_ahead
        self.narrowest = math.inf
        self.order: list[Node] = []  # as they were born
        self.seed = 0  # of the lots that are drawn among equals

    def plant(self, state: State) -> None:
        """A fresh tree for the one position of ``state``."""
        self.order = []
        self.before: dict[int, int] = {}
        self.root = self._grow_node(state, over=False, is_root=True)
        self._prove()
        self._back_up([self.root], [], self.root.opinion)

    def advance(self, action: int, state: State, room: int) -> None:
        """The tree below ``action``, its oldest ``room`` nodes; a fresh one if it was not tried."""
        child = self.root.edges[action].child
        if child is None or (self.look_ahead and self._decided_at_birth(child)):
            self.plant(state)
            return
        family = {id(child)}
        kept = []
        for node in self.order:
            if id(node) in family and len(kept) < room:
                kept.append(node)
                family.update(id(e.child) for e in node.edges.values() if e.child)
        alive = {id(node) for node in kept}
        for node in kept:
            for edge in node.edges.values():
                if edge.child is not None and id(edge.child) not in alive:
                    edge.least, edge.most = self.edge_bounds(edge)  # proofs outlive the nodes
                    edge.child = None
        self.order, self.root = kept, child
        self._prove()

    def _decided_at_birth(self, node: Node) -> bool:
        """True where the ends in sight settle the value, so that no evaluator was asked."""
        return self.solved(node) and all(edge.child is None for edge in node.edges.values())

    def simulate(self, at_root: Callable[[Node], int], inside: Callable[[Node], int]) -> bool:
        """One more simulation; False when there is nothing left to find out."""
        if self.solved(self.root):
            return False
        path, edges = [self.root], []
        action = at_root(self.root)
        while True:
            edge = path[-1].edges[action]
            edges.append(edge)
            if edge.child is None:
                after, paid = self.game.step(path[-1].state, np.array([action], np.int32))
                edge.reward, edge.discount = float(paid.reward[0]), float(paid.discount[0])
                edge.child = self._grow_node(after, over=edge.discount == 0)
                path.append(edge.child)
                self._prove()
                self._back_up(path, edges, edge.child.opinion)
                return True
            path.append(edge.child)
            if self.solved(edge.child):
                self._back_up(path, edges, self.bounds(edge.child)[0])
                return True
            action = inside(edge.child)

    def _grow_node(self, state: State, over: bool, is_root: bool = False) -> Node:
        legal = [int(a) for a in np.flatnonzero(self.game.legal(state)[0])]
        edges = {a: Edge() for a in legal}
        if over:
            edges = {a: Edge(0.0, 0.0) for a in legal}
        elif self.look_ahead:
            for a in legal:
                _, paid = self.game.step(state, np.array([a], np.int32))
                if paid.discount[0] == 0:
                    edges[a] = Edge(float(paid.reward[0]), float(paid.reward[0]))
        least, most = max(e.least for e in edges.values()), max(e.most for e in edges.values())
        logits, opinion, draw = dict.fromkeys(legal, 0.0), 0.0, 0.0
        if is_root or (not over and least < most):
            answer = self.evaluator(self.game, state)
            logits = {a: float(answer.logits[0, a]) for a in legal}
            opinion, draw = float(answer.value[0]), float(answer.draw[0])
        weight = {a: math.exp(logits[a] - max(logits.values())) for a in legal}
        prior = {a: weight[a] / sum(weight.values()) for a in legal}
        node = Node(state, over, edges, prior, min(max(opinion, least), most), draw)
        self.order.append(node)
        return node

    def _prove(self) -> None:
        """Finds the bounds of every node anew: children before their parents."""
        self._proven: dict[int, tuple[float, float]] = {}
        for node in reversed(self.order):
            ranges = [self.edge_bounds(edge) for edge in node.edges.values()]
            self._proven[id(node)] = max(r[0] for r in ranges), max(r[1] for r in ranges)

    def bounds(self, node: Node) -> tuple[float, float]:
        """The least and the most that the player to move can be sure of."""
        return self._proven[id(node)]

    def edge_bounds(self, edge: Edge) -> tuple[float, float]:
        if edge.child is None:
            return edge.least, edge.most
        ends = sorted(edge.reward + edge.discount * end for end in self.bounds(edge.child))
        return min(max(ends[0], -1.0), 1.0), min(max(ends[1], -1.0), 1.0)

    def solved(self, node: Node) -> bool:
        low, high = self.bounds(node)
        return low == high

    def _back_up(self, path: list[Node], edges: list[Edge], value: float) -> None:
        for node, edge in zip(reversed(path), [*reversed(edges), None], strict=True):
            value = self.within(node, value)
            node.values.append(value)
            if edge is not None:
                value = edge.reward + edge.discount * value

    def within(self, node: Node, value: float) -> float:
        low, high = self.bounds(node)
        return min(max(value, low), high)

    def mean(self, node: Node) -> float:
        return self.within(node, math.fsum(node.values) / len(node.values))

    def qvalues(self, node: Node) -> dict[int, float]:
        """The return of each action of which anything is known."""
        known = {}
        for action, edge in node.edges.items():
            low, high = self.edge_bounds(edge)
            if edge.child is not None:
                mean = math.fsum(edge.child.values) / len(edge.child.values)
                known[action] = min(max(edge.reward + edge.discount * mean, low), high)
            elif low == high:
                known[action] = low
        return known

    def worth_playing(self, node: Node) -> list[int]:
        """The actions that are not proven to be no better than another one.

        An action goes when another is sure to return as much as it can at most, unless it is as
        sure itself; sure losses go as soon as anything is not yet lost.
        """
        ranges = {a: self.edge_bounds(edge) for a, edge in node.edges.items()}
        sure = max(low for low, _ in ranges.values())
        hope = max(high for _, high in ranges.values())
        if sure == -1.0 and hope > -1.0:
            return [a for a, (_, high) in ranges.items() if high > -1.0]
        return [a for a, (low, high) in ranges.items() if high > sure or low == sure]

    def is_settled(self, node: Node, action: int) -> bool:
        low, high = self.edge_bounds(node.edges[action])
        return low == high

    def best(self, node: Node, scores: dict[int, float]) -> int:
        """The action of ``node`` with the highest score, the largest lot among equals."""
        ranked = sorted(scores.values(), reverse=True)
        if len(ranked) > 1 and ranked[0] > ranked[1]:
            self.narrowest = min(self.narrowest, ranked[0] - ranked[1])
        equals = [a for a in sorted(scores) if scores[a] == ranked[0]]
        if len(equals) == 1:
            return equals[0]
        index = next(i for i, other in enumerate(self.order) if other is node)
        return max(equals, key=lambda a: lot(self.seed, index, a))

    def visits_now(self) -> dict[int, int]:
        return {a: self.root.visits(a) for a in self.root.edges}


class SlowGumbel(SlowSearch):
    """Danihelka et al. 2022: Algorithm 2 at the root, eq. 14 inside, eq. 11 as the target."""

    def __init__(self, section: Gumbel, game: Game, evaluator: Evaluator) -> None:
        super().__init__(game, evaluator, section.look_ahead)
        self.section = section

    def search(self, budget: int, noise: np.ndarray, seed: int) -> Choice:
        """Grows the tree by ``budget`` simulations; ``noise`` [A] are the Gumbel variables."""
        self.before = self.visits_now()
        self.noise, self.seed = noise, seed
        rounds = self._rounds(budget)
        for _ in range(budget):
            self.now = next(rounds)
            if not self.simulate(self._at_root, self._inside):
                break
        return self._decide()

    def _rounds(self, budget: int) -> Iterator[int]:
        """The round that each simulation belongs to: in a round every survivor is visited once."""
        survivors = [a for a in self.worth_playing(self.root) if not self.is_settled(self.root, a)]
        remaining = min(len(survivors), self.section.considered)
        phases = max(1, math.ceil(math.log2(max(remaining, 1))))
        done = 0
        while True:
            for _ in range(max(1, budget // (phases * max(remaining, 1)))):
                yield from [done] * max(remaining, 1)
                done += 1
            if remaining > 1:
                remaining = max(2, remaining // 2)

    def _at_root(self, root: Node) -> int:
        scores = self._root_scores()
        eligible = {
            a: scores[a]
            for a in self.worth_playing(root)
            if not self.is_settled(root, a) and root.visits(a) - self.before[a] == self.now
        }
        return self.best(root, eligible) if eligible else self._inside(root)

    def _root_scores(self) -> dict[int, float]:
        """g + logits + sigma(completed Q)."""
        completed = self._completed(self.root)
        return {
            a: self.noise[a] + math.log(self.root.prior[a]) + self._sigma(self.root, completed[a])
            for a in self.root.edges
        }

    def _inside(self, node: Node) -> int:
        policy = self.improved(node)
        total = sum(node.visits(a) for a in node.edges)
        return self.best(
            node,
            {
                a: policy[a] - node.visits(a) / (1 + total)
                for a in policy
                if not self.is_settled(node, a)
            },
        )

    def _sigma(self, node: Node, value: float) -> float:
        """The paper's monotone transformation; Q in [-1, 1] is brought to [0, 1] first."""
        busiest = max(node.visits(a) for a in node.edges)
        return (self.section.visit_scale + busiest) * self.section.value_scale * (value + 1) / 2

    def _completed(self, node: Node) -> dict[int, float]:
        """Q where it is known, else the mixed value (appendix D) of evaluator and search."""
        known = self.qvalues(node)
        counted = [a for a in self.worth_playing(node) if a in known]
        total = sum(node.visits(a) for a in node.edges)
        mixed = node.opinion
        if counted:
            share = sum(node.prior[a] for a in counted)
            average = sum(node.prior[a] / share * known[a] for a in counted)
            mixed = (node.opinion + total * average) / (1 + total)
        return {a: known.get(a, mixed) for a in node.edges}

    def improved(self, node: Node) -> dict[int, float]:
        """softmax(logits + sigma(completed Q)) over the actions worth playing."""
        completed = self._completed(node)
        height = {
            a: math.log(node.prior[a]) + self._sigma(node, completed[a])
            for a in self.worth_playing(node)
        }
        top = max(height.values())
        weight = {a: math.exp(h - top) for a, h in height.items()}
        return {a: w / sum(weight.values()) for a, w in weight.items()}

    def _decide(self) -> Choice:
        root = self.root
        policy, completed = self.improved(root), self._completed(root)
        visits = {a: root.visits(a) - self.before[a] for a in root.edges}
        rivals = self.worth_playing(root)
        open_ = [a for a in rivals if not self.is_settled(root, a)]
        left = [a for a in open_ if visits[a] == max(visits[o] for o in open_)]
        scores = self._root_scores()
        finalists = {a: scores[a] for a in rivals if a in left or a not in open_}
        value = self.within(root, sum(policy[a] * completed[a] for a in policy))
        return Choice(self.best(root, finalists), policy, value, visits, self.qvalues(root))


class SlowPuct(SlowSearch):
    """Silver et al. 2018 (pseudocode), forced playouts and pruning of Wu 2019, section 3.2."""

    def __init__(self, section: Puct, game: Game, evaluator: Evaluator) -> None:
        super().__init__(game, evaluator, section.look_ahead)
        self.section = section

    def search(self, budget: int, root_prior: dict[int, float], forced: float, seed: int) -> Choice:
        """Grows the tree; ``root_prior`` has the noise in it already; the action is greedy."""
        self.before = self.visits_now()
        self.root_prior, self.forced, self.seed = root_prior, forced, seed
        for _ in range(budget):
            if not self.simulate(self._at_root, self._inside):
                break
        visits = self.visits_now()
        worth, known = self.worth_playing(self.root), self.qvalues(self.root)
        policy = self._target()
        ranking: Mapping[int, float] = {a: visits[a] for a in worth}
        if not any(ranking.values()):
            ranking = policy
        action = self._favourite(ranking)
        extra = {a: visits[a] - self.before[a] for a in visits}
        return Choice(action, policy, self.mean(self.root), extra, known)

    def _favourite(self, ranking: Mapping[int, float]) -> int:
        """The first of the ranking, among equals the one that has done better."""
        known, first = self.qvalues(self.root), max(ranking.values())
        leaders = {a: known.get(a, -1.0) for a in ranking if ranking[a] == first}
        return self.best(self.root, leaders)

    def _weight(self, visits: int) -> float:
        base = self.section.exploration_base
        return math.sqrt(visits) * (math.log((visits + base + 1) / base) + self.section.exploration)

    def _at_root(self, root: Node) -> int:
        scores = self._scores(root, self.root_prior)
        due = {
            a: score
            for a, score in scores.items()
            if 0 < root.visits(a) < self._forced_visits(a, len(root.values))
        }
        return self.best(root, due or scores)

    def _forced_visits(self, action: int, visits: int) -> float:
        return math.sqrt(self.forced * self.root_prior[action] * visits)

    def _inside(self, node: Node) -> int:
        return self.best(node, self._scores(node, node.prior))

    def _scores(self, node: Node, prior: dict[int, float]) -> dict[int, float]:
        known = self.qvalues(node)
        unknown = self.mean(node) - self.section.unvisited_penalty
        reach = self._weight(len(node.values))
        return {
            a: known.get(a, unknown) + reach * prior[a] / (node.visits(a) + 1)
            for a in self.worth_playing(node)
        }

    def _target(self) -> dict[int, float]:
        """The share of visits after those are taken back that only forcing explains."""
        root, known = self.root, self.qvalues(self.root)
        visits = self.visits_now()
        total = 1 + sum(visits.values())
        worth = self.worth_playing(root)
        kept = {a: visits[a] for a in worth}
        favourite = self._favourite(kept)

        def puct(action: int, count: int) -> float:
            return known[action] + self._weight(total) * self.root_prior[action] / (1 + count)

        for a in worth:
            if a == favourite or not visits[a] or not self.forced:
                continue
            may_go = min(visits[a], math.floor(self._forced_visits(a, total)))
            gone, ceiling = 0, puct(favourite, visits[favourite])
            while gone < may_go and puct(a, visits[a] - gone - 1) < ceiling:
                gone += 1
            left = visits[a] - gone
            kept[a] = 0 if gone and left == 1 else left
        if not any(kept.values()):
            kept = {a: root.prior[a] for a in worth}
        return {a: share / sum(kept.values()) for a, share in kept.items()}


def searched(
    section: Gumbel | Puct,
    game: Game,
    evaluator: Evaluator,
    state: State,
    rng: np.random.Generator,
    explore: Bool | None = None,
    budget: Int | None = None,
    wave: int = 1,
) -> tuple[Forest, SearchResult]:
    """A search from fresh trees, without noise by default."""
    model = section.model(game, evaluator)
    forest = section.plant(model, state)
    if explore is None:
        explore = np.zeros(arrays.length(state), np.bool_)
    return forest, section.search(forest, model, rng, explore, budget, wave)


def summary_of(
    visits: list[int],
    qvalues: list[float],
    prior: list[float],
    dominated: list[bool] | None = None,
    solved: list[bool] | None = None,
    lanes: int = 1,
) -> RootSummary:
    """Equal roots about which this much is known, all actions legal; values 0 in [-1, 1]."""
    none, count = [False] * len(visits), len(visits)
    kinds = np.int32, np.int32, np.float32, np.float32, np.bool_, np.bool_
    rows = range(count), visits, qvalues, prior, dominated or none, solved or none
    zeros = np.zeros(lanes, np.float32)
    lists = zip(rows, kinds, strict=True)
    known = [np.tile(np.array(each, kind), (lanes, 1)) for each, kind in lists]
    return RootSummary(count, *known, zeros, zeros, zeros, lower=zeros - 1, upper=zeros + 1)


def row(state: State, i: int) -> State:
    """Position ``i`` alone."""
    return arrays.take(state, slice(i, i + 1))


def assert_same_arrays(one: Any, other: Any) -> None:
    """Records hold the same arrays, of the same types."""
    for mine, theirs in zip(arrays.leaves(one), arrays.leaves(other), strict=True):
        assert mine.dtype == theirs.dtype
        np.testing.assert_array_equal(mine, theirs)


def dense(sparse: dict[int, Any], actions: int, fill: float) -> np.ndarray:
    """The values of ``sparse`` at their actions, ``fill`` elsewhere."""
    out = np.full(actions, fill)
    for action, value in sparse.items():
        out[action] = value
    return out


def perft(game: Game, depth: int) -> list[int]:
    """How many lines of play there are of each length up to ``depth``."""
    state, counts = game.init(np.random.default_rng(0), 1), []
    while True:
        rows, actions = np.nonzero(game.legal(state))
        counts.append(len(rows))
        if len(counts) == depth:
            return counts
        state, paid = game.step(arrays.take(state, rows), actions.astype(np.int32))
        state = arrays.take(state, paid.discount != 0)


def assert_even(counts: np.ndarray, groups: list[list[int]]) -> None:
    """Within 4 sigma the counts of a group, which a symmetry maps into one another, are equal."""
    for group in groups:
        total = counts[group].sum()
        expected = total / len(group)
        spread = np.sqrt(expected * (1 - 1 / len(group)))
        assert (np.abs(counts[group] - expected) <= 4 * spread + 1e-9).all(), counts


def reach(game: Game, *lines: str, copies: int = 1) -> State:
    """The positions after lines of play of one length, each ``copies`` times."""
    moves = np.array([parse_moves(game, line) for line in lines], np.int32)
    state = game.init(np.random.default_rng(0), len(lines))
    for action in moves.T:
        state, _ = game.step(state, action)
    return arrays.repeat(state, copies)
