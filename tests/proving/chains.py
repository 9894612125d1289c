"""Toy problems that are theorems by construction, each a chain of implications with false leads.

Names and the order of the statements are random, so that nothing can be learned from either; what
can is to follow the links that ask for what is ``sure``.
"""

from __future__ import annotations

import numpy as np

FALSE_LEADS = 3  # ways towards each statement besides the one that can be proved
FURTHER = 2  # ways towards each statement that cannot be proved


def chain(size: int, rng: np.random.Generator) -> str:
    """The TPTP text of a chain of ``size`` links from the fact to the goal."""
    names = [f"p{number}" for number in rng.permutation(size + 1 + FALSE_LEADS * size)]
    links, astray = names[: size + 1], names[size + 1 :]
    clauses = [f"{links[0]}(c)", "sure(X)"]
    for i in range(size):
        clauses.append(f"{links[i + 1]}(X) | ~ {links[i]}(X) | ~ sure(X)")
        for lead in astray[FALSE_LEADS * i : FALSE_LEADS * (i + 1)]:
            clauses.append(f"{links[i + 1]}(X) | ~ {lead}(X) | ~ doubtful(X)")
            for further in rng.choice(astray, FURTHER, replace=False):
                clauses.append(f"{lead}(X) | ~ {further}(X) | ~ doubtful(X)")
    order = rng.permutation(len(clauses)).tolist()
    axioms = [f"cnf(a{i}, axiom, {clauses[i]}).\n" for i in order]
    return "".join(axioms) + f"fof(goal, conjecture, {links[size]}(c)).\n"
