"""What an actor's process loads."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

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


OWN_NETS = """
import os
from pathlib import Path
import envs
from selfplay.actors import own_net
from selfplay.actors.actor import ActorSection
from selfplay.actors.base import Setup
from selfplay.actors.worker import Post
from selfplay.search import Gumbel
from selfplay.system.workers import Workers

setup = Setup(envs.make("tictactoe"), Gumbel(simulations=4), ActorSection(games=2), None)
workers = Workers(1, own_net.begin, Post(setup, 1024, 7, [0], 1), 0)
((state,),) = workers.map([("state", [None])])
assert set(state) >= {"rng", "length", "action"}
(pid,) = {worker.pid for worker in workers._idle}
parent = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1]
assert int(parent) != os.getpid()
print("libtorch" in Path(f"/proc/{parent}/maps").read_text())
"""


@pytest.mark.skipif(not Path("/proc/self/maps").is_file(), reason="the system tells no maps")
def test_processes_with_nets_of_their_own_share_one_torch() -> None:
    done = subprocess.run(
        [sys.executable, "-c", OWN_NETS], capture_output=True, text=True, timeout=200
    )
    assert (done.stdout.strip(), done.stderr) == ("True", "")
