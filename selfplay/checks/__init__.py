"""Whether a game keeps the laws of ``selfplay/types.py``, and what it looks like from outside."""

from selfplay.checks.examine import check_game

__all__ = ["check_game"]
