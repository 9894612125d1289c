"""What a GPU does for this program, in one call of six minutes: docs/gpu.md holds its tables.

    python docs/measure_gpu.py --out FOLDER              # on a machine with a GPU
    python docs/measure_gpu.py --tiny --device cpu       # does the script itself run? (a minute)

Every figure is printed as a line of JSON when it is known, all of them as a table at the end; a
stage that fails is named and the next one begins.  The stage ``peers`` needs jax, mctx, pgx and
dm-haiku, and is left out where they are missing.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

import envs
from selfplay import arrays
from selfplay.actors import Setup
from selfplay.actors.actor import ActorSection
from selfplay.learning.learner import Learner
from selfplay.learning.samples import targets
from selfplay.learning.section import LearnerSection
from selfplay.lines.openings import random_positions
from selfplay.measure.bounds import DeviceAlone
from selfplay.nets import ResNet, forward_flops, obs_tensors, resnet
from selfplay.nets.evaluator import NetEvaluator, choose_precision
from selfplay.nets.inference import EvaluatorSection
from selfplay.search import Gumbel
from selfplay.system.cores import core_count

HERE = Path(__file__).resolve().parent
GAME = envs.make("connect4")


class Options(NamedTuple):
    """How to measure."""

    device: str
    tiny: bool  # small nets and batches: whether it runs, not how fast
    until: float  # seconds of ``time.perf_counter`` at which all should be over
    out: Path

    @property
    def cuda(self) -> bool:
        return self.device.startswith("cuda")

    @property
    def nets(self) -> list[ResNet]:
        sizes = [(2, 16)] if self.tiny else [(5, 64), (20, 128)]
        return [ResNet(blocks=blocks, channels=channels) for blocks, channels in sizes]

    def seconds_left(self) -> float:
        return self.until - time.perf_counter()


class Figure(NamedTuple):
    """One thing measured."""

    name: str
    value: float
    unit: str
    more: dict[str, Any]


Figures = Iterator[Figure]


def figure(name: str, value: float, unit: str, /, **more: Any) -> Figure:
    return Figure(name, value, unit, more)


def per_second(call: Callable[[], object], device: str, seconds: float) -> float:
    """Calls a second: the median of five stretches."""
    wait = torch.cuda.synchronize if device.startswith("cuda") else lambda: None
    for _ in range(3):
        call()
    wait()
    rates = []
    for _ in range(5):
        start, calls = time.perf_counter(), 0
        while time.perf_counter() - start < seconds / 5:
            call()
            calls += 1
            if calls % 8 == 0:
                wait()
        wait()
        rates.append(calls / (time.perf_counter() - start))
    return float(np.median(rates))


def positions(count: int) -> Any:
    """``count`` positions of random play."""
    rng = np.random.default_rng(0)
    opened = random_positions(GAME, rng.integers(2, 24, 2 * count), rng).state
    return arrays.take(opened, rng.integers(0, arrays.length(opened), count))


def name_of(section: ResNet) -> str:
    return f"{section.blocks}x{section.channels}"


def net_of(section: ResNet) -> Any:
    torch.manual_seed(0)
    net = section.build(GAME)
    for module in net.trunk.modules():  # a fresh net's second convolutions count for nothing
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.weight, 0.5, 1.0)
    return net


# Stages -------------------------------------------------------------------------------------------


def machine(options: Options) -> Figures:
    """What it is, and its two ceilings."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.partition(":")[2].strip() for line in lines if "model name" in line), "")
    yield figure("cores", core_count(), "cores", cpu=model)
    versions = {"torch": torch.__version__, "cuda": torch.version.cuda, "numpy": np.__version__}
    yield figure("python", sys.version_info.minor, "3.", **versions)
    if not options.cuda:
        return
    card = torch.cuda.get_device_properties(0)
    memory = f"{card.total_memory / 2**30:.0f} GiB"
    yield figure("card", card.multi_processor_count, "SMs", name=card.name, memory=memory)
    a, b = (torch.randn(8192, 8192, device="cuda", dtype=torch.bfloat16) for _ in range(2))
    rate = per_second(lambda: a @ b, options.device, 1.0)
    yield figure("bfloat16 matrix product", rate * 2 * 8192**3 / 1e12, "TFLOP/s")
    source = torch.empty(1 << 30, device="cuda", dtype=torch.uint8)
    copy = torch.empty_like(source)
    rate = per_second(lambda: copy.copy_(source), options.device, 0.5)
    yield figure("memory", rate * 2 * (1 << 30) / 1e12, "TB/s")


def check(options: Options) -> Figures:
    """The device computes what the CPU does; equal positions have equal bits in any row."""
    state = positions(1024)
    fields = [field.to(options.device) for field in obs_tensors(GAME.observe(state))]
    for section in options.nets:
        net, name = net_of(section), name_of(section)
        with torch.inference_mode():
            truth = net.fused().double()(obs_tensors(GAME.observe(state))).policy_MA.numpy()
        for dtype in (torch.float32, torch.bfloat16):
            evaluator = NetEvaluator(net, GAME.num_actions, options.device, dtype, 0)
            error = np.linalg.norm(evaluator(GAME, state).logits - truth) / np.linalg.norm(truth)
            yield figure(f"{name} {dtype} error of logits", float(error), "relative")
            with torch.inference_mode():
                whole = evaluator.net(fields).policy_MA
                turned = evaluator.net([f.roll(37, 0) for f in fields]).policy_MA.roll(-37, 0)
                again = evaluator.net(fields).policy_MA
            same = float((whole == again).all()), float((whole == turned).all())
            yield figure(f"{name} {dtype} same bits again", same[0], "1 = yes", other_row=same[1])
        chosen = choose_precision(net, GAME, options.device, "auto")
        yield figure(f"{name} precision", 1, str(chosen.dtype), sentence=chosen.sentence)
    yield from _learning(options)


def _learning(options: Options) -> Figures:
    """The same learning on the CPU, on the device, there again, and there without graphs."""
    samples, section = random_samples(4096), LearnerSection(batch=256, average=0.99)
    losses = {}
    for how in ("cpu", "device", "again", "no graphs"):
        device = "cpu" if how == "cpu" else options.device
        learner = Learner(net_of(options.nets[0]), section, GAME, device, False, 0)
        if how == "no graphs":
            learner._captured = None
        for _ in range(3):
            losses[how] = learner.fit(samples, 8, 0.0).policy_loss
        if how == "device" and learner._captured is not None:
            yield figure("graphs of the learner", len(learner._captured._graphs), "graphs")
    yield figure("loss after 24 steps less the CPU's", losses["device"] - losses["cpu"], "nats")
    yield figure("the same, learned twice", losses["again"] - losses["device"], "nats")
    yield figure("the same, without graphs", losses["no graphs"] - losses["device"], "nats")


def random_samples(count: int) -> Any:
    rng = np.random.default_rng(1)
    state = positions(count)
    legal = GAME.legal(state)
    policy = rng.random((count, GAME.num_actions)).astype(np.float32) * legal
    policy /= policy.sum(1, keepdims=True)
    value = np.eye(3, dtype=np.float32)[rng.integers(0, 3, count)]
    return targets(GAME.observe(state), legal, policy, value)


def net(options: Options) -> Figures:
    """The inference net alone, by batch: asked in this thread, and two batches under way."""
    for section in options.nets:
        model, name = net_of(section), name_of(section)
        flops = forward_flops(model, GAME)
        evaluator = NetEvaluator(model, GAME.num_actions, options.device, torch.bfloat16, 0)
        for batch in (64,) if options.tiny else (256, 1024, 2048, 4096):
            obs = GAME.observe(positions(batch))

            def asked(evaluator: Any = evaluator, obs: Any = obs, batch: int = batch) -> Any:
                return evaluator.answers(obs, batch)

            rate = batch * per_second(asked, options.device, 0.4)
            yield figure(f"{name} batch {batch} asked", rate, "positions/s")
            for fused in (False, True) if options.cuda else (False,):
                resnet._FUSED = fused
                try:
                    rate = DeviceAlone(_setup(options), model, batch).positions_per_s(0.4)
                except Exception as error:
                    yield figure(f"{name} {batch} fused", 0, "failed", error=repr(error)[:300])
                    continue
                finally:
                    resnet._FUSED = True
                how = "graph, fused" if fused else "graph"
                tflops = rate * flops / 1e12
                yield figure(f"{name} batch {batch} {how}", rate, "positions/s", tflops=tflops)


def _setup(options: Options) -> Setup:
    inference = EvaluatorSection(device=options.device, precision="bfloat16")
    return Setup(GAME, Gumbel(), ActorSection(), inference.inference(ResNet().build(GAME), GAME))


def threads(options: Options) -> Figures:
    """What asking the net costs one thread, and several: Python, its lock, one stream."""
    obs = GAME.observe(positions(32))
    for section in options.nets:
        evaluator = NetEvaluator(net_of(section), 7, options.device, torch.bfloat16, 0)
        for count in (1, 2) if options.tiny else (1, 4, 16):
            until = time.perf_counter() + 1.5

            def run(_: int, until: float = until, evaluator: Any = evaluator) -> int:
                torch.set_num_threads(1)
                calls = 0
                while time.perf_counter() < until:
                    evaluator.answers(obs, 32)
                    calls += 1
                return calls

            with ThreadPoolExecutor(count) as pool:
                calls = sum(pool.map(run, range(count)))
            name = f"{name_of(section)} batches of 32, {count} threads"
            yield figure(name, calls / 1.5, "calls/s")


def learner(options: Options) -> Figures:
    """Steps of gradient descent, from a window in the memory of this process."""
    samples = random_samples(1024 if options.tiny else 65536)
    for section in options.nets:
        for batch in (64,) if options.tiny else (512, 4096):
            settings = LearnerSection(batch=batch, average=0.999)
            learner = Learner(net_of(section), settings, GAME, options.device, True, 0)
            learner.fit(samples, 10, 0.0)
            for exact in (True, False) if options.cuda else (True,):
                torch.backends.cudnn.deterministic = exact
                if learner._captured is not None:
                    learner._captured.forget()
                learner.fit(samples, 10, 0.0)
                start, steps = time.perf_counter(), 0
                while time.perf_counter() - start < 2.0:
                    learner.fit(samples, 64, 0.0)  # measures, so it waits for the device at its end
                    steps += 64
                seconds = time.perf_counter() - start
                more = {"ms_a_step": seconds / steps * 1e3}
                name = f"{name_of(section)} batch {batch}{'' if exact else ' not repeatable'}"
                yield figure(name, steps * batch / seconds, "samples/s", **more)


def trees(options: Options) -> Figures:
    """What the cores can do where nobody waits for a net, and what they are (measure_trees.py)."""
    seconds = "0.5" if options.tiny else "2"
    found = run_program([str(HERE / "measure_trees.py"), "--seconds", seconds], options)
    for line in found.stdout.splitlines():
        more = json.loads(line)
        rate = more.pop("simulations_per_s")
        yield figure(f"trees in {more['processes']} processes", rate, "simulations/s", **more)
    if found.returncode:
        yield figure("trees", 0, "failed", said=found.stderr[-400:])


def selfplay(options: Options) -> Figures:
    """`selfplay bench` with processes and their server, on this device and on a modelled one."""
    cases = [(net, options.device) for net in options.nets]
    for section, device in [(options.nets[0], "fake:150,0.25"), *cases]:
        words = ["-m", "selfplay.verbs.cli", "bench", "connect4", "--json", "--device", device]
        words += ["--blocks", str(section.blocks), "--channels", str(section.channels)]
        words += ["--games", "64" if options.tiny else "7680", "--set", "backend.kind=processes"]
        seconds = "2" if options.tiny else "8"
        words += ["--set", "evaluator.precision=bfloat16", "--seconds", seconds]
        done = run_program(words, options)
        found = json.loads(done.stdout) if done.returncode == 0 else {"said": done.stderr[-400:]}
        rate = found.get("simulations_per_s", 0.0)
        yield figure(f"{name_of(section)} bench on {device}", rate, "simulations/s", **found)


def training(options: Options) -> Figures:
    """The recipe for a GPU: Connect Four from nothing, and the mistakes that are left."""
    if options.tiny:
        return
    seconds = max(30.0, min(150.0, options.seconds_left() - 45))
    folder = options.out / "training"
    words = ["train", "configs/connect4_gpu.toml", "--set", f"budget.seconds={seconds:.0f}"]
    words += ["--set", "strength.every_s=40", "--out", str(folder)]
    done = run_program(["-m", "selfplay.verbs.cli", *words], options)
    print((done.stdout + done.stderr)[-4000:], flush=True)
    yield figure("connect4_gpu", done.returncode, "exit code", seconds=seconds)


def peers(options: Options) -> Figures:
    """mctx and pgx on the same device: the same net, games and simulations (measure_mctx.py)."""
    missing = [
        name for name in ("jax", "mctx", "pgx", "haiku") if not importlib.util.find_spec(name)
    ]
    if missing:
        yield figure("mctx + pgx", 0, "not run", missing=missing)
        return
    cases = [("5x64", 8192), ("20x128", 4096), ("5x64", 1024)]
    for size, games in [("2x16", 32)] if options.tiny else cases:
        words = [size, str(games), *(["--tiny"] if options.tiny else [])]
        found = run_program([str(HERE / "measure_mctx.py"), *words], options)
        rate = json.loads(found.stdout) if found.returncode == 0 else {"said": found.stderr[-400:]}
        value = rate.pop("simulations_per_s", 0.0)
        yield figure(f"mctx + pgx {size} {games} games", value, "simulations/s", **rate)


def smoke(options: Options) -> Figures:
    """Regimes and the prover, as a user calls them."""
    device = ["--set", f"evaluator.device={options.device}", "--set"]
    calls = {
        "selfplay": ["configs/tictactoe.toml", *device, "budget.seconds=8"],
        "policy_gradient": ["configs/connect4_policy_gradient.toml", *device, "budget.seconds=8"],
        "proving": ["configs/prove_demo.toml", *device, "budget.seconds=20"],
    }
    for name, words in calls.items():
        if options.seconds_left() < 45:
            return
        start = time.perf_counter()
        folder = str(options.out / "smoke" / name)
        done = run_program(["-m", "selfplay.verbs.cli", "train", *words, "--out", folder], options)
        said = (done.stdout + done.stderr)[-600:] if done.returncode else ""
        seconds = time.perf_counter() - start
        yield figure(name, done.returncode, "exit code", seconds=seconds, said=said)


def run_program(words: list[str], options: Options) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"XLA_PYTHON_CLIENT_PREALLOCATE": "false"}
    limit = max(30.0, options.seconds_left())
    return subprocess.run(
        [sys.executable, *words], capture_output=True, text=True, env=environment, timeout=limit
    )


STAGES = {
    stage.__name__: stage
    for stage in (machine, check, net, threads, trees, selfplay, learner, peers, training, smoke)
}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--device", default="cuda:0")
    parser.add_argument("--seconds", type=float, default=340)
    parser.add_argument("--tiny", action="store_true")
    parser.add_argument("--stages", default=",".join(STAGES))
    parser.add_argument("--out", type=Path, default=Path("measure_gpu"))
    words = parser.parse_args()
    options = Options(words.device, words.tiny, time.perf_counter() + words.seconds, words.out)
    options.out.mkdir(parents=True, exist_ok=True)
    figures: list[tuple[str, Figure]] = []
    for name in words.stages.split(","):
        start = time.perf_counter()
        if options.seconds_left() < 20:
            print(f"no time left for {name}", flush=True)
            continue
        try:
            for one in STAGES[name](options):
                figures.append((name, one))
                print(json.dumps({"stage": name, **one._asdict()}), flush=True)
        except Exception:
            traceback.print_exc()
        print(f"# {name}: {time.perf_counter() - start:.1f} s", flush=True)
        lines = [{"stage": stage, **one._asdict()} for stage, one in figures]
        (options.out / "figures.json").write_text(json.dumps(lines, indent=1))
    for stage, one in figures:
        print(f"{stage:9s} {one.name:50s} {one.value:>14,.4g} {one.unit}")


if __name__ == "__main__":
    main()
