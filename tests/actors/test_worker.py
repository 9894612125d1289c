"""What an actor's process loads."""

from __future__ import annotations

import subprocess
import sys

SERVED = """
import pickle, sys
from pathlib import Path
import numpy as np
import envs
from selfplay.actors.actor import ActorSection
from selfplay.actors.base import Setup
from selfplay.actors.slot import Slot
from selfplay.actors.worker import Post, begin
from selfplay.search import Gumbel
from selfplay.shared_rows import SharedRows
from selfplay.system.workers import CONTEXT, Workers

setup = Setup(envs.make("tictactoe"), Gumbel(simulations=4), ActorSection(games=2), None)
post = pickle.loads(pickle.dumps(Post(setup, 1024, 7, [0], 1)))
rows = SharedRows(CONTEXT, [((2, 3, 3), np.dtype(np.int8))], 9, 1, 2)
slot = Slot(rows, 0, CONTEXT.Pipe(duplex=False)[1], CONTEXT.Pipe(duplex=False)[0], 1, False)
workers = Workers(1, begin, post, 0, inherited=([slot],))
((state,),) = workers.map([("state", [None])])
assert set(state) >= {"rng", "length", "action"}
maps = Path(f"/proc/{workers._idle[0].pid}/maps")
print(maps.is_file() and "libtorch" in maps.read_text())
work = begin(lambda: False, post, 0, [slot])
assert work(("state", [None]))[0].keys() == state.keys()
print(sorted(name for name in sys.modules if name in ("torch", "pandas", "rich")))
"""


def test_a_process_for_which_a_server_answers_loads_no_torch() -> None:
    words = [sys.executable, "-c", SERVED]
    done = subprocess.run(words, capture_output=True, text=True, timeout=200)
    assert (done.stdout.strip(), done.stderr) == ("False\n[]", "")
