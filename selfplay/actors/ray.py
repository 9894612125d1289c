"""Where actors run: on the machines of a Ray cluster, or where Ray keeps them on this one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from pydantic import Field

from selfplay.actors.base import Actors, BackendSection, Setup
from selfplay.system.cores import core_count
from selfplay.system.workers import Entering, Work, WorkerPool

if TYPE_CHECKING:
    from selfplay.nets import Net
    from selfplay.system.ray_cluster import Cluster, Node


class Ray(BackendSection):
    """Section ``[backend]`` with ``kind = "ray"``: actors are on the machines of a Ray cluster,
    as is who tries problems or solves positions.
    """

    remote = True

    kind: Literal["ray"] = "ray"
    address: str = ""
    """of a Ray cluster that this machine belongs to, `"auto"` or `"10.0.0.1:6379"`; empty: one of
    this machine alone is started, and ended with the run"""
    places: int = Field(0, ge=0, le=100_000)
    """where actors play; 0: one on each GPU, and one on each machine that has none"""
    cores: int = Field(0, ge=0, le=4096)
    """of a place; 0: all of its machine, its GPUs sharing them"""
    gpus: bool = True
    """whether places are on the cluster's GPUs"""
    order: Literal["places", "any"] = "places"
    """`"places"`: all places play, then what they played is learned, and a run repeats bit for bit;
    `"any"`: places play on while the net learns, and what is there first is learned first"""
    max_lag: int = Field(4, ge=1, le=1000)
    """with `order = "any"`: updates of the net that samples may be behind when they are learned;
    the learner waits for a place that would be further behind"""

    def make_actors(self, setup: Setup, net: Net, seed: int) -> Actors:
        if setup.inference.is_modelled:
            raise ValueError(
                f"places on Ray have no modelled device ({setup.inference.device}); use "
                "backend.kind=processes"
            )
        cluster = _connected(self.address)
        try:
            from selfplay.actors.ray_places import RayActors

            return RayActors(setup, net, seed, self, cluster)
        except BaseException:
            cluster.close()
            raise

    def capacity(self) -> int:
        if not self.address:
            return super().capacity()
        cluster = _connected(self.address)
        try:
            return sum(node.cores for node in cluster.nodes())
        finally:
            cluster.close()

    def make_workers(
        self,
        count: int,
        begin: Callable[..., Work],
        *arguments: Any,
        entering: Entering | None = None,
    ) -> WorkerPool:
        assert entering is None, "workers elsewhere share no memory"
        cluster = _connected(self.address)
        try:
            from selfplay.system.ray_workers import RayWorkers

            return RayWorkers(cluster, count, begin, *arguments)
        except BaseException:
            cluster.close()
            raise

    def rooms(self, nodes: Sequence[Node]) -> list[Room]:
        """Where the places are on these machines.

        Raises ValueError with a sentence where there is no room for them.
        """
        cores = self.cores
        if not self.address and self.places:  # here they may be more than the cores, as threads may
            cores = cores or max(1, core_count() // self.places)
            nodes = [node._replace(cores=max(node.cores, self.places * cores)) for node in nodes]
        rooms = [room for node in nodes for room in self._rooms_of(node, cores)]
        if not rooms or len(rooms) < self.places:
            wish = f"{self.places or 'a'} place{'s' if self.places > 1 else ''}"
            machines = "; ".join(f"{node.cores} cores, {node.gpus} GPUs" for node in nodes[:8])
            raise ValueError(
                f"the Ray cluster has no room for {wish} of {cores or 'all'} cores: its machines "
                f"have {machines}; change backend.places or backend.cores"
            )
        return rooms[: self.places or None]

    def _rooms_of(self, node: Node, cores: int) -> list[Room]:
        on_gpus = self.gpus and node.gpus > 0
        each = cores or max(1, node.cores // node.gpus if on_gpus else node.cores)
        fit = node.cores // each
        return [Room(node.id, each, on_gpus)] * (min(fit, node.gpus) if on_gpus else fit)


class Room(NamedTuple):
    """What a place has."""

    node: str  # the machine
    cores: int
    gpu: bool


def shares(count: int, sizes: Sequence[int]) -> list[int]:
    """``count`` shared out in proportion to ``sizes``, by largest remainders."""
    whole = sum(sizes)
    found = [count * size // whole for size in sizes]
    rests = [count * size % whole for size in sizes]
    most = sorted(range(len(sizes)), key=lambda i: -rests[i])
    for i in most[: count - sum(found)]:
        found[i] += 1
    return found


def _connected(address: str) -> Cluster:
    from selfplay.system.ray_cluster import connect

    try:
        return connect(address)
    except ImportError as error:
        raise ValueError("backend.kind=ray needs Ray: pip install 'selfplay[ray]'") from error
