"""Trials: guided attempts on many problems side by side, by bigsteps of tree search.

A bigstep searches from the present position, commits to the move found and goes on from there
(Kaliszyk et al. 2018, "Reinforcement learning of theorem proving", section 3.2).  A lane whose line
is lost starts its problem again, with what is left of its inferences.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from envs.proving.game import Proving, ProvingState
from envs.proving.tableau import INFERENCES, OPTIONS, OVER, PROVED, RUNNING, SIZE
from selfplay import arrays
from selfplay.search import Forest, Search
from selfplay.search.forest import advance
from selfplay.search.tree import BEST, NONE, ROOT, Tree
from selfplay.types import Bool, Evaluator, Float, Int, Transition


class Seen(NamedTuple):
    """A position that a trial came through on its lines, and what the search made of it."""

    state: ProvingState  # one position, arrays [1, ...]
    policy: Float  # [A] f32
    value: float


class Trial(NamedTuple):
    """How an attempt on one problem ended."""

    problem: int
    proved: bool
    exhausted: bool  # every inference that the game's limits allow leads nowhere
    inferences: int
    seconds: float
    actions: tuple[int, ...]  # the moves of the proof
    seen: tuple[Seen, ...]  # the positions that moves were chosen in, all lines
    furthest: ProvingState | None = None  # of a failed trial: the largest tableau of its last tree


class Metered:
    """The game, with a count of the inferences that its steps took on each problem."""

    def __init__(self, game: Proving) -> None:
        self._game = game
        self.used = np.zeros(len(game.library.forms), np.int64)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._game, name)

    def step(self, state: ProvingState, action: Int) -> tuple[ProvingState, Transition]:
        after, paid = self._game.step(state, action)
        taken = after.tableau.scalars[:, INFERENCES] - state.tableau.scalars[:, INFERENCES]
        np.add.at(self.used, state.problem, taken)
        return after, paid


class Unguided:
    """An evaluator without opinion."""

    def __init__(self, actions: int) -> None:
        self._actions = actions

    def __call__(self, game: Any, state: ProvingState) -> Any:
        from selfplay.types import Evaluation

        count = len(state.problem)
        nothing = np.zeros(count, np.float32)
        return Evaluation(np.zeros((count, self._actions), np.float32), nothing, nothing)


def attempt(
    game: Proving,
    search: Search,
    evaluator: Evaluator,
    problems: Sequence[int],
    inferences: int,
    rng: np.random.Generator,
    lanes: int = 32,
    explore: bool = True,
    seconds: float | None = None,
    stop: Callable[[], bool] | None = None,
) -> Iterator[Trial]:
    """A trial of each of the ``problems``, in the order they end; no problem may stand twice.

    Each has ``inferences``, and ``seconds`` from when its trial begins.
    """
    metered = Metered(game)
    waiting = list(problems)[::-1]
    lanes = min(lanes, len(waiting))
    if not lanes:
        return
    crew = _Crew(metered, search, evaluator, rng, explore, [waiting.pop() for _ in range(lanes)])
    while crew.lanes and not (stop is not None and stop()):
        for lane in crew.bigstep(inferences, seconds)[::-1]:
            yield crew.trial(lane)
            if waiting:
                crew.give(lane, waiting.pop())
            else:
                crew.dismiss(lane)


class _Crew:
    """The lanes of ``attempt``."""

    def __init__(
        self,
        game: Metered,
        search: Search,
        evaluator: Evaluator,
        rng: np.random.Generator,
        explore: bool,
        problems: list[int],
    ) -> None:
        self._game, self._search, self._evaluator = game, search, evaluator
        self._rng, self._explore = rng, explore
        self._forest: Forest | None = None
        self._problem = list(problems)
        self._begun = [time.perf_counter()] * len(problems)
        self._line: list[list[int]] = [[] for _ in problems]
        self._seen: list[list[Seen]] = [[] for _ in problems]
        self._ended: list[tuple[int, ...] | None] = [None] * len(problems)  # a proof, () for none
        self._exhausted = [False] * len(problems)
        self._furthest: list[ProvingState | None] = [None] * len(problems)
        self._state: ProvingState = game.start(np.array(problems, np.int32))
        self._played = np.zeros(len(problems), np.int32)
        self._keep: Bool = np.zeros(len(problems), np.bool_)

    @property
    def lanes(self) -> int:
        return len(self._problem)

    def bigstep(self, inferences: int, seconds: float | None) -> list[int]:
        """One search and move in every lane; the lanes that are done, in order."""
        game, search = self._game, self._search
        if self._forest is None:
            self._forest = search.plant(game, self._state, self._evaluator, reuse=True)
        else:
            advance(
                self._forest, game, self._state, self._evaluator, self._played, self._keep,
                search.look_ahead,
            )  # fmt: skip
        left = inferences - game.used[self._problem]
        budget = np.minimum(search.simulations, np.maximum(left, 0)).astype(np.int32)
        alone = self._state.tableau.scalars[:, OPTIONS] == 1  # nothing to choose, nothing to search
        budget = np.where(alone, np.minimum(budget, 1), budget).astype(np.int32)
        noisy = np.full(self.lanes, self._explore)
        found = search.search(self._forest, game, self._evaluator, self._rng, noisy, budget)
        decision = found.decision
        done = []
        action = decision.action.copy()
        now = time.perf_counter()
        for lane in range(self.lanes):
            problem = self._problem[lane]
            used = game.used[problem]
            proof = winning_line(self._forest.tree, lane) if found.solved[lane] else None
            if proof is not None and used <= inferences:
                self._ended[lane] = (*self._line[lane], *proof)
                done.append(lane)
                continue
            self._exhausted[lane] = (
                proof is None and bool(found.solved[lane]) and not self._line[lane]
            )
            late = seconds is not None and now - self._begun[lane] >= seconds
            if used >= inferences or late or self._exhausted[lane]:
                self._ended[lane] = ()
                self._furthest[lane] = _largest(self._forest, lane)
                done.append(lane)
        self._note(decision.policy, decision.value)
        before = game.used.copy()
        after, paid = game.step(self._state, action)
        game.used[:] = before  # moves played were counted when they were searched
        self._played, self._keep = action, (paid.discount != 0.0)
        self._state = after
        for lane in range(self.lanes):
            self._line[lane].append(int(action[lane]))
            if not self._keep[lane] and self._ended[lane] is None:
                if after.tableau.scalars[lane, OVER] == PROVED:
                    self._ended[lane] = tuple(self._line[lane])
                    done.append(lane)
                else:
                    self._restart(lane)
        return sorted(done)

    def _note(self, policy: Float, value: Float) -> None:
        for lane in range(self.lanes):
            if self._state.tableau.scalars[lane, OVER] == RUNNING:
                state = arrays.take(self._state, slice(lane, lane + 1))
                self._seen[lane].append(Seen(state, policy[lane], float(value[lane])))

    def trial(self, lane: int) -> Trial:
        """What has become of the lane's problem."""
        problem, proof = self._problem[lane], self._ended[lane]
        return Trial(
            problem,
            bool(proof),
            self._exhausted[lane],
            int(self._game.used[problem]),
            time.perf_counter() - self._begun[lane],
            proof or (),
            tuple(self._seen[lane]),
            None if proof else self._furthest[lane],
        )

    def give(self, lane: int, problem: int) -> None:
        """Puts another problem into the lane."""
        self._problem[lane] = problem
        self._begun[lane] = time.perf_counter()
        self._seen[lane], self._ended[lane] = [], None
        self._exhausted[lane], self._furthest[lane] = False, None
        self._restart(lane)

    def dismiss(self, lane: int) -> None:
        """Takes the lane away."""
        rest = np.arange(self.lanes) != lane
        for column in (self._problem, self._begun, self._line, self._seen, self._ended):
            del column[lane]
        del self._exhausted[lane], self._furthest[lane]
        self._state = arrays.take(self._state, rest)
        self._played, self._keep = self._played[rest], self._keep[rest]
        self._forest = arrays.take(self._forest, rest)

    def _restart(self, lane: int) -> None:
        self._line[lane] = []
        start = self._game.start(np.array([self._problem[lane]], np.int32))
        arrays.put(self._state, slice(lane, lane + 1), start)
        self._keep[lane] = False


def winning_line(tree: Tree, lane: int) -> tuple[int, ...] | None:
    """The moves that end the game well, where the tree proves that there are such."""
    node, line = ROOT, []
    while True:
        sure = np.flatnonzero(tree.lower[lane, node] >= BEST)
        if not len(sure):
            return None
        action = int(sure[0])
        line.append(action)
        child = int(tree.child[lane, node, action])
        if child == NONE or tree.discount[lane, child] == 0.0:
            return tuple(line)
        node = child


def _largest(forest: Forest, lane: int) -> ProvingState:
    """The position of the lane's tree with the most nodes in its tableau, [1, ...]."""
    used = int(forest.tree.size[lane])
    sizes = forest.states.tableau.scalars[lane, :used, SIZE]
    at = int(sizes.argmax())
    return arrays.take(forest.states, ([lane], [at]))  # type: ignore[no-any-return]  # a copy
