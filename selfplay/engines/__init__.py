"""This program as an engine of others: GTP 2, GoGui's and Sabaki's parts of it, NBoard.

A program leads the game and asks for moves; what it may know is told by ``table.py``.
"""
