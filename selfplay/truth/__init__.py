"""Exact scores: solvers, positions with the truth about them, labels for stocks of positions."""
