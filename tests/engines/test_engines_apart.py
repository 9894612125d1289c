"""Engines as processes: two of ours play, Ctrl-C leaves none, output is the protocol alone."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

from program import COMMAND, answer, begun, refused, run, surroundings, wait_until

OURS = shlex.join(COMMAND)
FAKE = Path(__file__).parents[1] / "players" / "fake_engine.py"


def started(*words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*COMMAND, *words],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=os.environ | surroundings({}), bufsize=1,
    )  # fmt: skip


def test_two_engines_play_whole_games_of_the_same_rules(tmp_path: Path) -> None:
    """Perfect play of tic-tac-toe loses to nobody, in either seat."""
    engines = [f"gtp:{OURS} gtp solver --game tictactoe", f"gtp:{OURS} gtp random --seed 1 "]
    engines[1] += "--game tictactoe"
    done = run(
        tmp_path, "match", *engines, "--game", "tictactoe", "--games", "2", "--openings", "0",
        "--save", "games.txt", "--json",
    )  # fmt: skip
    told = answer(done)
    assert told["games"] == 2
    assert told["pairs"][0]["losses"] == 0
    lines = (tmp_path / "games.txt").read_text().splitlines()
    assert lines[0] == "# game: tictactoe"
    assert len(lines) == 3
    assert all(re.match(r"([1-9] ){5,9}# opening 0, gtp:", line) for line in lines[1:])
    assert "lost on time" not in done.stderr


def test_output_is_the_protocol_alone_and_an_open_input_does_not_keep_it() -> None:
    with started("gtp", "mcts:16", "--game", "tictactoe") as process:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        process.stdin.write("1 name\n2 analyze b 1\n")
        process.stdin.flush()
        told = [process.stdout.readline() for _ in range(4)]
        assert told[:3] == ["=1 selfplay tictactoe (mcts:16)\n", "\n", "=2\n"]
        assert told[3].startswith("info move ")
        process.stdin.write("\n3 quit\n")  # an empty line ends the analysis
        process.stdin.flush()
        rest = process.stdout.read()  # to the end, while our end stays open
        assert rest.endswith("\n=3 \n\n")
        assert process.wait(60) == 0
        *compiling, last = process.stderr.read().splitlines()
        assert last == "selfplay: mcts:16 plays tictactoe"
        assert all(line.startswith("compiling the search, once") for line in compiling)


def test_a_game_is_played_by_rollouts_and_mistakes_are_told_in_one_sentence(tmp_path: Path) -> None:
    done = run(tmp_path, "nboard", "minimax:1", typed="nboard 2\nmove F5\ngo\nping 1\n")
    assert re.search(r"set myname minimax:1\n(.*\n)*=== [DF]6|=== F4", done.stdout)
    assert done.stdout.endswith("pong 1\n")
    done = run(tmp_path, "gtp", "nim", typed="name\n")
    assert done.stdout == "= selfplay nim-10-3 (mcts:400)\n\n"
    assert "there is no run" in refused(run(tmp_path, "gtp", "no_such_run"))


def test_ctrl_c_ends_a_match_and_the_engine_that_hangs(tmp_path: Path) -> None:
    mark = tmp_path / "pid"
    script = f"import os, sys; open({str(mark)!r}, 'w').write(str(os.getpid())); " + (
        f"sys.argv = ['x', 'hangs']; exec(open({str(FAKE)!r}).read())"
    )
    engine = f"gtp:{shlex.join([sys.executable, '-c', script])}"
    match = begun(tmp_path, "match", engine, "random", "--game", "tictactoe", "--games", "2")
    try:
        wait_until(lambda: mark.exists() and mark.read_text())
        time.sleep(0.3)
        os.killpg(match.pid, signal.SIGINT)
        _, told = match.communicate(timeout=60)
    finally:
        match.kill()
    assert match.returncode == 130
    assert told.splitlines()[-1] == "selfplay: interrupted"
    assert not Path(f"/proc/{mark.read_text()}").exists()
