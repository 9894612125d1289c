"""Formulas, the languages they are written in, and their clause forms with certificates; nothing
here searches for a proof or checks one."""
