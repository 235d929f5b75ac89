"""What can keep a program from working with a campus: settings, the way there, TLS, token, permissions, clock."""

from ._examine import Patient, examine
from ._findings import Finding, Status

__all__ = ["Finding", "Patient", "Status", "examine"]
