"""A sweep: a grid of runs, planned from one file and run on the cores there are."""
