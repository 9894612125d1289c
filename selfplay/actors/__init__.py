"""Games played in lockstep that become samples, and where they are played, one backend a file.

What is learned from the samples is in ``learning``.
"""

from typing import Annotated

from pydantic import Field

from selfplay.actors.base import Actors, Setup
from selfplay.actors.processes import Processes
from selfplay.actors.ray import Ray
from selfplay.actors.threads import Threads

Backend = Annotated[Processes | Ray | Threads, Field(discriminator="kind")]

__all__ = ["Actors", "Backend", "Processes", "Ray", "Setup", "Threads"]
