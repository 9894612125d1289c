"""Comparing runs: curves at equal compute, crossings, power laws, extractor or quarry."""
