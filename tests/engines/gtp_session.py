"""A table of a game and the commands of its engine, without a process."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np

from selfplay.engines.analysis import Analysis
from selfplay.engines.files import sgf_moves
from selfplay.engines.gogui import GoGui
from selfplay.engines.gtp import Server
from selfplay.engines.standard import Standard
from selfplay.engines.table import Table
from selfplay.players.players import RolloutPlayer
from selfplay.types import Game, Player


class Engine:
    """Answers lines; ``live`` is what it wrote on standard error."""

    def __init__(
        self, game: Game, player: Player | None = None, now: Callable[[], float] | None = None
    ) -> None:
        times = {"now": now} if now else {}
        rng = np.random.default_rng(0)
        self.table = Table(game, player or RolloutPlayer(8), rng, **times)
        self.live, self._output = io.StringIO(), io.StringIO()
        drawn = GoGui(self.table, lambda: False, self.live) if self.table.vertices.shape else None
        show = drawn.show if drawn else lambda insight: None
        self.server = Server(
            {
                **Standard(self.table, "0", lambda: False, show, sgf_moves(game)).handlers(),
                **(drawn.handlers() if drawn else {}),
                **Analysis(self.table, lambda: True, 16).handlers(),
            },
            self._output,
        )

    def answer(self, *lines: str) -> str:
        """All that is answered to the lines."""
        before = len(self._output.getvalue())
        self.server.run(lines)
        return self._output.getvalue()[before:]

    def transcript(self, text: str) -> None:
        """Lines behind '>' are commands; what follows each, up to the next, is its answer, but
        for spaces at the ends of lines."""
        for part in text.split("> ")[1:]:
            command, _, expected = part.partition("\n")
            assert self.answer(command).replace(" \n", "\n") == expected, command
