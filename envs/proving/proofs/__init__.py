"""Proofs for people and machines, and the checker that trusts none of them."""
