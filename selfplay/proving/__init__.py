"""Proving with a net: trials on problems, what is learned from them, which problems are served."""
