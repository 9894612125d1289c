"""Everything that chooses moves, and the matches between them."""
