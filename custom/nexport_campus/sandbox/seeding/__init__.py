"""Seeding of a campus: the same seed and size produce the same rows on every machine and every day."""
