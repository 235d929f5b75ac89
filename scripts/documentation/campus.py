"""A client as users see it, only for the reference: `reference_names.py` puts the vendor's areas in, and `campus.learning` is one."""
