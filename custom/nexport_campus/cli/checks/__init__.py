"""Checks of what a call needs: settings, network, TLS, token, permissions, clock."""

from .examination import Setup, examine
from .findings import Finding, Status

__all__ = ["Finding", "Setup", "Status", "examine"]
