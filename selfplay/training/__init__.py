"""One run, from its configuration to its report: the loop, its folder, its log, its agent.

Where the positions come from is in ``regimes``.
"""
