"""One step of gradient descent on tensors, the same on a CPU, on a GPU and in a CUDA graph."""

from __future__ import annotations

import functools
import os
import warnings
from collections import Counter, OrderedDict
from collections.abc import Callable, Hashable, Sequence
from typing import Any

import torch
from torch import Tensor

from selfplay import arrays
from selfplay.learning import losses
from selfplay.learning.muon import Muon
from selfplay.learning.parallel import Threads
from selfplay.learning.section import LearnerSection
from selfplay.nets import Heads, Net
from selfplay.nets.capture import captured

_EAGER = 3  # steps of a shape before its graph is captured: libraries choose their kernels there
_KEPT = 4  # graphs, the latest used


def repeatable() -> None:
    """Makes torch choose kernels of a GPU that give the same bits again.

    Nets for boards (mlp, resnet) that learn twice from the same samples with the same seed, on one
    kind of GPU and one version of torch, then have the same weights; those of a CPU or another GPU
    differ by rounding.  Nets for proving add in whatever order their numbers come.
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # read when cuBLAS is first used
    torch.backends.cudnn.deterministic = True


class Descent:
    """A net, its optimizer and its averaged weights, and the step that moves all three in place.

    ``fused``: as a GPU likes it.  Nothing of a step waits for the device, and what differs from
    step to step stands in tensors, where a graph finds it.
    """

    def __init__(
        self, net: Net, averaged: Net | None, section: LearnerSection, autocast: bool, fused: bool
    ) -> None:
        self.net, self.section, self._autocast = net, section, autocast
        self._device = next(net.parameters()).device
        self._weights = [weights for weights in net.parameters() if weights.requires_grad]
        self.threads: Threads | None = None  # to spread a batch over
        measured = len(losses.Measured._fields)  # and the norm of the gradient
        self.sums = torch.zeros(measured + 1, dtype=torch.float64, device=self._device)
        self.optimizer = _optimizer(net, section, fused)
        self._mean = None if averaged is None else _numbers(averaged)
        self._now = _numbers(net)
        self._rate = torch.zeros((), device=self._device) if fused else None
        self._share: Any = torch.zeros((), device=self._device) if fused else 0.0
        self._use_rate()

    def prepare(self, rate: float, share: float) -> None:
        """Sets the learning rate, and how far averaged weights move towards the current ones."""
        if self._rate is None:
            self._share = share
            for group in self.optimizer.param_groups:
                group["lr"] = rate
        else:
            self._rate.fill_(rate)
            self._share.fill_(share)

    def __call__(self, batch: Any) -> None:
        """Takes a step on a batch of Samples with tensors for arrays."""
        self.optimizer.zero_grad(set_to_none=True)
        measured = self._differentiate(batch)
        norm = torch.nn.utils.clip_grad_norm_(self.net.parameters(), self.section.max_grad_norm)
        self.optimizer.step()
        self._average()
        self.sums += torch.cat([measured, norm.double()[None]])

    def loss(self, batch: Any) -> tuple[Tensor, Tensor]:
        """The loss of one batch, and what is ``losses.Measured`` of it, [7] f64."""
        loss, measured = losses.loss_of(batch, self.answers(self.net, batch), self.section)
        return loss, torch.stack(measured).double()

    def answers(self, net: Net, batch: Any) -> losses.Answers:
        """What ``net`` says of a batch."""
        with torch.autocast(self._device.type, torch.bfloat16, enabled=self._autocast):
            heads: Heads = net(list(arrays.leaves(batch.obs)))
        return losses.answers(heads, batch.actions)

    def state_dict(self) -> dict[str, Any]:
        """Of the optimizer, the same from every device."""
        saved = self.optimizer.state_dict()
        for group in saved["param_groups"]:
            group["fused"] = None
        if self._rate is not None:
            for group in saved["param_groups"]:
                group["lr"] = float(group["lr"])
                if "capturable" in group:
                    group["capturable"] = False
            saved["state"] = {
                key: {name: v.cpu() if name == "step" else v for name, v in state.items()}
                for key, state in saved["state"].items()
            }
        return saved

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Goes on from what ``state_dict`` returned; raises ValueError where it does not fit."""
        options: list[dict[str, Any]] = [
            {name: group[name] for name in ("fused", "capturable") if name in group}
            for group in self.optimizer.param_groups
        ]
        self.optimizer.load_state_dict(saved)
        for group, own in zip(self.optimizer.param_groups, options, strict=True):
            group.update(own)
        self._use_rate()
        adamw = getattr(self.optimizer, "adamw", self.optimizer)
        groups = adamw.param_groups if isinstance(adamw, torch.optim.AdamW) else []
        by_adam = {weights for group in groups for weights in group["params"]}
        for weights, state in self.optimizer.state.items():
            adam = weights in by_adam
            names = ("exp_avg", "exp_avg_sq") if adam else ("momentum_buffer",)
            if any(state[name].shape != weights.shape for name in names):
                raise ValueError("the optimizer's state is of other weights")
            if adam and not state["step"] >= 0:
                raise ValueError("the optimizer has made less than no step")
            if adam and self._rate is not None:
                state["step"] = state["step"].to(self._device)

    def _use_rate(self) -> None:
        """Makes the optimizer read its rate from the tensor, if there is one."""
        if self._rate is not None:
            for group in self.optimizer.param_groups:
                group["lr"] = self._rate

    def _differentiate(self, batch: Any) -> Tensor:
        """Sets the gradients of the loss of a batch; returns what is measured of it."""
        parts = [] if self.threads is None else self.threads.parts(arrays.length(batch))
        if self.threads is None or len(parts) == 1:
            loss, measured = self.loss(batch)
            loss.backward()
            return measured

        def of_part(rows: slice) -> tuple[Sequence[Tensor | None], Tensor]:
            loss, measured = self.loss(arrays.take(batch, rows))
            return torch.autograd.grad(loss, self._weights, allow_unused=True), measured

        gradients, sums = zip(*self.threads.map(of_part, parts), strict=True)
        for weights, *shares in zip(self._weights, *gradients, strict=True):
            weights.grad = None if shares[0] is None else functools.reduce(torch.add, shares)
        return torch.stack(sums).sum(0)

    @torch.no_grad()
    def _average(self) -> None:
        if self._mean is None:
            return
        (mean, mean_counts), (now, counts) = self._mean, self._now
        if isinstance(self._share, Tensor):  # lerp would wait for it
            difference = torch._foreach_sub(now, mean)
            torch._foreach_mul_(difference, self._share)
            torch._foreach_add_(mean, difference)
        else:
            torch._foreach_lerp_(mean, now, self._share)
        if counts:
            torch._foreach_copy_(mean_counts, counts)


class Captured:
    """A step on a GPU that becomes one CUDA graph a shape of batch.

    The first steps of a shape are taken as they are, on a stream of their own, as torch's notes on
    CUDA graphs demand; they count like all others.  Where a graph cannot be captured it says so
    once and goes on without.
    """

    def __init__(self, step: Callable[[Any], None], device: str) -> None:
        self._step, self._device = step, torch.device(device)
        self._taken: Counter[Hashable] = Counter()
        self._graphs: OrderedDict[Hashable, tuple[Any, Callable[[], None]]] = OrderedDict()
        self._pool: Any = None  # memory that the graphs share, for they never run side by side
        self._refused = False

    def __call__(self, batch: Any) -> None:
        """Takes a step on ``batch``, tensors on the device."""
        if self._refused:
            self._step(batch)
            return
        shape = (type(batch), *((leaf.shape, leaf.dtype) for leaf in arrays.leaves(batch)))
        if shape not in self._graphs:
            if self._taken[shape] < _EAGER:
                self._taken[shape] += 1
                self._take(batch)
                return
            own = arrays.tree_map(torch.clone, batch)
            try:
                self._graphs[shape] = own, self._capture(own)
            except RuntimeError as error:
                self._refuse(error)
                self._step(batch)
                return
            if len(self._graphs) > _KEPT:
                self._graphs.popitem(last=False)
        self._graphs.move_to_end(shape)
        own, replay = self._graphs[shape]
        arrays.tree_map(Tensor.copy_, own, batch)
        replay()

    def forget(self) -> None:
        """Drops all graphs: what they write to is no longer what the step moves."""
        self._graphs.clear()
        self._taken.clear()
        self._pool = None  # a pool whose graphs are all gone takes no other

    @functools.cached_property
    def _stream(self) -> torch.cuda.Stream:
        return torch.cuda.Stream(self._device)

    def _take(self, batch: Any) -> None:
        current = torch.cuda.current_stream(self._device)
        self._stream.wait_stream(current)
        with torch.cuda.stream(self._stream):
            self._step(batch)
        current.wait_stream(self._stream)

    def _capture(self, batch: Any) -> Callable[[], None]:
        """What takes the step on whatever ``batch`` then holds; nothing is taken meanwhile."""
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.device(self._device):
            current = torch.cuda.current_stream()
            try:
                with captured(graph, self._pool, self._stream):
                    self._step(batch)
            finally:
                torch.cuda.set_stream(current)  # a capture that fails leaves its own behind
        self._pool = graph.pool()
        replay: Callable[[], None] = graph.replay
        return replay

    def _refuse(self, error: RuntimeError) -> None:
        self._refused = True
        self.forget()
        reason = str(error).partition("\n")[0]
        warnings.warn(f"learning goes on without a CUDA graph: {reason}", stacklevel=3)


def _optimizer(net: Net, section: LearnerSection, fused: bool) -> torch.optim.Optimizer:
    weights = [p for p in net.parameters() if p.requires_grad]
    matrices = [p for p in net.trunk.parameters() if p.requires_grad and p.ndim > 1]
    own = set(matrices) if section.optimizer == "muon" else set()
    groups = [
        {
            "params": [p for p in weights if p.ndim > 1 and p not in own],
            "weight_decay": section.weight_decay,
        },
        {"params": [p for p in weights if p.ndim <= 1], "weight_decay": 0.0},
    ]
    if section.optimizer == "sgd":
        return torch.optim.SGD(groups, lr=section.lr, momentum=0.9, nesterov=True, fused=True)
    options: dict[str, Any] = {"lr": section.lr, "fused": True, "capturable": fused}
    if own:
        optimizer: Muon | torch.optim.AdamW
        optimizer = Muon(matrices, groups, section.muon_rate, section.weight_decay, **options)
        adamw = optimizer.adamw
    else:
        optimizer = adamw = torch.optim.AdamW(groups, **options)
    if fused:  # else it warns that some steps are taken outside of a graph
        adamw._warned_capturable_if_run_uncaptured = True
    return optimizer


def _numbers(net: Net) -> tuple[list[Tensor], list[Tensor]]:
    """All that is kept of a net: floats, and counts."""
    kept = list(net.state_dict().values())
    floats = [tensor for tensor in kept if tensor.is_floating_point()]
    return floats, [tensor for tensor in kept if not tensor.is_floating_point()]
