"""The command line from outside: its JSON, its exit codes and its sentences."""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from program import COMMAND, answer, refused, run, run_apart

from selfplay.verbs import VERBS

CONFIG = """
game = "connect4"
net = { kind = "mlp", width = 16, layers = 1 }
search = { kind = "gumbel", simulations = 4 }
actor = { games = 32, threads = 1 }
strength = { simulations = 2 }
regime = { kind = "selfplay", positions = 512 }
budget = { positions = 1000 }
"""
LEFTY = '''
"""A user's own game: whoever moves first wins at once; ``broken`` pays more than there is."""

import os
import signal

from envs.toys import Move, Nim, Toy


class Lefty(Toy):
    def __init__(self, broken: bool = False) -> None:
        pay = 3.0 if broken else 1.0
        super().__init__("lefty", [[Move(pay, 0, 0, pay)]], num_players=2, max_moves=1)


class Mistaken(Toy):
    def __init__(self) -> None:
        raise KeyError("a fault of the game's author")


class Pressing(Nim):
    steps = 0

    def step(self, state, action):
        Pressing.steps += 1
        if Pressing.steps == 20:
            os.kill(os.getpid(), signal.SIGINT)
        return super().step(state, action)
'''
POSITIONS = """set,moves,s1,s2,s3,s4,s5,s6,s7,note
opening,,-2,-1,0,1,0,-1,-2,four wins
late,112233,18,-1,-1,18,-1,-1,-1,the run of three is open at both ends
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a recipe, a position file and a user's game, where commands are run."""
    folder = tmp_path_factory.mktemp("place")
    (folder / "small.toml").write_text(CONFIG)
    (folder / "mygame.py").write_text(LEFTY)
    (folder / "truth.csv").write_text(POSITIONS)
    return folder


def python(program: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """What a program of its own answers."""
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, **options
    )


@pytest.fixture(scope="module")
def trained(place: Path) -> subprocess.CompletedProcess[str]:
    """``selfplay train`` in ``place``: a run called small, of two iterations."""
    return run(place, "train", "small.toml", "--set", "name=small")


# --- light verbs ---------------------------------------------------------------------------------


def test_help_is_quick(place: Path) -> None:
    """0.05 s on an idle machine; half a second leaves room for a busy one."""
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        done = run_apart(place, "--help")
        seconds.append(time.perf_counter() - start)
    assert done.returncode == 0
    assert statistics.median(seconds) < 0.5


def test_help_names_every_verb_and_there_is_a_version(place: Path) -> None:
    shown = set(re.findall(r"^    (\w+) ", run(place, "--help").stdout, re.MULTILINE))
    assert shown == set(VERBS)
    assert re.fullmatch(r"selfplay \d+\.\d+\.\d+\n", run(place, "--version").stdout)


def test_help_loads_nothing_heavy() -> None:
    program = (
        "import sys; from selfplay.verbs import cli\n"
        "try: cli.main(['--help'])\n"
        "except SystemExit: pass\n"
        "print(sorted({'numpy', 'torch', 'numba', 'pydantic', 'rich'} & set(sys.modules)))"
    )
    assert python(program).stdout.endswith("\n[]\n")


def test_torch_threads_are_told_not_to_spin() -> None:
    program = (
        "import selfplay, os; print(os.environ['GOMP_SPINCOUNT'], os.environ['OMP_WAIT_POLICY'])"
    )
    unset = {k: v for k, v in os.environ.items() if k not in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")}
    for wish, told in [({}, "0 PASSIVE\n"), ({"GOMP_SPINCOUNT": "9"}, "9 PASSIVE\n")]:
        assert python(program, env=unset | wish).stdout == told


def test_games(place: Path) -> None:
    games = {each["game"]: each for each in answer(run(place, "games", "--json"))["games"]}
    assert games["connect4"] == {"game": "connect4", "players": 2, "actions": 7, "max_moves": 42}
    assert games["tictactoe"] == {"game": "tictactoe", "players": 2, "actions": 9, "max_moves": 9}
    lines = run(place, "games").stdout.splitlines()
    assert lines[1].split() == ["connect4", "2", "7", "42"]
    assert lines[-1] == "Next: selfplay check connect4"


def test_check_a_good_game(place: Path) -> None:
    done = run(place, "check", "tictactoe", "--games", "5", "--json")
    content = answer(done)
    told = {name: content[name] for name in ("game", "games", "problems", "ended")}
    assert told == {"game": "tictactoe", "games": 5, "problems": [], "ended": 5}
    assert content["moves"] == content["moves_taken_again"]
    lines = run(place, "check", "tictactoe").stdout.splitlines()
    assert "tictactoe kept every law in 16 random games" in lines
    assert lines[-1] == "Next: selfplay bench tictactoe"


def test_check_a_users_own_game(place: Path) -> None:
    assert answer(run(place, "check", "mygame:Lefty", "--json"))["problems"] == []
    found = answer(run(place, "check", "mygame:Lefty?broken=true", "--json"), code=1)
    assert len(found["problems"]) == 1
    assert "3" in found["problems"][0]
    told = run(place, "check", "mygame:Lefty?broken=true")
    assert told.returncode == 1
    assert told.stdout.splitlines()[0] == found["problems"][0]


def test_check_something_that_is_no_game(place: Path) -> None:
    found = answer(run(place, "check", "json:JSONDecoder", "--json"), code=1)
    assert found["game"] == "json:JSONDecoder"
    assert found["problems"] == ["num_actions must be a whole number of at least 1, but is None"]
    (place / "torn.py").write_text("def (:\n", encoding="utf-8")
    assert "cannot import 'torn' (SyntaxError: " in refused(run(place, "check", "torn:Game"))


def test_json_goes_alone_to_standard_output(place: Path) -> None:
    """What people read goes to standard error, also what a library prints when imported."""
    spec = "pettingzoo:pettingzoo.classic.tictactoe_v3"  # pygame greets on standard output
    done = run_apart(place, "check", spec, "--games", "1", "--json")
    assert answer(done)["problems"] == []
    assert "kept every law in 1 random game" in done.stderr


# --- wrong usage ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("gmaes", "there is no verb 'gmaes'; did you mean 'games'? (see selfplay --help)"),
        ("xyzzy", f"selfplay: there is no verb 'xyzzy'; known: {', '.join(VERBS)} (see"),
        ("games --jsno", "selfplay games: there is no option --jsno; did you mean --json?"),
        ("play r --simulatoins=3", "there is no option --simulatoins; did you mean --simulations?"),
        ("play r --simulatoins 3", "there is no option --simulatoins; did you mean --simulations?"),
        ("play r --sim 3", "there is no option --sim; did you mean --simulations?"),
        ("train c.toml --ste a=b", "there is no option --ste; did you mean --set?"),
        ("match a b --zzz", "selfplay match: there is no option --zzz (see"),
        ("--jsn", "selfplay: there is no option --jsn (see selfplay --help)"),
        ("check connect4 hex", "selfplay check: unexpected argument 'hex'"),
        ("play", "selfplay play: the following arguments are required: RUN"),
        ("play r --side third", "argument --side: invalid choice: 'third'"),
        ("play r --simulations -1", "'-1' is not a whole number of at least 0"),
        ("play r --simulations many", "'many' is not a whole number of at least 0"),
        ("check connect4 --games 0", "'0' is not a whole number of at least 1"),
        ("bench connect4 --seconds 0", "'0' is not a number of seconds above 0"),
        ("bench connect4 --seconds nan", "'nan' is not a number of seconds above 0"),
        ("bench connect4 --seconds soon", "'soon' is not a number of seconds above 0"),
        ("--", "selfplay: there is no option --"),
    ],
)
def test_wrong_usage(words: str, sentence: str, place: Path) -> None:
    assert sentence in refused(run(place, *words.split()), code=2)


def test_no_verb_shows_the_help(place: Path) -> None:
    done = run(place)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("usage: selfplay")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("check conect4", "selfplay: there is no game 'conect4'; did you mean 'connect4'?"),
        ("check connect4?wdith=5", "did you mean 'width'? its options are: width, height, run"),
        ("check connect4?width=wide", "got width wide, height 6, run 4"),
        ("check nim?stones=2.5", "nim needs whole stones >= 1"),
        ("bench json:JSONDecoder", "game 'json:JSONDecoder' lacks init, step, legal, observe"),
        ("check connect4?width=99", "connect4 needs width, height >= 1"),
        ("check nowhere:Game", "cannot import 'nowhere'"),
        ("play solver --game tictactoe?x=1", "tictactoe"),
        ("match random", "a match needs two players or more"),
        ("match random uci:cat", "'uci:cat': UCI, which is of chess, is not spoken here; GTP is:"),
        ("play nobody --web --no-browser", "there is no run 'nobody'"),
        ("play random --port 8500", "--port means nothing to 'selfplay play' without --web"),
        ("prove x.p --no-browser", "--no-browser means nothing to 'selfplay prove' without --web"),
        ("explore none x.p --host ::1", "--host means nothing to 'selfplay explore' without --web"),
        ("play solver --game hex --web --no-browser", "there is no game 'hex'"),
        ("play minimax:2 --seconds 1", "minimax:2 does not search by time: leave out --seconds"),
        ("explore none x.p --seconds 1 --simulations 9", "both say how long it searches; give one"),
        ("match random minimax:0", "'minimax:0' needs a whole number above 0"),
        ("match random random --game nim?stones=0", "nim needs whole stones >= 1"),
        ("train nothing.toml", "there is no config file 'nothing.toml'"),
        ("train demmo", "there is no run 'demmo'; "),
        ("train demmo", "demo.toml' starts a new run"),
        ("bench connect4 --set search.simulation=3", "did you mean 'simulations'?"),
        ("bench nim --net resnet", "net kind 'resnet' needs an observation of planes"),
        ("bench connect4 --net resnet --width 8", "unknown option 'net.width'"),
    ],
)
def test_a_users_mistake_is_one_sentence(words: str, sentence: str, place: Path) -> None:
    said = refused(run(place, *words.split()))
    assert said.startswith("selfplay: ")
    assert sentence in said


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps a folder that is in use")
def test_a_working_folder_that_is_gone_is_one_sentence(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    program = (
        "import os, sys; from selfplay.verbs import cli; os.rmdir(os.getcwd()); cli.main(['games'])"
    )
    sentence = "selfplay: the working folder has been deleted; change to another one"
    assert refused(python(program, cwd=gone), code=0) == sentence


def test_debug_shows_where_an_error_comes_from_and_a_fault_always_does(place: Path) -> None:
    done = run(place, "check", "conect4", SELFPLAY_DEBUG="1")
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("selfplay: there is no game 'conect4'")
    with pytest.raises(KeyError, match="a fault of the game's author"):
        run(place, "check", "mygame:Mistaken")


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        (
            "CUDA error: device busy\nand more",
            "the GPU failed (CUDA error: device busy); try again",
        ),
        ("CUDA out of memory. Tried to allocate", "the GPU's memory is too small for this"),
    ],
)
def test_what_a_gpu_fails_at_anywhere_is_one_sentence(
    said: str, sentence: str, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: Any) -> None:
        raise RuntimeError(said)

    monkeypatch.setattr("selfplay.verbs.games.run", fail)
    assert refused(run(place, "games")).startswith(f"selfplay: {sentence}")
    monkeypatch.setenv("SELFPLAY_DEBUG", "1")
    with pytest.raises(RuntimeError):
        run(place, "games")


def test_a_reader_that_leaves_is_no_error(place: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as out:
        done = subprocess.run(
            [*COMMAND, "games"], cwd=place, stdout=out, stderr=subprocess.PIPE, text=True
        )
    assert (done.returncode, done.stderr) == (1, "")


# --- verbs that play -----------------------------------------------------------------------------


def test_match_of_built_in_players(place: Path) -> None:
    words = ("match", "random", "minimax:3", "--game", "tictactoe", "--games", "40")
    done = run(place, *words, "--openings", "0", "--json")
    found = answer(done)
    assert found["games"] == 40
    (pair,) = found["pairs"]
    assert (pair["a"], pair["b"]) == ("random", "minimax:3")
    assert pair["wins"] + pair["draws"] + pair["losses"] == 40
    assert pair["score"] == pytest.approx((pair["wins"] + pair["draws"] / 2) / 40)
    assert pair["low"] < pair["score"] < pair["high"] < 0.5
    assert found["elo"]["random"] == 0
    assert found["elo"]["minimax:3"] > 100
    assert done.stderr.splitlines()[-1] == "Next: selfplay play minimax:3 --game tictactoe"
    assert answer(run(place, *words, "--openings", "0", "--json")) == found


def test_agents_that_see_more_of_a_game_play_those_that_see_less(
    trained: subprocess.CompletedProcess[str], place: Path
) -> None:
    game = "game=connect4?threats=true"
    assert run(place, "train", "small.toml", "--set", "name=seeing", "--set", game).returncode == 0
    for pair in (("small", "seeing"), ("seeing", "small")):
        done = run(place, "match", *pair, "--games", "4", "--simulations", "4", "--json")
        assert answer(done)["games"] == 4, done.stderr
    done = run(place, "evaluate", "seeing", "--positions", "truth.csv")
    assert "mistakes" in done.stdout, done.stderr


def test_play_against_the_perfect_player(place: Path) -> None:
    """The first player of nim with 10 stones wins by taking 2; the perfect player knows."""
    done = run(place, "play", "solver", "--game", "nim", typed="1\nundo\n2\nquit\n")
    assert done.returncode == 0, done.stderr
    assert "Your move lost 2.00: 2 was better. 'undo' lets you try again." in done.stdout
    assert done.stdout.count("Your move lost") == 1
    assert done.stdout.endswith("Bye.\nNext: selfplay match solver random --game nim\n")
    assert "\x1b" not in done.stdout


def test_play_with_standard_input_closed(place: Path) -> None:
    words = ("play", "random", "--side", "second")
    closed = subprocess.run(
        f"{sys.executable} -m selfplay.verbs.cli {' '.join(words)} <&-",
        shell=True, cwd=place, capture_output=True, text=True,
    )  # fmt: skip
    for done in (run(place, *words), run(place, *words, typed=None), closed):
        assert done.returncode == 0, done.stderr
        assert "random plays" in done.stdout
        assert "Bye." in done.stdout


def test_play_is_coloured_only_where_wanted(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    words = ("play", "random", "--side", "second")
    colours = "xterm-256color"
    assert "31mX\x1b[0m" in run(place, *words, terminal=True, TERM=colours).stdout
    assert "\x1b" not in run(place, *words, TERM=colours).stdout
    assert "31mX" not in run(place, *words, terminal=True, TERM=colours, NO_COLOR="1").stdout


def test_play_is_coloured_in_a_terminal(place: Path) -> None:
    ours, theirs = os.openpty()
    environment = {key: value for key, value in os.environ.items() if key != "NO_COLOR"}
    process = subprocess.Popen(
        [*COMMAND, "play", "random", "--side", "second"],
        cwd=place,
        env=environment | {"TERM": "xterm-256color"},
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    shown = b""
    while b"Next:" not in shown:
        shown += os.read(ours, 4096)
    process.wait(timeout=60)
    os.close(ours)
    assert b"31mX" in shown


def test_ctrl_c_is_a_sentence(place: Path) -> None:
    done = run(place, "bench", "mygame:Pressing", "--seconds", "200", "--net", "mlp")
    assert (done.returncode, done.stdout) == (130, "")
    assert done.stderr.splitlines()[-1] == "selfplay: interrupted"


# --- verbs on a run ------------------------------------------------------------------------------


def test_train_tells_the_strength_and_what_next(
    place: Path, trained: subprocess.CompletedProcess[str]
) -> None:
    assert trained.returncode == 0, trained.stderr
    lines = trained.stdout.splitlines()
    assert re.match(r"Against perfect play it makes a mistake in \d+\.\d\d% of the", lines[0])
    assert lines[1].startswith("Next: selfplay play runs/small ")
    assert lines[2].startswith("Next: tensorboard --logdir runs/small ")
    there = {path.name for path in (place / "runs" / "small").iterdir()}
    assert {"config.json", "provenance.json", "metrics.jsonl", "report.md", "checkpoints"} <= there


def test_evaluate_with_a_position_file_and_with_those_that_ship(
    place: Path, trained: subprocess.CompletedProcess[str]
) -> None:
    """With enough simulations the open run of three is found; both sets count the same."""
    words = ("evaluate", "small", "--positions", "truth.csv", "--json")
    found = answer(run(place, *words, "--simulations", "64"))
    assert (found["game"], found["simulations"]) == ("connect4", 64)
    assert set(found["sets"]) == {"opening", "late"}
    assert (found["sets"]["late"]["n"], found["sets"]["late"]["mistake_rate"]) == (1, 0.0)
    mean = sum(each["mistake_rate"] for each in found["sets"].values()) / 2
    assert found["mistake_rate"] == pytest.approx(mean)
    timed = answer(run(place, *words, "--seconds", "0.02"))
    assert (timed["simulations"], timed["seconds"]) == (None, 0.02)
    assert timed["sets"]["late"]["mistake_rate"] == 0.0
    alone = answer(run(place, *words, "--simulations", "0"))
    assert alone["simulations"] == 0
    assert 0 < alone["optimal_mass"] < 1
    done = run(place, "evaluate", "runs/small", "--limit", "5", "--simulations", "0", "--json")
    sets = answer(done)["sets"]
    assert len(sets) == 6
    assert {each["n"] for each in sets.values()} == {5}
    assert done.stderr.splitlines()[-1] == "Next: selfplay play runs/small"


def test_match_against_a_run(place: Path, trained: subprocess.CompletedProcess[str]) -> None:
    """The runs say which game it is; their strength is told by their names."""
    done = run(place, "match", "random", "small:8", "small:0", "--games", "20", "--json")
    found = answer(done)
    names = {name for pair in found["pairs"] for name in (pair["a"], pair["b"])}
    assert names == {"random", "runs/small:8", "runs/small:0"}
    assert len(found["pairs"]) == 3
    assert found["games"] == 60


def test_play_against_a_run(place: Path, trained: subprocess.CompletedProcess[str]) -> None:
    words = ("play", "small", "--side", "second", "--simulations", "16")
    done = run(place, *words, typed="think\n4\nwhy\n9\n")
    assert done.returncode == 0, done.stderr
    assert "connect4 against runs/small:16: you move second." in done.stdout
    assert "move    net  policy  visits    win\n" in done.stdout
    assert "'9' is not a column: expected a number from 1 to 7" in done.stdout


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("play nothing-like-it", "there is no run 'nothing-like-it'"),
        ("play small@77", "has no checkpoint 77; it has "),
        ("play small --game tictactoe", "runs/small was trained on connect4 (7 actions); you"),
        ("evaluate small --positions none.csv", "there is no position file none.csv"),
        ("evaluate small --positions wrong.csv", "wrong.csv, line 3: move 7 (1) is illegal in"),
        ("evaluate small --simulations 9 --seconds 1", "both say how long it searches; give one"),
        ("evaluate small --inferences 9", "--inferences means nothing to 'selfplay evaluate' with"),
        ("evaluate small --simulations 100001", "a search takes 1 to 100,000 simulations a move"),
        ("match small:200000 random", "a search takes 1 to 100,000 simulations a move"),
        ("play small --simulations 999999", "you asked for 999,999"),
        ("evaluate small --positions small.toml", "small.toml, line 1: the header is"),
        ("train small.toml --set search.simulations=0 --out o", "search.simulations = 0"),
        ("train small.toml --set nets.width=0 --out o", "option 'nets'; did you mean 'net'?"),
    ],
)
def test_mistakes_with_runs(
    place: Path, trained: subprocess.CompletedProcess[str], words: str, sentence: str
) -> None:
    (place / "wrong.csv").write_text(
        "set,moves,s1,s2,s3,s4,s5,s6,s7\na,,0,0,0,0,0,0,0\na,1111111,,0,0,0,0,0,0\n"
    )
    assert sentence in refused(run(place, *words.split(), typed=None))


def test_a_part_of_its_name_names_a_run(
    place: Path, trained: subprocess.CompletedProcess[str]
) -> None:
    done = run(place, "play", "smal", typed=None)
    assert done.returncode == 0
    assert "small" in done.stdout
