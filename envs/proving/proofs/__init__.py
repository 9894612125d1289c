"""Proofs for people and machines, and the checker that trusts none of them; how proofs are found
is no matter here, nor how clause forms are made."""
