"""Connection tableaux as flat arrays: unification, inferences, iterative deepening; formulas are in
``logic``, proofs for people in ``proofs``."""
