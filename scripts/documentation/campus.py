"""Stands for a client in the reference: `reference_names.py` adds the vendor's areas, such as `campus.learning`."""
