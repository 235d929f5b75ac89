"""The seeded content of a campus: the same rows for the same seed and size, on every machine and every day."""
