"""Processes that work: tasks and answers, errors, deaths, and when they stop."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import pytest

from selfplay.system.workers import EndedError, Work, Workers, preloaded


def begin(halted: Callable[[], bool], base: int) -> Work:
    if base < 0:
        raise ValueError("there is no such base")

    def work(task: int) -> int:
        if task == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        if task == 8:  # a terminal asks the whole group: it is for the leader alone
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGHUP)
        while task == 99 and not halted():
            time.sleep(0.01)
        return base // (task - 3)

    return work


@pytest.fixture
def workers() -> Iterator[Workers]:
    workers = Workers(2, begin, 60)
    yield workers
    workers.close()


def answered(workers: Workers) -> dict[Any, object]:
    answers: dict[Any, object] = {}
    while workers.busy:
        answers |= dict(workers.answers())
    return answers


def test_errors_and_deaths_take_their_own_task_alone(workers: Workers) -> None:
    for task in (0, 3, 5):  # the third begins a process of its own
        workers.give(task)
    answers = answered(workers)
    assert answers.pop(5) == 30
    assert isinstance(answers.pop(3), ZeroDivisionError)
    assert isinstance(ended := answers.pop(0), EndedError)
    assert str(ended) == "its process ended (SIGKILL; perhaps it took too much memory)"
    workers.give(6)
    assert answered(workers) == {6: 20}


def test_they_stop_when_asked_and_when_not_asked(workers: Workers) -> None:
    workers.give(99)
    assert list(workers.answers(0.01)) == []
    workers.kill()
    assert isinstance(answered(workers)[99], EndedError)
    workers.give(99)
    workers.halt()
    assert isinstance(answered(workers)[99], int | EndedError)  # those that idled were killed too
    workers.give(99)
    assert answered(workers) == {99: 0}


def test_answers_come_in_the_order_of_the_tasks(workers: Workers) -> None:
    assert list(workers.map([4, 5, 6, 8, 9])) == [60, 30, 20, 12, 10]
    answers = workers.map([4, 3])
    assert next(answers) == 60
    with pytest.raises(ZeroDivisionError):
        next(answers)


def test_answers_of_tasks_that_were_left_are_not_those_of_others(workers: Workers) -> None:
    answers = workers.map([4, 3, 5, 6])
    assert next(answers) == 60
    with pytest.raises(ZeroDivisionError):
        next(answers)
    assert list(workers.map([8, 9, 10])) == [12, 10, 8]


def begin_asking(halted: Callable[[], bool]) -> Work:
    """Asks all the time whether it is to stop."""

    def work(until: float) -> int:
        asked = 0
        while time.monotonic() < until and not halted():
            asked += 1
        return asked

    return work


def test_one_that_is_killed_while_it_asks_whether_to_stop_holds_up_nobody() -> None:
    for _ in range(5):
        workers = Workers(2, begin_asking)
        until = time.monotonic() + 100
        for name in "ab":
            workers.give(until, name)
        time.sleep(0.05)
        os.kill(workers._alive[0].pid, signal.SIGKILL)
        workers.halt()
        told = answered(workers)
        assert sorted(told) == ["a", "b"]
        assert sum(isinstance(each, EndedError) for each in told.values()) == 1
        workers.close()
        assert time.monotonic() < until - 90


def test_a_task_whose_worker_died_is_asked_again_three_times_in_all(
    workers: Workers, tmp_path: Path
) -> None:
    pool = Workers(2, begin_deadly)
    tasks = [(tmp_path / str(number), deaths) for number, deaths in enumerate((0, 2, 0, 1))]
    assert list(pool.map(tasks)) == [0, 2, 0, 1]
    assert pool.lost == 3
    with pytest.raises(EndedError, match="SIGKILL"):
        list(pool.map([(tmp_path / "4", 3)]))
    assert pool.lost == 6
    pool.close()
    workers.kill()
    with pytest.raises(EndedError):  # on purpose: nobody is to go on
        list(workers.map([99]))
    assert workers.lost == 0


def begin_deadly(halted: Callable[[], bool]) -> Work:
    """Tasks that cost so many processes before they are done; a file remembers."""

    def work(task: tuple[Path, int]) -> int:
        file, deaths = task
        died = len(file.read_text()) if file.exists() else 0
        if died < deaths:
            file.write_text("x" * (died + 1))
            os.kill(os.getpid(), signal.SIGKILL)
        return died

    return work


def begin_told(halted: Callable[[], bool]) -> Work:
    """Answers with all that it was asked before."""
    heard: list[Any] = []

    def work(task: Any) -> list[Any]:
        if task == "bad":
            raise ValueError("this cannot be told")
        if task == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        heard.append(task)
        return heard

    return work


def test_what_is_published_reaches_every_worker_once_before_its_next_task() -> None:
    workers = Workers(1, begin_told)
    workers.publish("old")
    workers.publish("new")
    assert list(workers.map([1, 2])) == [["new", 1], ["new", 1, 2]]
    workers.give("die")
    assert isinstance(answered(workers)["die"], EndedError)  # who follows is told too
    assert list(workers.map([3])) == [["new", 3]]
    workers.publish("bad")
    for task in (4, 5):
        with pytest.raises(ValueError, match="this cannot be told"):
            list(workers.map([task]))
    workers.publish("good")
    assert list(workers.map([6])) == [["new", 3, "good", 6]]
    workers.close()


def begin_where(halted: Callable[[], bool]) -> Work:
    return lambda name: (os.environ.get(name), os.getppid(), [*sys.modules])


def test_they_are_forks_of_one_that_has_imported_what_they_need(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With the surroundings of now, not those of when the first of them began."""
    where = []
    for value in ("one", None, "other"):
        if value is None:
            monkeypatch.delenv("SELFPLAY_WHERE")
        else:
            monkeypatch.setenv("SELFPLAY_WHERE", value)
        workers = Workers(2, begin_where)
        where += workers.map(["SELFPLAY_WHERE"] * 2)
        workers.close()
    assert [told for told, _, _ in where] == ["one"] * 2 + [None] * 2 + ["other"] * 2
    (parent,) = {parent for _, parent, _ in where}
    assert parent != os.getpid()
    for _, _, modules in where:
        assert {*preloaded, __name__} <= {*modules}


FROM_A_FOLDER = """
import os, sys
sys.path[:] = [path for path in sys.path if path]  # as a program that is installed has it
from selfplay.actors import worker
from selfplay.system import workers

before, changes = dict(os.environ), []
os.putenv = lambda *pair: changes.append(pair)
pool = workers.Workers(1, worker.begin)
pool.close()
print(dict(os.environ) == before, len(changes))
"""


def test_no_module_of_the_folder_at_hand_is_imported(tmp_path: Path) -> None:
    for name in ("numba.py", "envs.py"):
        (tmp_path / name).write_text("print('run', flush=True)\n")
    done = subprocess.run(
        [sys.executable, "-c", FROM_A_FOLDER],
        env={name: value for name, value in os.environ.items() if name != "PYTHONSAFEPATH"},
        cwd=tmp_path, capture_output=True, text=True, timeout=100,
    )  # fmt: skip
    assert done.stdout.split() == ["True", "0"], done.stderr


def test_what_cannot_begin_says_why() -> None:
    workers = Workers(1, begin, -1)
    workers.give(1)
    with pytest.raises(ValueError, match="there is no such base"):
        answered(workers)
    workers.close()


ORPHANED = """
import multiprocessing, os, sys
sys.path.insert(0, {tests!r})
from test_workers import Workers, answered, begin
if __name__ == "__main__":
    workers = Workers(2, begin, 60)
    for task in (5, 6):
        workers.give(task)
    answered(workers)
    print(*[child.pid for child in multiprocessing.active_children()], flush=True)
    os.kill(os.getpid(), 9)
"""


def test_they_end_with_the_process_that_leads(tmp_path: Path) -> None:
    """However that ends: it is killed."""
    script = tmp_path / "orphaned.py"
    script.write_text(ORPHANED.format(tests=str(Path(__file__).parent)))
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, timeout=120, check=False
    )
    workers = [int(number) for number in done.stdout.split()]
    assert (done.returncode, len(workers)) == (-signal.SIGKILL, 2), done.stderr
    until = time.monotonic() + 20
    while any(is_running(worker) for worker in workers) and time.monotonic() < until:
        time.sleep(0.05)
    assert not any(is_running(worker) for worker in workers)


def is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{process}/stat")
    return not status.exists() or status.read_text().rpartition(")")[2].split()[0] != "Z"


# killed by another thread at the worst moment ---------------------------------------------------


def test_who_is_being_handed_a_task_is_killed_too(workers: Workers) -> None:
    class Killing(dict[Any, Any]):
        """As if another thread killed all before a worker stands among the busy ones."""

        def __setitem__(self, key: Any, value: Any) -> None:
            workers.kill()
            super().__setitem__(key, value)

    workers.busy = Killing()
    workers.give(99)
    ((task, answer),) = workers.answers(20)
    assert (task, type(answer)) == (99, EndedError)


def test_who_has_just_answered_is_killed_too(workers: Workers) -> None:
    class Killing(list[Any]):
        """The same before one that has answered stands among the idle ones."""

        def append(self, worker: Any) -> None:
            workers.kill()
            super().append(worker)

    workers.give(5)
    workers._idle = Killing(workers._idle)
    assert answered(workers) == {5: 30}
    workers.give(99)  # to the one that answered
    ((task, answer),) = workers.answers(20)
    assert (task, type(answer)) == (99, EndedError)


def test_who_is_just_beginning_is_killed_too(
    workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    for task in (0, 0):
        workers.give(task)
    answered(workers)  # now there is none
    start = ForkServerProcess.start

    def killed(process: ForkServerProcess) -> None:
        start(process)
        workers.kill()

    monkeypatch.setattr(ForkServerProcess, "start", killed)
    workers.give(99)
    ((task, answer),) = workers.answers(20)
    assert (task, type(answer)) == (99, EndedError)
    with pytest.raises(EndedError):  # nor does one begin for what nobody wants any more
        list(workers.map([99]))
    assert not workers.busy
