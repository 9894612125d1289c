"""The proving game: first-order theorem proving as a game of one player; what searches and learns
is in ``selfplay/proving``."""
