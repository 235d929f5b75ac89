"""The change feed, and enrollments by id."""
