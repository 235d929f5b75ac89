"""Webhooks for tests of the application that receives them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from uuid import UUID

__all__ = ["webhook_request"]


def webhook_request(
    event: str = "Complete Enrollment",
    *,
    secret: str,
    secret_in: Literal["header", "body"] = "header",
    enrollment_id: UUID | str | None = None,
    user_id: UUID | str | None = None,
    assignment_id: UUID | str | None = None,
    subscription_id: UUID | str | None = None,
) -> tuple[dict[str, str], bytes]:
    """Return the headers and the body of a webhook, as the template in the documentation makes them.

        headers, body = webhook_request(secret="s3cret", enrollment_id=enrollment, user_id=user)
        response = await client.post("/webhooks/nexport", headers=headers, content=body)

    Args:
        event: The vendor's name of the event.
        secret: The shared secret.
        secret_in: Whether the secret is in the header `X-Nexport-Secret` or in the body's field `secret`.
        enrollment_id: The enrollment, left out if None.
        user_id: The user, left out if None.
        assignment_id: The assignment, left out if None.
        subscription_id: The subscription, left out if None.

    Raises:
        ValueError: `secret_in` is neither of the two.
    """
    headers = {"Content-Type": "application/json"}
    ids = {
        "enrollment_id": enrollment_id,
        "user_id": user_id,
        "assignment_id": assignment_id,
        "subscription_id": subscription_id,
    }
    fields = {"event": event, **{name: str(value) for name, value in ids.items() if value is not None}}
    if secret_in == "header":
        headers["X-Nexport-Secret"] = secret
    elif secret_in == "body":
        fields["secret"] = secret
    else:
        raise ValueError("secret_in: 'header' or 'body'")
    return headers, json.dumps(fields).encode()
