"""What an importer handed on, for tests of importers."""

from __future__ import annotations

import numpy as np

from selfplay.data.games import Games


class Taken:
    """Keeps what an importer hands on; the games are told as plain lists."""

    def __init__(self) -> None:
        self.parts: list[Games] = []

    def add(self, games: Games) -> None:
        self.parts.append(games)

    def lines(self) -> list[list[int]]:
        """The actions of each game."""
        return [
            part.action[part.game == g].tolist()
            for part in self.parts
            for g in range(int(part.game[-1]) + 1)
        ]

    def outcomes(self) -> list[float]:
        """Of each game, for the player who began."""
        return [
            float(value)
            for part in self.parts
            for value in part.outcome[np.flatnonzero(np.diff(part.game, prepend=-1))]
        ]
