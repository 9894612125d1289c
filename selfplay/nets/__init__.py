"""Policy/value nets, one kind a file, each built from its section of the config.

How nets are trained is in ``learning``, what a search asks of them in ``evaluator``.
"""

from typing import Annotated

from pydantic import Field

from selfplay.nets.base import (
    Heads,
    Net,
    counts_flops,
    enough_memory,
    forward_flops,
    obs_tensors,
    parameter_count,
    take_flops,
)
from selfplay.nets.graph import Graph
from selfplay.nets.mlp import Mlp
from selfplay.nets.resnet import ResNet
from selfplay.nets.walks import Walks

NetSection = Annotated[Graph | Mlp | ResNet | Walks, Field(discriminator="kind")]

__all__ = [
    "Graph",
    "Heads",
    "Mlp",
    "Net",
    "NetSection",
    "ResNet",
    "Walks",
    "counts_flops",
    "enough_memory",
    "forward_flops",
    "obs_tensors",
    "parameter_count",
    "take_flops",
]
