"""What a net or a person sees of a position.

The nets that read it are in ``selfplay/nets``.
"""
