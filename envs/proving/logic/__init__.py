"""Formulas, the languages they are written in, and their clause forms."""
