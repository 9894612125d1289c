"""From samples to weights: the window, the optimizer's steps, the files that hold both."""
