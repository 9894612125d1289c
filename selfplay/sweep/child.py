"""One task in a process of its own: ``python -m selfplay.sweep.child CORES VERB ...``.

Standard input is a pipe from the sweep that nothing is ever written to.  When it ends, because the
sweep asks for it or is no more, the task is stopped as by Ctrl-C: a run finishes its iteration,
saves and leaves.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import threading


def main(cores: str, words: list[str]) -> None:
    """Ends as ``selfplay WORDS`` does, held to ``cores`` as in "0,1"; "any": to none."""
    # a sweep in the background of a script ignores Ctrl-C, and what it starts would do so too
    signal.signal(signal.SIGINT, signal.default_int_handler)
    threading.Thread(target=_stop_when_left, daemon=True).start()
    if cores != "any" and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, set(map(int, cores.split(","))))
    sys.argv = ["selfplay", *words]
    runpy.run_module("selfplay.verbs.cli", run_name="__main__")  # the program itself


def _stop_when_left() -> None:
    os.read(0, 1)  # returns when the other end is closed
    os.kill(os.getpid(), signal.SIGINT)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
