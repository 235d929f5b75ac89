"""Proofs for lists that are fetched page by page."""
