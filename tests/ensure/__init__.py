"""Helpers on top of the vendor's operations: enrolling without enrolling twice, records by any number of ids."""
