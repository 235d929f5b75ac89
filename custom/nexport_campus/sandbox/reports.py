"""Reports about a sandbox: sample ids and the log of its requests."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

__all__ = [
    "Account",
    "BookEntry",
    "Books",
    "Change",
    "Invoice",
    "InvoiceItem",
    "InvoicePayment",
    "Samples",
    "WebhookDelivery",
]


@dataclasses.dataclass(frozen=True, slots=True)
class Account:
    """An API user of the campus: a name and a password, which the repr hides."""

    username: str
    password: str = dataclasses.field(repr=False)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Samples:
    """Sample ids as strings; the same seed and size give the same ids as long as nothing was changed.

    `org_id` is the busiest organization and `org_ids` all of them. `administrator_user_id` is the user of the
    administrator's account, who has every permission, among them Group Purchasing Agent. `user_id` is a student of `org_id`
    who is not enrolled in `section_id` but may be; `section_product_id` is the section's product in
    `catalog_id`, and `membership_id` a membership in `org_id`. `finished_enrollment_id` has a certificate that is
    ready, and may be dropped. `popular_section_id` has a fortieth of all enrollments. The `scorm_` ids
    lead to a stuck SCORM 1.2 attempt: its assignment is finished, but the `lesson_status` of `scorm_sco_id`
    is incomplete. The `test_` ids have test attempts. `catalog_id` holds every section of the root.
    """

    root_org_id: str
    org_id: str
    org_ids: tuple[str, ...]
    administrator_user_id: str
    user_id: str
    section_id: str
    section_product_id: str
    membership_id: str
    popular_section_id: str
    subscription_id: str
    finished_enrollment_id: str
    finished_user_id: str
    scorm_enrollment_id: str
    scorm_assignment_id: str
    scorm_assignment_status_id: str
    scorm_sco_id: str
    test_enrollment_id: str
    test_assignment_id: str
    training_plan_id: str
    catalog_id: str
    category_id: str
    product_id: str
    field_id: str

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Samples:
        """Return the samples from the server's JSON."""
        return cls(**{**values, "org_ids": tuple(values["org_ids"])})


@dataclasses.dataclass(frozen=True, slots=True)
class Change:
    """One change made by a request: a description such as "enrollment created", and the id of the record."""

    what: str
    id: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class BookEntry:
    """One request that the server received.

    `status` is the status of its response, 0 if the connection was reset or the response is still to come;
    `changes` lists what it changed, whatever the response; `fault` is the number of the scripted failure that
    struck it, if any; `query` is its query without the token, with the last value of a repeated parameter.
    """

    number: int
    operation: str
    query: Mapping[str, str]
    status: int
    fault: int | None
    changes: tuple[Change, ...]

    @property
    def changed(self) -> bool:
        """Return whether the request changed anything."""
        return bool(self.changes)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceItem:
    """An item of an invoice. `redeemed_by` and `enrollment_id` are None until it is redeemed."""

    id: str
    product_id: str
    cost: float | None
    redeemed_by: str | None
    enrollment_id: str | None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class InvoicePayment:
    """A payment that was recorded for an invoice, or one that is due later (without payee and transaction)."""

    id: str
    amount_usd: float | None
    payee_id: str | None = None
    transaction_id: str | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Invoice:
    """An invoice of the campus."""

    id: str
    organization_id: str
    purchasing_agent_id: str
    note: str | None
    committed: bool
    items: tuple[InvoiceItem, ...]
    payments: tuple[InvoicePayment, ...]
    scheduled_payments: tuple[InvoicePayment, ...]

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Invoice:
        """Return an invoice from the server's JSON."""
        lists = {
            "items": tuple(InvoiceItem(**each) for each in values["items"]),
            "payments": tuple(InvoicePayment(**each) for each in values["payments"]),
            "scheduled_payments": tuple(InvoicePayment(**each) for each in values["scheduled_payments"]),
        }
        return cls(**{**values, **lists})


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class WebhookDelivery:
    """A webhook that the campus sent on its own.

    `status` is the status of the response, 0 if none came or it is still to come.
    """

    event: str
    url: str
    enrollment_id: str
    status: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """The log of the requests that the server received, and their changes.

    `entries` holds the latest requests, at most 20,000; `counts` counts all requests by operationId;
    `peak_in_flight` is the highest number of requests in progress at the same time. It exceeds one only with
    a scripted delay, because the campus handles one request at a time. `invoices` holds all invoices of the
    campus, the oldest first, and `webhooks` the latest webhooks that it sent on its own, at most 20,000.
    """

    entries: tuple[BookEntry, ...]
    counts: Mapping[str, int]
    peak_in_flight: int
    invoices: tuple[Invoice, ...]
    webhooks: tuple[WebhookDelivery, ...]

    @property
    def changes(self) -> tuple[Change, ...]:
        """Return all changes made by the requests in `entries`, in order."""
        return tuple(change for entry in self.entries for change in entry.changes)

    @property
    def last(self) -> int:
        """Return the number of the latest entry, or 0 if there is none. Pass it to `Sandbox.books` as `since`."""
        return self.entries[-1].number if self.entries else 0

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Books:
        """Return the log from the server's JSON."""
        entries = (
            BookEntry(**{**entry, "changes": tuple(Change(**change) for change in entry["changes"])})
            for entry in values["entries"]
        )
        return cls(
            entries=tuple(entries),
            counts=values["counts"],
            peak_in_flight=values["peak_in_flight"],
            invoices=tuple(Invoice.from_json(each) for each in values["invoices"]),
            webhooks=tuple(WebhookDelivery(**each) for each in values["webhooks"]),
        )
