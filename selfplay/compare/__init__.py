"""Comparing runs: curves at equal compute, crossings, power laws, extractor or quarry.

What is computed is in ``analysis``, how it is told in ``report``; nothing is trained here.
"""
