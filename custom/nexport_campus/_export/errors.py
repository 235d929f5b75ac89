"""Errors of exports that callers need not tell apart."""

from nexport_campus._errors import ConfigurationError, ExportError

__all__ = ["TargetError"]


class TargetError(ExportError, ConfigurationError):
    """The target can't be used as requested; nothing was sent and nothing was written."""
