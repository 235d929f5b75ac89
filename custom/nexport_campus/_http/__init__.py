"""A single HTTP attempt: connections, bodies and the state of one event loop.

Only this package uses httpx and httpcore directly.
"""
