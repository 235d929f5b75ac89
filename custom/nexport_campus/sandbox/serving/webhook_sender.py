"""Webhooks that the server sends on its own when an enrollment is created or completed."""

from __future__ import annotations

import dataclasses
import http.client
import threading
from collections import deque
from typing import Any, Final

from nexport_campus.sandbox.campus_state import CampusState, RecordedChange, Row
from nexport_campus.sandbox.webhook_calls import COMPLETED, CREATED, WebhookTarget, post

__all__ = ["WebhookSender", "find_enrollment_fields"]

_KEPT: Final = 20_000
_EVENTS: Final = {"enrollment created": CREATED, "enrollment completed": COMPLETED}


@dataclasses.dataclass(slots=True)
class _Delivery:
    """One webhook. `status` is 0 until a response arrives."""

    event: str
    url: str
    enrollment_id: str
    status: int = 0


class WebhookSender:
    """Sends the events of the campus to the registered addresses, once, each in a separate thread.

    The campus does not wait for the response, because the receiver may call the campus to read the record.
    """

    def __init__(self, campus: CampusState) -> None:
        self._campus = campus
        self._targets: list[WebhookTarget] = []
        self._deliveries: deque[_Delivery] = deque(maxlen=_KEPT)

    def add(self, arguments: dict[str, Any]) -> None:
        """Register an address. Raises ValueError or TypeError for invalid arguments."""
        self._targets.append(WebhookTarget(**{**arguments, "events": tuple(arguments["events"])}))

    def clear(self) -> None:
        """Remove all addresses and deliveries."""
        self._targets.clear()
        self._deliveries.clear()

    def report(self) -> list[dict[str, Any]]:
        """Return the latest deliveries, in the order in which they began."""
        return [dataclasses.asdict(delivery) for delivery in list(self._deliveries)]

    def notify(self, changes: list[RecordedChange]) -> None:
        """Send the events of committed changes."""
        for change in changes:
            event = _EVENTS.get(change.what)
            if event is None:
                continue
            fields = find_enrollment_fields(self._campus, change.id)
            for target in self._targets:
                if event in target.events:
                    self._send(target, event, fields)

    def _send(self, target: WebhookTarget, event: str, fields: dict[str, str]) -> None:
        delivery = _Delivery(event, target.url, fields["enrollment_id"])
        self._deliveries.append(delivery)
        # A daemon, so that a receiver that doesn't respond can't keep the server from stopping.
        threading.Thread(target=_deliver, args=(target, delivery, fields), daemon=True).start()


def _deliver(target: WebhookTarget, delivery: _Delivery, fields: dict[str, str]) -> None:
    try:
        delivery.status = post(target, {"event": delivery.event, **fields})
    except (OSError, http.client.HTTPException):
        delivery.status = 0


def find_enrollment_fields(campus: CampusState, enrollment_id: str) -> dict[str, str]:
    """Return the ids that a webhook about an enrollment carries."""
    enrollment: Row = campus.find("enrollment", enrollment_id)
    return {
        "enrollment_id": enrollment_id,
        "user_id": campus.ids.make("user", enrollment["user"]),
        "subscription_id": campus.ids.make("subscription", enrollment["subscription"]),
    }
