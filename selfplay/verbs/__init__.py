"""The command line: one file a verb, with its arguments and what it prints.

What is done stands elsewhere.  A verb's file holds ``arguments(parser)`` and ``run(arguments)``,
the first line of its docstring is its help, and nothing heavy is imported before it runs.
"""

VERBS = (
    "train", "runs", "show", "sweep", "compare", "evaluate", "match", "play", "gtp", "nboard",
    "review", "levels", "draw", "mirror", "watch", "prove", "explore", "bench", "games", "data",
    "check", "config",
)  # fmt: skip
