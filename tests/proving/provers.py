"""Problems in a line, proofs that are checked, and small trained runs, for tests of proving."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from envs.proving.calculus.deepening import deepen
from envs.proving.calculus.matrix import Library, build_library
from envs.proving.calculus.tableau import OVER, PROVED, Tableau
from envs.proving.game import SMALL, Proving
from envs.proving.logic.clausify import clausify
from envs.proving.logic.formula import ClauseForm
from envs.proving.logic.tptp import parse_problem
from envs.proving.proofs.checker import check_proof
from envs.proving.proofs.extract import proof_of
from envs.proving.proofs.proof import Proof
from selfplay import arrays
from selfplay.config import parse_config
from selfplay.learning import checkpoint
from selfplay.proving.lessons import replay
from selfplay.training.folder import RunFolder

BELIEFS = {
    "walks": {"kind": "walks", "features": 4, "width": 8},
    "graph": {"kind": "graph", "features": 8, "rounds": 1},
}


# p(X) can be closed in two ways, of which one leaves the goal beside it without
TRAP = """
cnf(goal, negated_conjecture, ~ p(X) | ~ q(X)).
cnf(first, axiom, p(a)).
cnf(second, axiom, p(b)).
cnf(beside, axiom, q(b)).
"""


def library_of(*texts: str) -> Library:
    """A library of these problems, each called t."""
    return build_library([clausify(parse_problem(text, "t")) for text in texts])


def game_of(text: str, **options: Any) -> Proving:
    """The game on one problem."""
    return Proving(library=library_of(text), **options)


def number_of(library: Library, name: str) -> int:
    """The number of the problem of that name."""
    return [form.name for form in library.forms].index(name)


def proof_by_deepening(form: ClauseForm, inferences: int = 20_000) -> Proof | None:
    """The proof that the search without a net finds, if it does."""
    library = build_library([form])
    attempt = deepen(library.matrix, 0, inferences=inferences)
    return proof_of(library, 0, attempt.tableau) if attempt.proved else None


def is_accepted(library: Library, problem: int, tableau: Tableau) -> bool:
    """Whether the checker accepts the proof that a closed tableau of the problem is."""
    return check_proof(library.forms[problem], proof_of(library, problem, tableau)).accepted


def moves_are_accepted(game: Proving, problem: int, moves: Sequence[int]) -> bool:
    """The same of the tableau that these moves of the game build."""
    _, end = replay(game, problem, moves)
    assert end.tableau.scalars[0, OVER] == PROVED
    return is_accepted(game.library, problem, arrays.take(end.tableau, 0))


def write_prover(folder: Path, kind: str = "walks") -> Path:
    """A run whose net was never trained; its problems are no longer where they were."""
    config = parse_config(
        {
            "game": "proving?nodes=150",
            "problems": str(folder / "gone"),
            "net": BELIEFS[kind],
            "search": {"kind": "puct", "simulations": 100, "look_ahead": False},
        }
    )
    library = Proving(str(SMALL)).library
    torch.manual_seed(0)
    net = config.net.build(Proving(nodes=150, library=library).seen_as(config.net.view))  # type: ignore[arg-type]
    run = RunFolder(folder)
    (run.path / "checkpoints").mkdir(parents=True)
    run.write_json("config.json", config.dump())
    checkpoint.save(run.checkpoint(7), {"game": config.game, "net": net.state_dict()})
    return folder
