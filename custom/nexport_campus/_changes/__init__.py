"""The change feed, the iteration over enrollments by date that it is built on, and enrollments by any number of ids."""
