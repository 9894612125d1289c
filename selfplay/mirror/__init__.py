"""Pong against a small net that learns, between two frames, to play as you do."""
