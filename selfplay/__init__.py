"""Game-playing agents trained by self-play: tree search, a policy and value net, and the truth."""

import os

# torch's OpenMP threads spin at barriers, so that one busy neighbour makes them forty times slower
# (143 instead of 6,600 positions/s on two cores).  Read when torch is imported, hence set here.
os.environ.setdefault("GOMP_SPINCOUNT", "0")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
