"""What is asked of the machine: whole files, text, locks, processes, Ctrl-C, the terminal.

Nothing of games, nets or runs.
"""
