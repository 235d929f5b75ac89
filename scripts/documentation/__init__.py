"""Generated parts of the documentation site: the API reference, and the tables in its pages."""
