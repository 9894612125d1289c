"""Formulas, the languages they are written in, and their clause forms with certificates.

Nothing here searches for a proof or checks one.
"""
