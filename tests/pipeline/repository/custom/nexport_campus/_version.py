"""The version of a small client."""

__version__ = "0.1.0"
