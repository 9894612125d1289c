"""From and to Gymnasium and PettingZoo.

The games themselves are one file each in ``envs``.
"""
