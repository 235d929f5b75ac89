"""The error of a target that can't be used."""

from nexport_campus._errors import ConfigurationError, ExportError

__all__ = ["TargetError"]


class TargetError(ExportError, ConfigurationError):
    """The target can't be used as requested; nothing was sent and nothing was written."""
