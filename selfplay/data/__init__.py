"""Data sets of expert games: made, imported, split, stored and read.

Positions with the truth about them are in ``truth``.  Nothing is imported here: processes that
read data sets start without torch.
"""
