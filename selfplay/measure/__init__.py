"""How good an agent is, against the truth and against baselines, and how fast."""
