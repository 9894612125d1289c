"""Recorded games in the formats that people and sites keep them in, one format a file.

What is made of them, a data set, is in the folder above.
"""
