"""Decoding of responses to models: the error entity, the fast path and the tolerant path."""
