"""What a net or a person sees of a position; the nets that read it are in ``selfplay/nets``."""
