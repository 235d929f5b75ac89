"""Paged lists: the pager, the iteration over pages, and the detection of the last page."""
