"""What a net or a person sees of a position."""
