"""The change feed, the iteration over enrollments by date under it, and enrollments and sections by any number of ids."""
