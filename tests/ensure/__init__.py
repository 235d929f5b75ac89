"""Helpers on top of the vendor's operations: enrolling exactly once, and records by any number of ids."""
