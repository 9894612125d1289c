"""Whether a game keeps the laws of ``selfplay/types.py``, and what it looks like from outside.

The games are in ``envs``; nothing is searched or learned here.
"""

from selfplay.checks.examine import check_game

__all__ = ["check_game"]
