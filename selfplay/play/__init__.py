"""Playing against an agent: the session behind it, and the terminal in front of it."""
