"""Proving with a net: trials on problems, what is learned from them, which problems are served.

The game itself, its logic and the checker of proofs are in ``envs/proving``.
"""
