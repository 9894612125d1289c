"""The tree of a game: the line that was played, and the branches that were tried beside it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeGuard

import numpy as np

from selfplay.lines.keys import position_keys
from selfplay.types import NO_ACTION, Game, State

NOT_PLAYED = NO_ACTION  # the action of a position that is still to be decided
ROOT = 0  # the node of the start
NO_NODE = -1  # the parent of the start
MOST = 10_000  # nodes of a tree
RETRY = 0.2  # a move that loses this much return may be taken back and tried again


class Position(NamedTuple):
    """A position of the game, and what was played there."""

    state: State  # [1]
    mover: int  # 0: who moved first, 1: the other
    over: bool
    paid: tuple[float, float]  # to either player since the start
    action: int = NOT_PLAYED


def start_of(state: State) -> Position:
    """The position that a game begins with."""
    return Position(state, 0, False, (0.0, 0.0))


def after(game: Game, before: Position, action: int) -> Position:
    """The position that ``action`` leads to; ValueError where it is illegal or the game is over."""
    if before.over:
        raise ValueError(f"{game.action_name(action)} cannot be played: the game is over")
    state, transition = game.step(before.state, np.array([action], np.int32))
    reward, discount = float(transition.reward[0]), float(transition.discount[0])
    paid = list(before.paid)
    paid[before.mover] += reward
    if game.num_players == 2:
        paid[1 - before.mover] -= reward
    mover = 1 - before.mover if discount < 0 else before.mover
    return Position(state, mover, discount == 0, (paid[0], paid[1]))


class Node(NamedTuple):
    """A position of the tree."""

    parent: int  # NO_NODE at the start
    action: int  # that led here; NO_ACTION at the start
    position: Position
    children: list[int]  # the first is the main line's


class Variations:
    """A tree of positions from the start of a game, one of which is looked at (``at``).

    Nodes are numbered as they come, from ROOT; a number is never given twice.  ``seed``: the game
    begins with ``game.init(np.random.default_rng(seed), 1)``.  What would make the tree larger
    than MOST nodes is a ValueError with a sentence.
    """

    def __init__(self, game: Game, seed: int = 0) -> None:
        self.game, self.seed = game, seed
        start = start_of(game.init(np.random.default_rng(seed), 1))
        self.nodes = {ROOT: Node(NO_NODE, NO_ACTION, start, [])}
        self.at = ROOT
        self._next = ROOT + 1

    @property
    def now(self) -> Position:
        """The position looked at."""
        return self.nodes[self.at].position

    def play(self, action: int) -> int:
        """Goes where ``action`` leads, a new branch where it was not played before; the node.

        Raises ValueError with a sentence where the action is illegal or the game is over.
        """
        self.at = self._child(self.at, action)
        return self.at

    def branch(self, node: int, actions: Sequence[int]) -> int:
        """Goes where ``actions`` lead from ``node``; the last node.  All or nothing is played."""
        self._known(node)
        at, first = node, self._next
        try:
            for action in actions:
                at = self._child(at, action)
        except ValueError:
            if first in self.nodes:
                self._cut(first)  # all that came is below the first that did
            raise
        self.at = at
        return at

    def go_to(self, node: int) -> None:
        """Looks at ``node``; ValueError where there is none."""
        self.at = self._known(node)

    def undo(self, side: int) -> int:
        """Goes back to where ``side`` decided last, so behind both moves; ValueError if nowhere.

        The moves stay in the tree.
        """
        at = self.nodes[self.at].parent
        while at != NO_NODE and self.nodes[at].position.mover != side:
            at = self.nodes[at].parent
        if at == NO_NODE:
            raise ValueError("there is no move of yours to take back")
        self.at = at
        return at

    def retry(self, node: int, lost: float) -> int:
        """Goes to where the move to ``node`` was decided, to try another; the move stays.

        Raises ValueError where it ``lost`` too little return for that.
        """
        parent = self.nodes[self._known(node)].parent
        if parent == NO_NODE:
            raise ValueError("the game begins here: there is no move to try again")
        if lost < RETRY:
            name = self.game.action_name(self.nodes[node].action)
            raise ValueError(f"{name} lost {lost:.2f}; moves that lose {RETRY} are tried again")
        self.at = parent
        return parent

    def remove(self, node: int) -> None:
        """Takes ``node`` and all below it out of the tree; who looked there looks at its parent."""
        if self._known(node) == ROOT:
            raise ValueError("the start of the game cannot be removed")
        inside = node in self.line(self.at)
        parent = self.nodes[node].parent
        self._cut(node)
        if inside:
            self.at = parent

    def make_main(self, node: int) -> None:
        """Makes the line that leads to ``node`` the main line."""
        for each in self.line(node)[1:]:
            siblings = self.nodes[self.nodes[each].parent].children
            siblings.remove(each)
            siblings.insert(0, each)

    def line(self, node: int) -> list[int]:
        """The nodes from the start to ``node``, both included."""
        at, back = self._known(node), []
        while at != NO_NODE:
            back.append(at)
            at = self.nodes[at].parent
        return back[::-1]

    def line_through(self, node: int) -> list[int]:
        """The nodes of the line that leads to ``node`` and on, by first children, to its end."""
        line = self.line(node)
        while children := self.nodes[line[-1]].children:
            line.append(children[0])
        return line

    def main_line(self) -> list[int]:
        """The nodes from the start on by first children."""
        return self.line_through(ROOT)

    def positions(self, line: Sequence[int]) -> list[Position]:
        """The positions of a line of nodes, each with what was played there."""
        actions = [self.nodes[node].action for node in line[1:]]
        played = zip(line, [*actions, NOT_PLAYED], strict=True)
        return [self.nodes[node].position._replace(action=action) for node, action in played]

    def to_json(self) -> dict[str, Any]:
        """The tree as plain JSON: nodes as [number, parent, move], children behind their parent."""
        order: list[int] = []
        waiting = [ROOT]
        while waiting:
            order.append(waiting.pop())
            waiting += reversed(self.nodes[order[-1]].children)
        names = [self.game.action_name(self.nodes[node].action) for node in order[1:]]
        rows = zip(order[1:], names, strict=True)
        nodes = [[node, self.nodes[node].parent, name] for node, name in rows]
        return {"game": self.game.name, "seed": self.seed, "at": self.at, "nodes": nodes}

    @staticmethod
    def from_json(game: Game, content: Any) -> Variations:
        """The tree that ``to_json`` gave; whatever else it is given is a ValueError."""
        if not isinstance(content, dict) or not isinstance(content.get("nodes"), list):
            raise ValueError("a game with its branches is an object with game, seed, at and nodes")
        if content.get("game") != game.name:
            raise ValueError(
                f"the branches are of {str(content.get('game'))[:80]!r}, not of {game.name}"
            )
        rows = content["nodes"]
        if len(rows) >= MOST:
            raise ValueError(_too_many(len(rows) + 1))
        seed, at = content.get("seed"), content.get("at")
        if not _is_number(seed) or not _is_number(at):
            raise ValueError("seed and at of a game with its branches are whole numbers")
        tree = Variations(game, seed)
        for place, row in enumerate(rows, start=1):
            tree._add_row(row, f"node {place} of the branches")
        tree.go_to(at)
        return tree

    @staticmethod
    def from_history(game: Game, history: Sequence[Position]) -> Variations:
        """The tree of one line, as a Session has it; ValueError where its start is random."""
        tree = Variations(game)
        if position_keys(tree.now.state)[0] != position_keys(history[0].state)[0]:
            raise ValueError(f"games of {game.name} begin at random: their moves do not tell them")
        tree.branch(ROOT, [each.action for each in history if each.action != NOT_PLAYED])
        return tree

    def _add_row(self, row: Any, where: str) -> None:
        if not (isinstance(row, list) and len(row) == 3 and isinstance(row[2], str)):
            raise ValueError(f"{where} is none of the form [number, parent, move]")
        number, parent, name = row
        if not _is_number(number) or not _is_number(parent):
            raise ValueError(f"{where} has a number that is none")
        if number in self.nodes or parent not in self.nodes:
            raise ValueError(f"{where} is there twice, or stands before its parent")
        try:
            action = self.game.parse_action(name[:80])
            if self._found(parent, action) is not None:
                raise ValueError(f"{name[:80]} is a branch already")
            self._add(parent, action, number)
        except ValueError as error:
            raise ValueError(f"{where}: {error}") from error

    def _child(self, node: int, action: int) -> int:
        """The child of ``node`` by ``action``, made where there is none."""
        found = self._found(node, action)
        return self._add(node, action, self._next) if found is None else found

    def _found(self, node: int, action: int) -> int | None:
        children = self.nodes[node].children
        return next((each for each in children if self.nodes[each].action == action), None)

    def _add(self, parent: int, action: int, number: int) -> int:
        if len(self.nodes) >= MOST:
            raise ValueError(_too_many(MOST + 1))
        position = self.nodes[parent].position
        if not 0 <= action < self.game.num_actions:
            raise ValueError(f"{self.game.name} has no action {action}")
        if not position.over and not self.game.legal(position.state)[0, action]:
            raise ValueError(f"{self.game.action_name(action)} cannot be played here")
        reached = after(self.game, position, action)
        self.nodes[number] = Node(parent, action, reached, [])
        self.nodes[parent].children.append(number)
        self._next = max(self._next, number + 1)
        return number

    def _cut(self, node: int) -> None:
        self.nodes[self.nodes[node].parent].children.remove(node)
        waiting = [node]
        while waiting:
            waiting += self.nodes.pop(waiting.pop()).children

    def _known(self, node: int) -> int:
        if node not in self.nodes:
            raise ValueError(f"there is no node {node} in this game")
        return node


def _too_many(nodes: int) -> str:
    return f"{nodes:,} positions are too many for a game with its branches; {MOST:,} are kept"


def _is_number(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53
