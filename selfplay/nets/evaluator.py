"""Nets as evaluators, on which device and in which numbers."""

from __future__ import annotations

import functools
import os
import subprocess
import time
from typing import Any, NamedTuple

import torch

from selfplay.cached import DIVERGED, CachedEvaluator, Usage, is_finite
from selfplay.nets import Net, enough_memory, forward_flops, obs_tensors, take_flops
from selfplay.nets.base import SMALLER_BATCH
from selfplay.nets.clock import DeviceClock
from selfplay.types import Evaluation, Game

_WORTH_IT = 1e6  # FLOPs a position from which on bfloat16 is mostly a quarter faster or more
AUTO = "SELFPLAY_DEVICE"  # environment variable: the device that "auto" means
_STRIDE = 32  # batches are padded to a multiple of this: few shapes, few compiled convolutions


class NetEvaluator(CachedEvaluator):
    """An Evaluator backed by a net in this process; one thread may use it at a time."""

    def __init__(
        self, net: Net, actions: int, device: str, dtype: torch.dtype, cache_size: int
    ) -> None:
        super().__init__(actions, cache_size)
        self.device, self.dtype = device, dtype
        self._clock, self._thread_s = DeviceClock(device), 0.0
        self.load(net)

    @enough_memory(SMALLER_BATCH)
    def load(self, net: Net) -> None:
        """Answers with the weights of ``net`` from now on; what the cache held is void."""
        self.net = net.fused().to(self.device, self.dtype)
        take_flops(self.net)  # what the net had counted is no cost of the copy
        self.forget()

    def share(self, other: NetEvaluator) -> None:
        """As ``load``, with the inference net that ``other`` holds already, on one clock."""
        self.net, self._clock = other.net, other._clock
        self.forget()

    def take_usage(self) -> Usage:
        """The counts since the last call; of those that share a net one has all the GPU's time."""
        inside, self._thread_s = self._thread_s, 0.0
        return (
            super()
            .take_usage()
            ._replace(device_s=self._clock.take_s(), thread_s=inside, flops=take_flops(self.net))
        )

    def _forward(self, obs: object, count: int) -> Evaluation:
        begun = time.thread_time()
        answer = self.answers(obs, count)
        if not is_finite(answer):
            raise ValueError(DIVERGED)
        self._thread_s += time.thread_time() - begun
        return answer

    @enough_memory(SMALLER_BATCH)
    def answers(self, obs: object, count: int) -> Evaluation:
        """What the net says of the ``count`` positions that ``obs`` shows, past the cache."""
        fields = obs_tensors(obs)
        padding = -count % _STRIDE
        if padding:
            fields = [
                torch.cat([field, field.new_zeros((padding, *field.shape[1:]))]) for field in fields
            ]
        with torch.inference_mode(), self._clock.running():
            heads = self.net([field.to(self.device) for field in fields])
            win_draw_loss = torch.softmax(heads.value_M3[:count].float(), 1)
            value = win_draw_loss[:, 0] - win_draw_loss[:, 2]
            logits = heads.policy_MA[:count].float()
            draw = win_draw_loss[:, 1].contiguous()
            return Evaluation(logits.cpu().numpy(), value.cpu().numpy(), draw.cpu().numpy())


def choose_device(wish: str) -> str:
    """The device to use: "auto" becomes what AUTO names, else a CUDA device if there is one.

    Raises ValueError when a device is asked for that is not there.
    """
    if wish == "auto":
        wish = os.environ.get(AUTO) or "auto"
    if wish == "auto":
        return "cuda:0" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(wish)
    except RuntimeError:
        device = torch.device("meta")
    if device.type not in ("cpu", "cuda"):
        raise ValueError(f"device {wish!r} is not known; use auto, cpu or cuda:0")
    if device.type == "cuda" and not torch.cuda.is_available():
        raise ValueError(
            f"device {wish!r} asked for, but torch finds no CUDA GPU; use evaluator.device=cpu"
        )
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        last = f"cuda:{torch.cuda.device_count() - 1}"
        raise ValueError(f"device {wish!r} asked for, but the last one here is {last}")
    return wish


def describe_device(device: str) -> dict[str, Any]:
    """What figures made on ``device`` depend on: of a GPU the card, its driver and libraries."""
    if torch.device(device).type != "cuda":
        return {"name": device}
    card = torch.cuda.get_device_properties(device)
    return {
        "name": device,
        "card": card.name,
        "memory_gib": round(card.total_memory / 2**30, 1),
        "capability": f"{card.major}.{card.minor}",
        "driver": _driver(),
        "cuda": torch.version.cuda,
        "cudnn": torch.backends.cudnn.version(),
    }


@functools.cache
def _driver() -> str | None:
    """The version of NVIDIA's driver, None where nothing tells it; torch knows none."""
    words = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        told = subprocess.run(words, capture_output=True, text=True, timeout=20, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    return next(iter(told.split()), None)


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
