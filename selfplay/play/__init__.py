"""A game or a proof in the terminal: the session behind it, and the terminal in front of it.

Who chooses the moves is in ``players`` and ``proving``.
"""
