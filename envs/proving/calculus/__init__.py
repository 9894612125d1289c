"""Connection tableaux as flat arrays: unification, inferences, iterative deepening."""
