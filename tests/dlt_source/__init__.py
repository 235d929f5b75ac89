"""The dlt source against servers on loopback, into DuckDB and PostgreSQL."""
