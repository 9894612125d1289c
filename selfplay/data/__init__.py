"""Data sets of expert games: made, imported, split, stored and read.

The position files that ship with the project lie here too (``selfplay/positions.py``).  Nothing is
imported here: the processes that label positions start without torch.
"""
