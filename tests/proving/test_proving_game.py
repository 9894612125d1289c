"""The proving game: choices, single options, rewards, limits; its wins are proofs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from provers import TRAP, game_of, is_accepted, number_of
from reference import assert_same_arrays

import envs
from envs.proving.calculus.deepening import deepen
from envs.proving.calculus.matrix import Library
from envs.proving.calculus.tableau import (
    INFERENCES,
    LIMITED,
    LOST,
    MOVES,
    OPTIONS,
    OVER,
    PROVED,
    RUNNING,
)
from envs.proving.game import Proving, ProvingState, load_library
from envs.proving.logic.tptp_writer import clause_text
from envs.proving.proofs.extract import proof_of
from envs.proving.proofs.proof import EXTENSION
from envs.proving.proofs.proof_text import tableau_text
from selfplay import arrays
from selfplay.proving.lessons import moves_of, replay


def played(game: Proving, *moves: int) -> tuple[ProvingState, list[float], list[float]]:
    """The position after the moves, and what each paid and how it discounts what follows."""
    state, rewards, discounts = game.start(np.zeros(1, np.int32)), [], []
    for move in moves:
        state, paid = game.step(state, np.array([move], np.int32))
        rewards.append(float(paid.reward[0]))
        discounts.append(float(paid.discount[0]))
    return state, rewards, discounts


def scalars(state: ProvingState, *which: int) -> list[int]:
    return [int(state.tableau.scalars[0, scalar]) for scalar in which]


def accepted(game: Proving, state: ProvingState, i: int = 0) -> bool:
    return is_accepted(game.library, int(state.problem[i]), arrays.take(state.tableau, i))


GROWS = "cnf(goal, negated_conjecture, ~ p(a)). cnf(f, axiom, p(X) | ~ p(f(X)))."
TWO_WAYS = GROWS + "cnf(g, axiom, p(X) | ~ p(g(X)))."


@pytest.mark.parametrize(
    ("text", "options", "moves", "reward", "over", "limited"),
    [
        (TRAP, {}, [0, 1], 1, PROVED, 0),
        (TRAP, {}, [0, 0], -1, LOST, 0),
        (GROWS, {"nodes": 8}, [0], -1, LOST, 1),
        (GROWS, {"variables": 4}, [0], -1, LOST, 1),
        (GROWS, {"depth": 4}, [0], -1, LOST, 1),
        (TWO_WAYS, {"max_moves": 5}, [0] * 5, -1, LOST, 0),
    ],
    ids=["proof", "dead end", "nodes", "variables", "depth", "choices"],
)
def test_the_last_choice_pays(
    text: str, options: dict[str, int], moves: list[int], reward: int, over: int, limited: int
) -> None:
    game = game_of(text, **options)
    state, rewards, discounts = played(game, *moves)
    before = len(moves) - 1
    assert rewards == [0] * before + [reward]
    assert discounts == [1] * before + [0]
    assert scalars(state, OVER, LIMITED, MOVES) == [over, limited, len(moves)]
    if over == PROVED:
        assert scalars(state, INFERENCES, OPTIONS) == [3, 0]
        assert accepted(game, state)


def test_inferences_without_alternative_are_done_at_once() -> None:
    """After the start clause, ten extensions follow from each other; then there are two."""
    chain = "".join(f"cnf(c{i}, axiom, p{i} | ~ p{i + 1}).\n" for i in range(10))
    ends = "cnf(one, axiom, p10 | ~ q). cnf(two, axiom, p10)."
    game = game_of("cnf(goal, negated_conjecture, ~ p0)." + chain + "cnf(a, axiom, q)." + ends)
    state, rewards, _ = played(game, 0)
    assert scalars(state, INFERENCES, MOVES, OVER) == [12, 1, PROVED]  # two has no alternative
    open_ended = ends.replace("two, axiom, p10", "two, axiom, p10 | ~ r")
    game = game_of("cnf(goal, negated_conjecture, ~ p0)." + chain + open_ended)
    state, rewards, _ = played(game, 0)
    assert rewards == [0]
    assert scalars(state, INFERENCES, MOVES, OVER, OPTIONS) == [11, 1, RUNNING, 2]
    assert game.legal(state)[0, :3].tolist() == [True, True, False]


def test_the_view_changes_what_is_observed_and_nothing_else(own: Library) -> None:
    game = Proving(library=own, nodes=150)
    seen = game.seen_as("graph")
    assert (game.view, seen.view) == ("walks", "graph")
    start, other = (each.start(np.arange(3, dtype=np.int32)) for each in (game, seen))
    assert game.text(start, 2) == seen.text(other, 2)
    expected = Proving(library=own, nodes=150, view="graph").observe(start)
    assert_same_arrays(seen.observe(other), expected)


def test_random_games_that_are_won_are_proofs(game: Proving) -> None:
    rng, own = np.random.default_rng(0), game.library
    state = game.start(np.repeat(np.arange(len(own.forms), dtype=np.int32), 8))
    won, paid_out = np.zeros(len(state.problem), np.bool_), np.zeros(len(state.problem))
    for _ in range(game.max_moves):
        action = rng.integers(game.legal(state).sum(1), dtype=np.int32)  # the first are legal
        state, paid = game.step(state, action)
        won |= paid.reward == 1
        paid_out += paid.reward
    assert (state.tableau.scalars[:, OVER] != RUNNING).all()
    assert (paid_out == np.where(won, 1, -1)).all()
    assert (won == (state.tableau.scalars[:, OVER] == PROVED)).all()
    proved = {own.forms[state.problem[i]].name for i in np.flatnonzero(won)}
    assert len(proved) >= 40
    for i in np.flatnonzero(won)[::3]:
        assert accepted(game, state, int(i))
        proof = proof_of(own, int(state.problem[i]), arrays.take(state.tableau, int(i)))
        extensions = sum(node.closed == EXTENSION for node in proof.nodes)
        assert len(proof.instances) == 1 + extensions


def test_names_of_actions_and_what_is_refused() -> None:
    game = game_of(TRAP)
    assert (game.action_name(0), game.parse_action("64")) == ("1", 63)
    with pytest.raises(ValueError, match="'65' is not a number from 1 to 64"):
        game.parse_action("65")
    with pytest.raises(ValueError, match=r"inference 2 is not possible in\nt: open after 0"):
        game.step(game.start(np.zeros(1, np.int32)), np.array([1], np.int32))
    with pytest.raises(ValueError, match="view='board': expected 'walks' or 'graph'"):
        envs.make("proving?view=board")
    with pytest.raises(ValueError, match=r"nodes=40000: expected 1 to 32,767"):
        envs.make("proving?nodes=40000")


def test_the_game_on_a_folder(tmp_path: Path) -> None:
    (tmp_path / "trap.p").write_text(TRAP)
    (tmp_path / "other.p").write_text("fof(g, conjecture, p => p).")
    game = envs.make(f"proving?problems={tmp_path}&actions=8&view=graph")
    assert isinstance(game, Proving)
    assert [form.name for form in game.library.forms] == ["other", "trap"]
    assert game.num_actions == 8
    assert game.on(load_library()).view == "graph"


def test_the_start_is_drawn_evenly(game: Proving) -> None:
    counts = np.bincount(game.init(np.random.default_rng(0), 2_780).problem, minlength=139)
    assert abs(counts - 20).max() <= 4.5 * 4.5
    assert (game.init(np.random.default_rng(5), 8).problem
            == game.init(np.random.default_rng(5), 8).problem).all()  # fmt: skip


def test_the_proof_drawn_in_the_manual_is_what_the_program_prints(game: Proving) -> None:
    manual = (Path(envs.__file__).parent.parent / "docs" / "proving.md").read_text("utf-8")
    drawn = [block.split("\n```")[0] for block in manual.split("```text\n")[1:]]
    own = game.library
    problem = number_of(own, "pelletier_24")
    form = own.forms[problem]
    closed = deepen(own.matrix, problem, inferences=20_000).tableau
    moves = moves_of(game, problem, closed)
    assert moves is not None
    positions, end = replay(game, problem, moves)
    width = max(len(clause.name) for clause in form.clauses)
    clauses = [f"{clause.name:{width}}  {clause_text(clause)}" for clause in form.clauses]
    shown = [
        "\n".join(clauses),
        *(game.text(state, 0) for state in (*positions, end)),
        tableau_text(proof_of(own, problem, closed), form).strip(),
    ]
    assert drawn[: len(shown)] == shown
