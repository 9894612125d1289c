"""Everything that crosses a file: the records and protocols, with the one shape legend.

Shape legend, used in every docstring of the project::

    B  games side by side      N  nodes of a search tree      A  actions
    M  samples                 C, H, W  planes, height, width of a board observation
    L, R  the longest of M lists of actions

Laws:

* Rewards, values and policies are for the player to move.
* ``discount`` carries the sign: ``value = reward + discount * next_value``.  +1: the same player
  moves again (or there is only one), -1: the other player moves, 0: the game is over.
* Returns lie in [-1, 1]: +1 is the best that can happen to a player, -1 the worst.
* Steps are pure; randomness is an explicit ``numpy.random.Generator``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float32]
Int = NDArray[np.int32]
Bool = NDArray[np.bool_]
Actions = NDArray[np.signedinteger]  # lists: rows of actions, NO_ACTION behind the last
NO_ACTION = -1

# A State or an Obs is a NamedTuple of arrays (fields differ from game to game) whose leading axis
# is B; the framework only ever indexes that axis.
State = Any
Obs = Any


class Transition(NamedTuple):
    """What a step paid and whose turn it is now."""

    reward: Float  # [B] f32, to the player who moved
    discount: Float  # [B] f32, +1 same player moves again, -1 the other player, 0 game over


class Evaluation(NamedTuple):
    """What a net (or a stand-in for one) thinks of B positions, for the player to move."""

    logits: Float  # [B, A] f32, unnormalised log-probabilities; illegal actions are masked later
    value: Float  # [B] f32 in [-1, 1], expected return
    draw: Float  # [B] f32 in [0, 1], probability of a draw (0 where the evaluator has no idea)


class Decision(NamedTuple):
    """What every player returns for B positions."""

    action: Int  # [B] i32, the move to play
    policy: Float  # [B, A] f32, probability of each action; the policy target after a search
    value: Float  # [B] f32 in [-1, 1], expected return for the player to move
    visits: Int  # [B, A] i32, simulations that began with each action (0 without search)
    qvalues: Float  # [B, A] f32, expected return of each action; NaN where it is not known


class Targets(NamedTuple):
    """M positions with what a net shall say of them.

    Policies are of listed actions only: where 30 of 5,000 are legal the others take no memory.
    """

    obs: Obs  # arrays [M, ...]
    actions: Actions  # [M, L] the legal ones, in ascending order
    policy: Float  # [M, L] f32, their target probabilities
    value: Float  # [M, 3] f32, target probabilities of win, draw and loss for the player to move
    reply_actions: Actions  # [M, R] actions in the position after the move played; none if unknown
    reply: Float  # [M, R] f32, their target probabilities
    policy_weight: Float  # [M] f32, 0 where only the value is to be learned
    value_weight: Float  # [M] f32


class Tried(NamedTuple):
    """M positions with a move that was tried in each, and what came of it: policy gradient."""

    obs: Obs  # arrays [M, ...]
    actions: Actions  # [M, L] the legal ones, in ascending order
    action: Int  # [M] i32, the move
    chance: Float  # [M] f32, the probability with which it was played
    advantage: Float  # [M] f32, how much better it turned out than expected
    value: Float  # [M, 3] f32, target probabilities of win, draw and loss for the player to move


Samples = Targets | Tried  # all that a learner ever sees


class Report(NamedTuple):
    """A line of progress, yielded by regimes and written down by ``log``."""

    step: int  # positions generated so far: the x axis of every curve
    phase: str  # "selfplay", "learn", "strength", ...
    scalars: Mapping[str, float]


@runtime_checkable
class Game(Protocol):
    """The rules of a game, batched: pure functions on States of B positions.

    ``selfplay check GAME`` tells whether an implementation keeps the laws.
    """

    name: str
    num_actions: int
    max_moves: int  # no game is longer
    num_players: int  # 1 or 2

    def init(self, rng: np.random.Generator, batch: int) -> State:
        """B start positions; ``rng`` serves games whose start is random."""

    def step(self, state: State, action: Int) -> tuple[State, Transition]:
        """The positions after ``action`` [B], and what that paid; ``state`` stays untouched.

        Where the game is over already nothing changes: reward 0, discount 0.
        Raises ValueError where an action is illegal.
        """

    def legal(self, state: State) -> Bool:
        """[B, A], True where an action may be played; all True once the game is over."""

    def observe(self, state: State) -> Obs:
        """What a net sees, for the player to move: a NamedTuple of arrays [B, ...]."""

    def text(self, state: State, i: int) -> str:
        """Position ``i`` drawn with characters."""

    def action_name(self, action: int) -> str:
        """The action as players of the game write it."""

    def parse_action(self, text: str) -> int:
        """The action that ``text`` names; raises ValueError with a sentence for the user."""


@runtime_checkable
class Symmetric(Protocol):
    """Optional part of a Game: transformations that change neither rules nor outcome."""

    action_map: Int  # [K, A] i32: under symmetry k, action a becomes action_map[k, a]; 0 = identity

    def transform(self, obs: Obs, k: int) -> Obs:
        """The observation of the position after symmetry ``k``."""


@runtime_checkable
class ShowsMore(Protocol):
    """Optional part of a Game whose observations hold more than tells positions apart."""

    def bare(self, obs: Obs) -> Obs:
        """The observation without that: positions are the same where it is."""


@runtime_checkable
class StepsWithin(Protocol):
    """Optional part of a Game whose positions are large: steps from place to place in a table."""

    def step_within(
        self, states: State, row: Any, at: Int, action: Int, to: Int
    ) -> tuple[State, Transition]:
        """``step`` from the positions [row, at] of ``states``, contiguous arrays [B, N, ...].

        All arguments but the first are [L].  What is returned, in memory of its own, is written to
        [row, to] as well; no such place stands twice or is one that is stepped from.  Nothing else
        changes, but where an action is illegal those places may hold anything.
        """


@runtime_checkable
class LooksAhead(Protocol):
    """Optional part of a Game that knows faster than by ``step`` which actions end it."""

    def ends(self, state: State, row: Any, action: Int) -> Float:
        """[K] f32, what the legal ``action`` [K] pays at position ``row`` [K] of ``state``.

        NaN where it does not end the game, 0 where that is over already.
        """


class Board(NamedTuple):
    """What one position looks like: a grid of cells, rows from the top.

    The last move stands where the first piece does, row by row, of the cells that mean its action.
    """

    cells: NDArray[np.int8]  # [R, C] 0 empty, 1 a piece of who moved first, 2 the other's, -1 none
    clicks: Int  # [R, C] i32, the action that a click there means, legal or not; NO_ACTION: none
    places: Int  # [A] i32, the cell (row * C + column) for a number about an action, -1 beside all
    line: tuple[int, ...]  # the cells that won, () as long as none did
    look: str  # one of LOOKS


LOOKS = ("holes", "discs", "marks", "text")  # as Connect Four, Othello, tic-tac-toe; as its text


@runtime_checkable
class Drawn(Protocol):
    """Optional part of a Game: positions as data, for whoever draws them."""

    def board(self, state: State, i: int) -> Board:
        """Position ``i``."""


class Evaluator(Protocol):
    """Turns B positions into an Evaluation: a net with its cache, or a stand-in for one."""

    def __call__(self, game: Game, state: State) -> Evaluation: ...


class Player(Protocol):
    """Anything that chooses moves for B positions."""

    name: str

    def decide(self, game: Game, state: State, rng: np.random.Generator) -> Decision: ...
