"""Trials: guided attempts on many problems side by side, by bigsteps of tree search.

A bigstep searches from the present position, commits to the move found and goes on from there
(Kaliszyk et al. 2018, "Reinforcement learning of theorem proving", section 3.2).  A lane whose line
is lost starts its problem again, with what is left of its inferences.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from envs.proving.calculus.tableau import INFERENCES, SIZE, Tableau
from envs.proving.game import Proving, ProvingState
from selfplay import arrays
from selfplay.search import Forest, GameModel, Model, Search
from selfplay.search import forest as forests
from selfplay.search.model import BEST
from selfplay.search.tree import NONE, ROOT, Tree, edges_of
from selfplay.types import Bool, Decision, Evaluator, Float, Int, State, Transition

_SLICE = 256  # simulations between two looks at what is solved
_MANY = 50  # visits of a position that a failed search has looked into


class Seen(NamedTuple):
    """A position that a trial looked at, with the search's opinion of it, or else the net's."""

    state: ProvingState  # one position, arrays [1, ...]
    policy: Float  # [A] f32
    value: float


class Bounds(NamedTuple):
    """How long to search; None: for ever."""

    seconds: float | None = None
    inferences: int | None = None

    def less(self, seconds: float, inferences: int) -> Bounds:
        """What is left of them after so many."""
        return Bounds(
            None if self.seconds is None else self.seconds - seconds,
            None if self.inferences is None else self.inferences - inferences,
        )

    @property
    def are_over(self) -> bool:
        """Whether nothing is left."""
        return any(left is not None and left <= 0 for left in self)


class Trial(NamedTuple):
    """How an attempt on one problem ended."""

    problem: int
    proved: bool
    exhausted: bool  # every inference that the game's limits allow leads nowhere
    inferences: int
    seconds: float
    actions: tuple[int, ...] = ()  # the moves of the proof
    seen: tuple[Seen, ...] = ()  # where moves were chosen, on all lines; of a failed trial also
    #                              the positions that its last tree went for
    furthest: ProvingState | None = None  # of a failed trial: the largest tableau of its last tree


class Metered(GameModel):
    """A model with a count of the inferences that its steps took on each problem."""

    game: Proving

    def __init__(self, game: Proving, evaluator: Evaluator, see_ends: bool) -> None:
        super().__init__(game, evaluator, see_ends)
        self.used = np.zeros(len(game.library.forms), np.int64)

    def step(self, state: ProvingState, action: Int) -> tuple[ProvingState, Transition]:
        after, paid = super().step(state, action)
        self._count(state.tableau.scalars[:, INFERENCES], after)
        return after, paid

    def step_within(
        self, states: ProvingState, lane: Any, at: Int, action: Int, to: Int
    ) -> tuple[ProvingState, Transition]:
        before = states.tableau.scalars[lane, at, INFERENCES]
        after, paid = self.game.step_within(states, lane, at, action, to)
        self._count(before, after)
        return after, paid

    def _count(self, before: Int, after: ProvingState) -> None:
        np.add.at(self.used, after.problem, after.tableau.scalars[:, INFERENCES] - before)


def attempt(
    game: Proving,
    search: Search,
    evaluator: Evaluator,
    problems: Sequence[int],
    inferences: int,
    rng: np.random.Generator,
    lanes: int = 32,
    explore: bool = True,
    memory: TreeMemory | None = None,
) -> Iterator[Trial]:
    """A trial of each of the ``problems``, in the order they end; no problem may stand twice.

    Each has ``inferences``.  ``memory`` keeps the memory of the trees from one call to the next.
    """
    if not problems:
        return
    first, waiting = list(problems[:lanes]), list(problems[lanes:])[::-1]
    model, bounds = Metered(game, evaluator, search.look_ahead), Bounds(inferences=inferences)
    running = Lanes(model, search, rng, bounds, first, explore, memory=memory)
    while running.busy:
        for lane in running.go_on():
            yield running.trial(lane)
            if waiting:
                running.give(lane, waiting.pop())
            else:
                running.retire(lane)


class TreeMemory:
    """Memory of trees that is used again, by one after the other: see forest.plant."""

    def __init__(self) -> None:
        self.forest: Forest | None = None  # the largest so far, of the present size of trees

    def plant(self, model: Model, state: State, nodes: int) -> Forest:
        """As forest.plant; what stood here before is lost."""
        if self.forest is not None and not self.forest.has_room(arrays.length(state), nodes):
            self.forest = None  # not while the next takes memory too
        planted = forests.plant(model, state, nodes, self.forest)
        if self.forest is None:
            self.forest = planted
        return planted


class Lanes:
    """Problems side by side: each has the line of moves made so far, and a tree below."""

    def __init__(
        self,
        model: Metered,
        search: Search,
        rng: np.random.Generator,
        bounds: Bounds,
        problems: list[int],
        explore: bool = False,
        wave: int = 1,
        room: int | None = None,
        memory: TreeMemory | None = None,
    ) -> None:
        """``wave`` leaves of a tree are judged at a time; a tree has ``room`` nodes, by default
        those of two bigsteps, in ``memory``.
        """
        self._lanes = [_Lane(problem) for problem in problems]  # their clocks run from here
        self._model, self._search, self._rng = model, search, rng
        self._explore, self._wave = explore, wave
        self._bounds = bounds
        # where waves of many leaves meet, a simulation is nearly a call of the net
        self._slice = _SLICE if wave == 1 else 4 * wave
        if search.kind != "puct":  # planned from their first simulation to their last
            self._slice = search.simulations
        self._state: ProvingState = model.game.start(np.array(problems, np.int32))
        room = 2 * search.simulations if room is None else room
        if bounds.inferences is not None:
            room = min(room, bounds.inferences)
        memory = TreeMemory() if memory is None else memory
        self._forest = memory.plant(model, self._state, room + 1)
        self._anew: Bool = np.zeros(len(problems), np.bool_)  # the tree is of another problem

    @property
    def busy(self) -> bool:
        """Whether any lane has a problem."""
        return not all(lane.idle for lane in self._lanes)

    def go_on(self) -> list[int]:
        """Some simulations in every lane, and a move where a bigstep ends; the lanes now done."""
        model, search, forest = self._model, self._search, self._forest
        anew = np.flatnonzero(self._anew)
        nothing = np.full(len(anew), NONE, np.int32)
        forests.advance(forest, model, arrays.take(self._state, anew), nothing, anew)
        self._anew[:] = False
        budget = np.array([self._budget(lane) for lane in self._lanes], np.int32)
        noisy = np.array([self._explore or lane.again for lane in self._lanes])
        result = search.search(forest, model, self._rng, noisy, budget, self._wave)
        now, size, room = time.perf_counter(), forest.tree.size, forest.tree.nodes.shape[1]
        done, moving = [], []
        for i, lane in enumerate(self._lanes):
            if lane.idle:
                continue
            lane.simulations += int(budget[i])
            if self._has_ended(i, bool(result.solved[i]), now):
                done.append(i)
            elif result.solved[i]:
                self._restart(i)
            elif lane.simulations >= search.simulations or size[i] == room:
                moving.append(i)
        if moving:
            done += self._move(np.array(moving), result.decision)
        return done

    def _budget(self, lane: _Lane) -> int:
        if lane.idle:
            return 0
        left = min(self._slice, self._search.simulations - lane.simulations)
        if self._bounds.inferences is not None:
            left = min(left, self._bounds.inferences - self.used(lane.problem))
        return max(0, left)

    def used(self, problem: int) -> int:
        """The inferences that the problem has taken."""
        return int(self._model.used[problem])

    def _has_ended(self, i: int, solved: bool, now: float) -> bool:
        lane, used = self._lanes[i], self.used(self._lanes[i].problem)
        most = self._bounds.inferences
        proof = winning_line(self._forest.tree, i) if solved else None
        if proof is not None and (most is None or used <= most):
            lane.proof = (*lane.line, *proof)
            return True
        lane.exhausted = solved and proof is None and not lane.line
        if not (lane.exhausted or self._bounds.less(now - lane.begun, used).are_over):
            return False
        lane.furthest = _largest(self._forest, i)
        lane.seen += _favourites(self._forest, i)
        return True

    def _move(self, moving: Int, decision: Decision) -> list[int]:
        """Commits lanes to the moves found; the trees go on below.  Returns those now proved."""
        model, action = self._model, decision.action[moving]
        for i, move in zip(moving.tolist(), action.tolist(), strict=True):
            lane, one = self._lanes[i], arrays.take(self._state, [i])
            lane.seen.append(Seen(one, decision.policy[i], float(decision.value[i])))
            lane.line.append(move)
            lane.simulations = 0
        before = model.used.copy()
        state, paid = model.step(arrays.take(self._state, moving), action)
        searched = [self._lanes[i].problem for i in moving[decision.visits[moving, action] > 0]]
        model.used[searched] = before[searched]  # these moves were counted in the tree
        arrays.put(self._state, moving, state)
        goes_on = paid.discount != 0.0
        if goes_on.any():
            lanes, below = moving[goes_on], arrays.take(state, goes_on)
            forests.advance(self._forest, model, below, action[goes_on], lanes)
        proved = []
        for i, reward in zip(moving[~goes_on].tolist(), paid.reward[~goes_on], strict=True):
            if reward > 0:  # by a move that the tree had not tried
                self._lanes[i].proof = tuple(self._lanes[i].line)
                proved.append(i)
            else:
                self._restart(i)
        return proved

    def leader(self, i: int) -> tuple[Tableau, float]:
        """Where the line that the lane's tree has visited most leads, and what the tree expects."""
        tree, node = self._forest.tree, ROOT
        root = tree.nodes[i, ROOT]
        while True:
            edges = edges_of(tree, i, node)
            child = int(edges["child"][edges["visits"].argmax()]) if len(edges) else NONE
            if child == NONE:
                break
            node = child
        state = arrays.take_at(self._forest.states, [i], [node])
        return arrays.take(state.tableau, 0), float(root["total"] / max(1, root["visits"]))

    def trial(self, i: int) -> Trial:
        """What has become of the lane's problem."""
        lane = self._lanes[i]
        used, seconds = self.used(lane.problem), time.perf_counter() - lane.begun
        return Trial(
            lane.problem, bool(lane.proof), lane.exhausted, used, seconds,
            lane.proof, tuple(lane.seen), lane.furthest,
        )  # fmt: skip

    def give(self, i: int, problem: int) -> None:
        """Puts another problem into the lane."""
        self._lanes[i] = _Lane(problem)
        self._restart(i)

    def retire(self, i: int) -> None:
        """No problem is left for the lane: it stays where it is, for trees are large to move."""
        self._lanes[i].idle = True

    def _restart(self, i: int) -> None:
        lane = self._lanes[i]
        lane.again = bool(lane.line)
        lane.line, lane.simulations = [], 0
        start = self._model.game.start(np.array([lane.problem], np.int32))
        arrays.put(self._state, slice(i, i + 1), start)
        self._anew[i] = True


class _Lane:
    """One problem of those side by side."""

    def __init__(self, problem: int) -> None:
        self.problem = problem
        self.begun = time.perf_counter()
        self.line: list[int] = []  # the moves made
        self.again = False  # a line was lost: with noise the next one goes another way
        self.simulations = 0  # since the last of them
        self.seen: list[Seen] = []
        self.proof: tuple[int, ...] = ()
        self.exhausted = False
        self.idle = False  # no problem is left for it
        self.furthest: ProvingState | None = None


def winning_line(tree: Tree, lane: int) -> tuple[int, ...] | None:
    """The moves that end the game well, where the tree proves that there are such."""
    node, line = ROOT, []
    while True:
        edges = edges_of(tree, lane, node)
        sure = np.flatnonzero(edges["lower"] >= BEST)
        if not len(sure):
            return None
        line.append(int(edges["action"][sure[0]]))
        child = int(edges["child"][sure[0]])
        if child == NONE or tree.nodes["discount"][lane, child] == 0.0:
            return tuple(line)
        node = child


def _favourites(forest: Forest, lane: int) -> Iterator[Seen]:
    """The root and the positions below it that the search looked into most, one a move."""
    tree, node = forest.tree, ROOT
    while True:
        edges = edges_of(tree, lane, node)
        if tree.nodes["discount"][lane, node] != 0.0:
            state = arrays.take_at(forest.states, [lane], [node])
            policy = np.zeros(forest.actions, np.float32)
            policy[edges["action"]] = edges["prior"]
            yield Seen(state, policy, float(tree.nodes["raw_value"][lane, node]))
        visits = edges["visits"]
        if visits.max() < _MANY:
            return
        node = int(edges["child"][visits.argmax()])


def _largest(forest: Forest, lane: int) -> ProvingState:
    """The position of the lane's tree with the most nodes in its tableau, [1, ...]."""
    sizes = forest.states.tableau.scalars[lane, : forest.tree.size[lane], SIZE]
    return arrays.take_at(forest.states, [lane], [sizes.argmax()])  # type: ignore[no-any-return]  # a copy
