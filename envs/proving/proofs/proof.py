"""A proof: a closed tableau with its final substitution, and the clause instances it stands on."""

from __future__ import annotations

from typing import NamedTuple

from envs.proving.logic.formula import Literal

EXTENSION, REDUCTION, LEMMA = "extension", "reduction", "lemma"


class Instance(NamedTuple):
    """A clause of the clause form under a substitution."""

    clause: str  # its name in the ClauseForm
    literals: tuple[Literal, ...]  # in the clause's order; free variables stand for anything


class Node(NamedTuple):
    """One literal of the tableau and how its branch was closed."""

    literal: Literal
    parent: int  # index of the node above; -1 for the literals of the start clause
    closed: str  # EXTENSION, REDUCTION or LEMMA
    instance: int  # EXTENSION: index of the clause instance below this node; else -1
    connected: int  # EXTENSION: which literal of that instance is the complement; else -1
    partner: int  # REDUCTION: the complementary node above; LEMMA: the equal node closed before


class Proof(NamedTuple):
    """A closed connection tableau (Letz 1999; Otten and Bibel 2003, "leanCoP")."""

    problem: str
    instances: tuple[Instance, ...]  # the first is the start clause
    nodes: tuple[Node, ...]  # depth first, left to right; the children of a node are the literals
    # of its instance but for the connected one
