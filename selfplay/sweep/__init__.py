"""A sweep: a grid of runs, planned from one file and run on the cores there are.

Each run is an ordinary training; what they say together is in ``compare``.
"""
