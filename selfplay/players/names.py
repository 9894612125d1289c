"""What stands in the name of a player, read without loading anything: RUN[@STEP][:200|:2s]."""

from __future__ import annotations

import re

from selfplay.players.limits import Limit, read_seconds

KINDS = ("random", "minimax", "mcts", "solver", "gtp")  # of players that are no run
_TIME = re.compile(r"([-+]?[.\d][-+.\w]*|nan|inf)s")  # a number of seconds, good or bad


def split_run(name: str) -> tuple[str, int | None, Limit]:
    """RUN, RUN@STEP and either with :SIMULATIONS or :2s behind, as (run, step, limit).

    Raises ValueError with a sentence for what is none of these.
    """
    if name.startswith("uci:"):
        raise ValueError(
            f"{name!r}: UCI, which is of chess, is not spoken here; GTP is: name an engine that "
            "speaks it as gtp:COMMAND"
        )
    run, limit, step = name, Limit(), None
    head, colon, tail = run.rpartition(":")
    if colon and tail.isdecimal():
        run, limit = head, Limit(simulations=int(tail))
    elif colon and _TIME.fullmatch(tail):
        run, limit = head, Limit(seconds=read_seconds(tail.removesuffix("s")))
    head, at, tail = run.rpartition("@")
    if at:
        if not tail.isdecimal():
            raise ValueError(f"{name!r}: after @ stands the step of a checkpoint, not {tail!r}")
        run, step = head, int(tail)
    return run, step, limit
