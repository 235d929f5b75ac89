"""Setting custom profile fields (AdminApi)."""

import uuid

import pytest

from nexport_campus.sandbox import Samples, Sandbox
from tests.sandbox.http_api import HttpApi

SET = "AdminApi_SetCustomProfileFieldValues"
VALUES = {
    "license_number": "L-1",
    "license_valid_until": "12/31/2027 00:00:00",
    "newsletter": "True",
    "trades": "carpenter, welder",
}


async def test_values_are_set(api: HttpApi, sandbox: Sandbox, samples: Samples) -> None:
    """Values in the formats of the vendor's own client are accepted, without a message."""
    body = {"subscriber_id": samples.subscription_id, "custom_profile_field_values": VALUES}
    assert (await api.get(SET, body))["message"] is None
    assert [change.id for change in (await sandbox.books()).changes] == [samples.subscription_id]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("shoe_size", "45"),
        ("license_valid_until", "2027-12-31"),
        ("newsletter", "maybe"),
        ("trades", "carpenter, pilot"),
    ],
)
async def test_a_wrong_value_has_a_message(
    api: HttpApi, sandbox: Sandbox, samples: Samples, key: str, value: str
) -> None:
    """An unknown key or a wrong value is 200 with code 0 and a message, and sets nothing."""
    values = {"license_number": "L-2", key: value}
    found = await api.get(
        SET, {"subscriber_id": samples.subscription_id, "custom_profile_field_values": values}
    )
    assert key in found["message"]
    assert (await sandbox.books()).changes == ()


async def test_refused_profile_fields(api: HttpApi, viewer: HttpApi, samples: Samples) -> None:
    """The subscription and the values are required, and so is the permission."""
    body = {"subscriber_id": samples.subscription_id, "custom_profile_field_values": VALUES}
    assert await api.refusal(SET, body | {"subscriber_id": str(uuid.uuid4())}) == (409, 6)
    assert await api.refusal(SET, body | {"custom_profile_field_values": None}) == (422, 2)
    assert await viewer.refusal(SET, body) == (403, 5)
