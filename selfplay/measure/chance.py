"""What random legal moves reach of a measure of strength: the line to hold a curve against."""

from __future__ import annotations

from selfplay.measure.mistakes import random_mistakes
from selfplay.measure.strength import StrengthSection
from selfplay.truth.positions import find_positions, first_of_sets, read_positions
from selfplay.types import Game

MISTAKES = "strength/mistake_rate"  # on the positions of a file


def random_level(metric: str, game: Game, section: StrengthSection) -> float | None:
    """Mistakes on the positions that are searched, half the points against random moves.

    None for other metrics and where there is no file of positions; ValueError with a sentence for
    one that is damaged.
    """
    if metric == "strength/vs_random":
        return 0.5
    path = find_positions(game, section.positions) if metric == MISTAKES else None
    if path is None or not path.is_file():
        return None
    positions = read_positions(game, path)
    if section.searched is not None:
        each = max(1, section.searched // len(positions.set_names))
        positions = first_of_sets(positions, each)
    return random_mistakes(positions)
