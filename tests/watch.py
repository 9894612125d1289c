"""A clock in a module of its own, which an environment of unfair.py asks."""

from time import time


def second():
    return int(time())
