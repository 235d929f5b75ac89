"""Checks of what a call needs: settings, network, TLS, token, permissions, clock."""

from ._examine import Setup, examine
from ._findings import Finding, Status

__all__ = ["Finding", "Setup", "Status", "examine"]
