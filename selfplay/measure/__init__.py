"""How good an agent is, against the truth and against baselines, and how fast.

Where the truth comes from is in ``truth``, who plays whom and what that is in Elo in ``players``.
"""
