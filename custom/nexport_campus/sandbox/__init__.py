"""A NexPort campus to develop and test against without an account.

    async with Sandbox(seed=7) as sandbox:
        sandbox.url, sandbox.username, sandbox.password

Requires the `sandbox` extra. It shares no code with the client, so that a bug in one cannot hide the other's.
"""

from __future__ import annotations

from .fault_script import FaultScript
from .reports import (
    Account,
    BookEntry,
    Books,
    Change,
    Invoice,
    InvoiceItem,
    InvoicePayment,
    Samples,
    WebhookDelivery,
)
from .sandbox import Sandbox
from .serving.process import SandboxError

__all__ = [
    "Account",
    "BookEntry",
    "Books",
    "Change",
    "FaultScript",
    "Invoice",
    "InvoiceItem",
    "InvoicePayment",
    "Samples",
    "Sandbox",
    "SandboxError",
    "WebhookDelivery",
]
