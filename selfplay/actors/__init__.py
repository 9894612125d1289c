"""Games played in lockstep that become samples, and where they are played.

What is learned from the samples is in ``learning``.
"""
