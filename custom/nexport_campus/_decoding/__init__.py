"""From the bytes of a response to models: the error entity, the fast path and the tolerant path."""
