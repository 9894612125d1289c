"""Lines of play: random ones, recorded ones, all of them, and what tells positions apart.

No search and no net; who chooses the moves is in ``players``.
"""
