"""Connection tableaux: which inferences are possible, and what one does, on examples by hand."""

from __future__ import annotations

import pytest
from formulas import clause, form_of

from envs.proving.calculus.matrix import Library, build_library
from envs.proving.calculus.tableau import (
    GOAL,
    INFERENCES,
    LEMMAS,
    LIMITED,
    LOST,
    NO_GOAL,
    OPTIONS,
    OVER,
    PROVED,
    ROOT,
    RUNNING,
    SIZE,
    VARIABLES,
    Limits,
    Tableau,
    advance,
    begin,
    infer,
    new_tableau,
)
from envs.proving.calculus.unify import UNBOUND, Scratch, new_scratch
from envs.proving.logic.tptp_writer import literal_text
from envs.proving.proofs.extract import literal_of


class Board:
    """A tableau of a few clauses, the first of which is the goal."""

    def __init__(
        self, *clauses: str, depth: int = 20, nodes: int = 64, variables: int = 64, room: int = 16
    ) -> None:
        goal = clause(clauses[0], "c0", "negated_conjecture")
        others = (clause(text, f"c{i}") for i, text in enumerate(clauses[1:], 1))
        self.library: Library = build_library([form_of(goal, *others)])
        self.t: Tableau = new_tableau(nodes, variables, room)
        self.scratch: Scratch = new_scratch(variables)
        self.limits = Limits(depth, False)
        begin(self.library.matrix, 0, self.t)

    def play(self, *options: int) -> Board:
        """Takes options by their place, with all that follows without choice."""
        for option in options:
            assert option < self[OPTIONS], (option, self[OPTIONS])
            infer(self.library.matrix, self.t, self.t.options[option], self.scratch)
            self.scratch.length[0] = 0
            advance(self.library.matrix, self.t, self.limits, self.scratch)
        return self

    def __getitem__(self, scalar: int) -> int:
        return int(self.t.scalars[scalar])

    def node(self, node: int) -> str:
        literal, offset = int(self.t.literal[node]), int(self.t.offset[node])
        return literal_text(literal_of(self.library, self.t, literal, offset))

    def options(self) -> list[str]:
        """Each option as "c1/0": the literal's place in its clause; or as the ancestor's text."""
        texts = []
        matrix = self.library.matrix
        for option in self.t.options[: self[OPTIONS]].tolist():
            if option < 0:
                texts.append(self.node(-1 - option))
            else:
                number = int(matrix.clause[option])
                texts.append(f"c{number}/{option - int(matrix.clause_start[number])}")
        return texts


FORK = ("~ p(X) | ~ q(X,Y)", "p(a)", "p(b)", "q(b,c)", "q(b,d)")


def test_the_start_puts_the_goals_literals_below_the_root() -> None:
    board = Board(*FORK)
    fresh = [array.copy() for array in board.t]
    assert (board[OVER], board[GOAL], board[OPTIONS]) == (RUNNING, ROOT, 1)
    board.play(0)
    assert [board.node(1), board.node(2)] == ["~ p(X0)", "~ q(X0,X1)"]
    assert (board[SIZE], board[GOAL], board[VARIABLES], board[INFERENCES]) == (3, 1, 2, 1)
    assert board.options() == ["c1/0", "c2/0"]
    begin(board.library.matrix, 0, board.play(1, 0).t)  # forgets a tableau completely
    assert all((a == b).all() for a, b in zip(fresh, board.t, strict=True))
    empty = Board("$false").play(0)  # nothing is below: a proof
    assert (empty[OVER], empty[INFERENCES], empty[SIZE]) == (PROVED, 1, 1)


def test_an_extension_binds_across_the_goals_and_can_lose() -> None:
    lost = Board(*FORK).play(0, 0)
    assert (lost[OVER], lost[GOAL], lost.node(2)) == (LOST, 2, "~ q(a,X1)")
    won = Board(*FORK).play(0, 1)
    # q(X, Y) is closed by the first of two: Y occurs nowhere else, but it is no variable of the
    # clause that closes it, so both are offered
    assert (won[OVER], won.options()) == (RUNNING, ["c3/0", "c4/0"])
    won.play(1)
    assert (won[OVER], won[GOAL], won[OPTIONS], won[INFERENCES]) == (PROVED, NO_GOAL, 0, 3)
    assert [won.node(1), won.node(2)] == ["~ p(b)", "~ q(b,d)"]


def test_reductions_are_offered_before_extensions() -> None:
    clauses = ("~ p(X) | ~ z", "p(X) | ~ p(f(X)) | ~ s", "p(X) | p(Y) | ~ t", "s", "t", "z")
    board = Board(*clauses).play(0)
    assert board.options() == ["c1/0", "c2/0", "c2/1"]
    board.play(1)
    assert [board.node(3), board.node(board[GOAL])] == ["p(X2)", "p(X2)"]
    assert board.options() == ["~ p(X0)", "c0/0", "c1/1"]
    board.play(0)
    assert board.t.closed[3] == -1 - 1
    assert [board.node(1), board.node(3)] == ["~ p(X0)", "p(X0)"]
    assert (board[OVER], board[INFERENCES]) == (PROVED, 5)  # start, c2, the reduction, t, z


def test_what_binds_nothing_of_the_goals_leaves_no_choice() -> None:
    """A reduction, or a unit that binds only its own variables."""
    board = Board("~ p(a) | ~ z", "p(X) | p(a) | ~ u", "u", "z").play(0)
    assert board.options() == ["c1/0", "c1/1"]
    board.play(0)
    assert board.node(3) == "p(a)"
    assert board.t.closed[3] == -1 - 1
    assert board[OVER] == PROVED
    other = Board("~ p(a) | ~ z", "p(X) | p(a) | ~ u", "u", "z").play(0, 1)
    assert other.options() == ["~ p(a)", "c0/0"]  # p(X), which the reduction would bind
    board = Board("~ p(a) | ~ q(X)", "p(b)", "p(a) | r", "p(Y)", "q(a)", "q(b)")
    board.play(0)
    assert board.t.closed[1] == 5  # p(Y), though c2 comes before it
    assert board[INFERENCES] == 2
    assert board.options() == ["c4/0", "c5/0"]  # binding X is a choice


def test_lemmas_close_at_once_and_cost_nothing() -> None:
    """~q(a) is closed, then comes again below ~r(a) to its right."""
    board = Board("~ q(a) | ~ r(a)", "q(a) | ~ s", "q(a) | ~ u", "s", "u", "r(X) | ~ q(X) | ~ s",
                  "r(b)")  # fmt: skip
    board.play(0)
    assert board.options() == ["c1/0", "c2/0"]
    board.play(0)
    # node 1 ~q(a) closed by c1 and s; node 2 ~r(a) extended by c5 (only fit): ~q(a) is a lemma
    assert board[OVER] == PROVED
    assert [board.node(node) for node in range(1, 6)] == [
        "~ q(a)", "~ r(a)", "~ s", "~ q(a)", "~ s",
    ]  # fmt: skip
    assert board.t.closed[4] == LEMMAS - 1
    assert board.t.closed[5] > 0  # ~s once more: the first stands below ~q(a), not beside
    assert board[INFERENCES] == 5  # start, c1, s, c5, s
    # the lemma may lie beside a node further up, but not below one
    board = Board("~ q | ~ r", "q | ~ s", "q | ~ u", "s", "u", "r | ~ v", "v | ~ q")
    board.play(0, 0)
    assert board[OVER] == PROVED
    assert board.node(5) == "~ q"
    assert board.t.closed[5] == LEMMAS - 1


def test_a_goal_or_a_brother_that_stands_above_is_irregular() -> None:
    board = Board("~ p(a)", "p(X) | ~ p(f(X))", "p(f(a)) | ~ p(a)", "p(b)")
    board.play(0)
    # one extension fits, c1; then ~p(f(a)) has c1 and c2, and c2 would bring ~p(a) back
    assert board.options() == ["c1/0", "c2/0"]
    board.play(1)
    assert (board[OVER], board.node(board[GOAL])) == (LOST, "~ p(a)")
    board = Board("~ p(a)", "p(a) | ~ p(b)", "p(b) | ~ q | ~ p(a)", "p(b) | ~ r", "q").play(0)
    assert (board.node(board[GOAL]), board.options()) == ("~ p(b)", ["c2/0", "c3/0"])
    board.play(0)
    assert (board[OVER], board.node(board[GOAL])) == (LOST, "~ q")  # for the ~ p(a) beside it


@pytest.mark.parametrize(
    ("depth", "ground_free", "over", "inferences"),
    [(2, False, LOST, 2), (3, False, LOST, 3), (4, False, PROVED, 4), (3, True, PROVED, 4)],
)
def test_the_depth_is_a_limit(depth: int, ground_free: bool, over: int, inferences: int) -> None:
    """The literal that closes a branch counts, unless its clause has no variables."""
    board = Board("~ p(a)", "p(X) | ~ p(f(X))", "p(f(f(a)))", depth=depth)
    board.limits = Limits(depth, ground_free)
    board.play(0)
    assert (board[OVER], board[INFERENCES]) == (over, inferences)
    assert board[LIMITED] == (depth < 4)  # p(X) | ~ p(f(X)) could have gone on


@pytest.mark.parametrize(
    ("sizes", "over", "nodes"),
    [({"nodes": 4}, PROVED, 4), ({"nodes": 3}, LOST, 3), ({"variables": 1}, LOST, 3)],
)
def test_the_room_is_a_limit(sizes: dict[str, int], over: int, nodes: int) -> None:
    board = Board("~ p(X) | ~ q(X)", "p(a)", "q(Y) | ~ r(Y)", "r(Z)", **sizes).play(0)
    assert (board[OVER], board[LIMITED], board[SIZE]) == (over, int(over == LOST), nodes)


def test_options_without_room() -> None:
    """A start clause that does not fit is none; of too many the first are offered."""
    board = Board("~ p | ~ q | ~ r", "p", "q", "r", nodes=3)
    assert (board[OVER], board[OPTIONS], board[LIMITED]) == (LOST, 0, 1)
    assert Board("~ p | ~ q | ~ r", "p", "q", "r", nodes=4).play(0)[OVER] == PROVED
    axioms = [f"p(c{i})" for i in range(5)]
    board = Board("~ p(X) | ~ q(X)", *axioms, "q(c1)", room=3).play(0)
    assert (board.options(), board[LIMITED]) == (["c1/0", "c2/0", "c3/0"], 1)


def test_variables_of_copies_are_apart() -> None:
    board = Board("~ p(X,X)", "p(f(X),Y) | ~ p(X,Y)", "p(a,f(a))", "p(f(b),b)").play(0)
    assert [board.node(1), board.node(2)] == ["~ p(f(X1),f(X1))", "~ p(X1,f(X1))"]
    assert board[VARIABLES] == 3
    assert (board.t.bound[:3] != UNBOUND).tolist() == [True, False, True]
