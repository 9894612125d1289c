"""Exact scores: solvers, positions with the truth about them, labels for stocks of positions.

Nothing here is learned; how far a player is from the truth is measured in ``measure``.
"""
