"""Recorded games in the formats that people and sites keep them in."""
