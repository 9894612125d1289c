"""Sums over threads that work on the parts of one batch, as if it were in one piece."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Sequence
from queue import SimpleQueue

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Sums = NDArray[np.float64]


class LeftError(RuntimeError):
    """Another thread has failed and will add nothing."""


class Reduction:
    """What a number of threads add up: each gives its numbers, and each is given the sum.

    It is added in the order of the threads, whichever comes first, so that all have the same bits,
    every time.  Who waits sleeps.
    """

    def __init__(self, threads: int) -> None:
        self._boxes: Sequence[Sequence[SimpleQueue[Sums | None]]] = [
            [SimpleQueue() for _ in range(threads)] for _ in range(threads)
        ]  # _boxes[i][j]: what i gives to j

    @contextlib.contextmanager
    def joined(self, index: int) -> Iterator[None]:
        """The calling thread adds as number ``index``; should it fail, the others do not wait."""
        _here.reduction, _here.index = self, index
        try:
            yield
        except BaseException:
            for box in self._boxes[index]:
                box.put(None)
            raise
        finally:
            _here.reduction, _here.index = None, 0

    def total(self, index: int, numbers: Sums) -> Sums:
        """The sum of what all threads give, each for itself as often as the others.

        Raises LeftError when one of them has failed.
        """
        for box in self._boxes[index]:
            box.put(numbers)
        total = np.zeros_like(numbers)
        for boxes in self._boxes:
            given = boxes[index].get()
            if given is None:
                raise LeftError
            total += given
        return total


class _Here(threading.local):
    """What the calling thread adds to."""

    reduction: Reduction | None = None
    index = 0


_here = _Here()


def summed(numbers: Sums) -> Sums:
    """The sum over all threads that work on the same batch; ``numbers`` where there is but one."""
    return numbers if _here.reduction is None else _here.reduction.total(_here.index, numbers)


def summed_tensor(number: Tensor) -> Tensor:
    """As ``summed``, of a tensor of a CPU; one of a GPU is worked on by one thread."""
    if _here.reduction is None:
        return number
    return torch.from_numpy(summed(number.double().numpy())).to(number.dtype)


def is_first() -> bool:
    """Whether what is to be done once a batch is the calling thread's to do."""
    return _here.index == 0
