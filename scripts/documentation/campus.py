"""A client as users hold it, for the reference alone: `names.py` puts the vendor's areas in, and `campus.learning` is one."""
