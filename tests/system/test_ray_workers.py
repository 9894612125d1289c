"""Workers that Ray keeps: what they answer, who dies, who stops; machines that go."""

from __future__ import annotations

import importlib.util
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from selfplay.actors import Ray
from selfplay.system import ray_cluster
from selfplay.system.ray_cluster import Cluster
from selfplay.system.workers import EndedError, Work, WorkerPool

pytestmark = pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="needs Ray")


def begin(halted: Callable[[], bool], base: int) -> Work:
    """Counts from ``base`` plus what was published last."""
    if base < 0:
        raise ValueError(f"{base} is too few")
    added = 0

    def work(task: Any) -> Any:
        nonlocal added
        if isinstance(task, tuple):
            (added,) = task
            return None
        if task == "pid":
            return os.getpid()
        if task == "path":
            return os.getcwd(), sys.path
        if task == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        if task == "wait":
            while not halted():
                time.sleep(0.01)
            return "halted"
        if task == "fail":
            raise KeyError("no such thing")
        return base + added + int(task)

    return work


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    cluster = ray_cluster.connect("")
    yield cluster
    cluster.close()


@pytest.fixture
def workers(cluster: Cluster) -> Iterator[WorkerPool]:
    workers = Ray().make_workers(2, begin, 60)
    yield workers
    workers.close()


def test_answers_come_in_the_order_of_the_tasks(workers: WorkerPool) -> None:
    assert list(workers.map(range(5))) == [60, 61, 62, 63, 64]
    workers.publish((100,))
    workers.publish((200,))
    assert list(workers.map(range(3))) == [260, 261, 262]
    with pytest.raises(KeyError, match="no such thing") as failed:
        list(workers.map([1, "fail"]))
    assert "test_ray_workers.py" in failed.value.__notes__[0]


def test_they_import_from_where_this_process_does(workers: WorkerPool) -> None:
    """Not from the working folder, where a file may be called as a library is."""
    ((folder, path),) = workers.map(["path"])
    assert folder == os.getcwd()
    assert (folder in path) == (folder in sys.path)
    assert set(path) >= {each for each in sys.path if os.path.exists(each)}


def test_a_worker_that_dies_takes_its_task_with_it_and_no_more(workers: WorkerPool) -> None:
    for task in ("die", 2):
        workers.give(task)
    answers: dict[Any, Any] = {}
    while workers.busy:
        answers |= dict(workers.answers())
    assert answers[2] == 62
    assert isinstance(answers["die"], EndedError)
    pids = list(workers.map(["pid"] * 2))
    os.kill(pids[0], signal.SIGKILL)
    assert list(workers.map(range(4))) == [60, 61, 62, 63]
    assert workers.lost == 1


def test_halted_work_ends_and_closed_workers_are_gone(workers: WorkerPool) -> None:
    (pid,) = workers.map(["pid"])
    workers.give("wait")
    assert list(workers.answers(0.2)) == []
    workers.halt()
    assert list(workers.answers()) == [("wait", "halted")]
    workers.kill()
    for _ in range(100):
        if not os.path.exists(f"/proc/{pid}"):
            break
        time.sleep(0.1)
    assert not os.path.exists(f"/proc/{pid}")


def test_what_keeps_workers_from_beginning_is_raised(cluster: Cluster) -> None:
    workers = Ray().make_workers(1, begin, -1)
    with pytest.raises(ValueError, match="-1 is too few"):
        list(workers.map([1]))
    workers.close()
