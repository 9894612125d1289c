"""Connection tableaux as flat arrays: unification, inferences, iterative deepening.

Formulas are in ``logic``, proofs for people in ``proofs``.
"""
