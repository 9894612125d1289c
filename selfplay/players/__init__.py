"""Everything that chooses moves, and the matches between them.

How a search finds a move is in ``search``, what a player is worth against the truth in ``measure``.
"""
