"""Nets as evaluators: numpy batches in, Evaluations out, no position computed twice.

Equal positions of a batch are evaluated once, and a bounded cache answers for those seen before
under the same weights.
"""

from __future__ import annotations

import time
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from selfplay import arrays
from selfplay.jit import kernel
from selfplay.nets import Net, enough_memory, forward_flops, obs_tensors
from selfplay.types import Evaluation, Float, Game, Int, State

_WAYS = 4  # places in the cache where a position may stand
_WORTH_IT = 1e6  # FLOPs a position from which on bfloat16 is mostly a quarter faster or more
_SMALLER = "the net (net.channels, net.width) or the number of games side by side (actor.games)"
_STRIDE = 32  # batches are padded to a multiple of this: few shapes, few compiled convolutions


class Usage(NamedTuple):
    """What an evaluator was asked and what it cost."""

    asked: int  # positions
    evaluated: int  # positions that went through the net
    seconds: float  # in the net
    other_seconds: float  # merging and cache


class Cache(NamedTuple):
    """A set-associative table of answers; a row is valid when its generation is the current one.

    Rows that the present batch uses are never evicted by it: it reads them after the net has run.
    """

    key: NDArray[np.uint64]  # [K, 2]
    generation: NDArray[np.int64]  # [K]
    batch: NDArray[np.int64]  # [K], the last batch that used the row
    logits: Float  # [K, A]
    value: Float  # [K]
    draw: Float  # [K]


class CancelledError(Exception):
    """The evaluator was told to answer no more."""


class NetEvaluator:
    """An Evaluator backed by a net; one thread may use it at a time."""

    def __init__(
        self, net: Net, actions: int, device: str, dtype: torch.dtype, cache_size: int
    ) -> None:
        self.device, self.dtype = device, dtype
        rows = 1 << max(10, int(cache_size).bit_length() - 1) if cache_size else 1 << 14
        self._keep = bool(cache_size)
        self._cache = Cache(
            np.zeros((rows, 2), np.uint64),
            np.zeros(rows, np.int64),
            np.zeros(rows, np.int64),
            np.zeros((rows, actions), np.float32),
            np.zeros(rows, np.float32),
            np.zeros(rows, np.float32),
        )
        self._generation = self._batch = 0
        self._usage = Usage(0, 0, 0.0, 0.0)
        self._by_sight: bool | None = None  # equal are positions that look alike
        self.cancelled = False  # set by another thread: whoever asks next gets CancelledError
        self.load(net)

    @enough_memory(_SMALLER)
    def load(self, net: Net) -> None:
        """Answers with the weights of ``net`` from now on; what the cache held is void."""
        self.net = net.fused().to(self.device, self.dtype)
        self._generation += 1

    def share(self, other: NetEvaluator) -> None:
        """As ``load``, with the inference net that ``other`` holds already."""
        self.net = other.net
        self._generation += 1

    def take_usage(self) -> Usage:
        """The counts since the last call."""
        usage, self._usage = self._usage, Usage(0, 0, 0.0, 0.0)
        return usage

    def __call__(self, game: Game, state: State) -> Evaluation:
        """Logits, value and draw probability of the B positions of ``state``."""
        if self.cancelled:
            raise CancelledError
        start = time.perf_counter()
        self._batch += 1
        if not self._keep:
            self._generation += 1
        if self._by_sight is None:
            self._by_sight = _is_smaller_to_see(game, state)
        obs = game.observe(state) if self._by_sight else None
        keys = arrays.hash_rows(state if obs is None else obs)
        count = len(keys)
        row, miss = np.empty(count, np.int64), np.empty(count, np.int32)
        misses = _look_up(self._cache, keys, self._generation, self._batch, row, miss)
        new = miss[:misses]
        seconds = 0.0
        answer = Evaluation(*(np.empty(0, np.float32) for _ in range(3)))
        if misses:
            if obs is None:
                seen = game.observe(state if misses == count else arrays.take(state, new))
            else:
                seen = obs if misses == count else arrays.take(obs, new)
            before = time.perf_counter()
            try:
                answer = self._forward(seen, misses)
            except BaseException:
                self._generation += 1  # the rows claimed above will never be filled
                raise
            seconds = time.perf_counter() - before
        out = Evaluation(
            np.empty((count, self._cache.logits.shape[1]), np.float32),
            np.empty(count, np.float32),
            np.empty(count, np.float32),
        )
        if misses:
            _store(self._cache, row, new, answer, out)
        _gather(self._cache, row, out)
        used = self._usage
        self._usage = Usage(
            used.asked + count,
            used.evaluated + misses,
            used.seconds + seconds,
            used.other_seconds + time.perf_counter() - start - seconds,
        )
        return out

    @enough_memory(_SMALLER)
    def _forward(self, obs: object, count: int) -> Evaluation:
        fields = obs_tensors(obs)
        padding = -count % _STRIDE
        if padding:
            fields = [
                torch.cat([field, field.new_zeros((padding, *field.shape[1:]))]) for field in fields
            ]
        with torch.inference_mode():
            heads = self.net([field.to(self.device) for field in fields])
            win_draw_loss = torch.softmax(heads.value_M3[:count].float(), 1)
            value = win_draw_loss[:, 0] - win_draw_loss[:, 2]
            logits = heads.policy_MA[:count].float()
            draw = win_draw_loss[:, 1].contiguous()
        answer = Evaluation(logits.cpu().numpy(), value.cpu().numpy(), draw.cpu().numpy())
        if not (np.isfinite(answer.logits).all() and np.isfinite(answer.value).all()):
            raise ValueError(
                "the net answers with numbers that are not finite: its weights have diverged; "
                "go back to an earlier checkpoint, or train with a lower learning rate"
            )
        return answer


def _is_smaller_to_see(game: Game, state: State) -> bool:
    """Whether positions are compared by what the net sees of them: it takes less memory than they
    do, or they are Python objects, whose bytes say nothing.
    """
    if arrays.holds_objects(state):
        return True
    one = arrays.take(state, slice(0, 1))
    return arrays.bytes_of(game.observe(one)) < arrays.bytes_of(one)


def choose_device(wish: str) -> str:
    """The device to use: "auto" becomes a CUDA device if there is one.

    Raises ValueError when a device is asked for that is not there.
    """
    if wish == "auto":
        return "cuda:0" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(wish)
    except RuntimeError:
        device = torch.device("meta")
    if device.type not in ("cpu", "cuda"):
        raise ValueError(f"device {wish!r} is not known; use auto, cpu or cuda:0")
    if device.type == "cuda" and not torch.cuda.is_available():
        raise ValueError(f"device {wish!r} asked for, but torch finds no CUDA GPU; use device=cpu")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        last = f"cuda:{torch.cuda.device_count() - 1}"
        raise ValueError(f"device {wish!r} asked for, but the last one here is {last}")
    return wish


class Precision(NamedTuple):
    """A choice of inference precision with its reason."""

    dtype: torch.dtype
    sentence: str


def choose_precision(net: Net, game: Game, device: str, wish: str) -> Precision:
    """The precision that ``wish`` names, or for "auto" the one that is mostly faster.

    It goes by the net and the processor alone, never by a stopwatch: the same recipe makes the
    same net on the same machine, whatever else the machine does.
    """
    names = {"float32": torch.float32, "bfloat16": torch.bfloat16}
    if wish in names:
        return Precision(names[wish], f"nets run in {wish}, as configured")
    flops = forward_flops(net, game)
    if not computes_bfloat16(device):
        best, reason = "float32", "there is no bfloat16 in this processor"
    elif flops < _WORTH_IT:
        best, reason = "float32", f"{flops / 1e6:.2g} MFLOPs are too few for bfloat16 to pay"
    else:
        best, reason = "bfloat16", "this processor computes in it"
    return Precision(names[best], f"nets run in {best} on {device}: {reason}")


def computes_bfloat16(device: str) -> bool:
    """Whether the processor computes in bfloat16 without emulating it; False if torch is old."""
    if torch.device(device).type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    tell = getattr(torch.cpu, "get_capabilities", None)
    return tell is not None and any(has for name, has in tell().items() if "bf16" in name)


@kernel
def _look_up(
    cache: Cache,
    keys: NDArray[np.uint64],
    generation: int,
    batch: int,
    row: NDArray[np.int64],
    miss: Int,
) -> int:
    """Finds or claims a row for each key; ``miss`` lists the positions to evaluate.

    ``row`` [B] is the place of the answer, or -1 where all places are taken by this very batch.
    Returns the number of misses.
    """
    mask = np.uint64(cache.key.shape[0] - 1)
    misses = 0
    for i in range(keys.shape[0]):
        home = keys[i, 0] & mask
        found, free = np.int64(-1), np.int64(-1)
        for way in range(_WAYS):
            place = np.int64((home + np.uint64(way)) & mask)
            fresh = cache.generation[place] == generation
            if fresh and cache.key[place, 0] == keys[i, 0] and cache.key[place, 1] == keys[i, 1]:
                found = place
                break
            if (not fresh or cache.batch[place] != batch) and (
                free == -1 or (not fresh and cache.generation[free] == generation)
            ):
                free = place
        if found >= 0:
            row[i] = found
            cache.batch[found] = batch
            continue
        miss[misses] = i
        misses += 1
        row[i] = free
        if free >= 0:
            cache.key[free] = keys[i]
            cache.generation[free] = generation
            cache.batch[free] = batch
    return misses


@kernel
def _store(
    cache: Cache, row: NDArray[np.int64], miss: Int, answer: Evaluation, out: Evaluation
) -> None:
    """Puts the net's answers into the claimed rows, or straight into ``out``."""
    for k in range(miss.shape[0]):
        i = miss[k]
        place = row[i]
        if place >= 0:
            cache.logits[place] = answer.logits[k]
            cache.value[place] = answer.value[k]
            cache.draw[place] = answer.draw[k]
        else:
            out.logits[i] = answer.logits[k]
            out.value[i] = answer.value[k]
            out.draw[i] = answer.draw[k]


@kernel
def _gather(cache: Cache, row: NDArray[np.int64], out: Evaluation) -> None:
    """Copies the answers of the rows into ``out``."""
    for i in range(row.shape[0]):
        place = row[i]
        if place >= 0:
            out.logits[i] = cache.logits[place]
            out.value[i] = cache.value[place]
            out.draw[i] = cache.draw[place]
