# Edit this file in openapi/runtime; scripts/regenerate copies it to nexport_client.
"""Errors in reading JSON into models."""

__all__ = ["DecodeError"]


class DecodeError(ValueError):
    """A value that contradicts the vendor's spec. `path` locates it, such as `[2].section.enrollment_end`."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.path or 'the response'}: {self.reason}"
