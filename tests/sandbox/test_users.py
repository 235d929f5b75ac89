"""Users, their contact information and their subscriptions (AdminApi)."""

import uuid

import pytest

from nexport_campus.sandbox import Samples
from tests.sandbox.http_api import HttpApi

GET_USER = "AdminApi_GetUser"
CONTACT = "AdminApi_GetUserContactInformation"
SUBSCRIPTION = "AdminApi_GetSubscription"
SUBSCRIPTIONS = "AdminApi_GetSubscriptions"
NOTHING = str(uuid.uuid4())


async def test_a_user_has_name_email_and_organization(api: HttpApi, samples: Samples) -> None:
    """A user has a name, an email address and an owner organization; what is not set is left out."""
    user = await api.get(GET_USER, user_id=samples.user_id)
    assert user["user_id"] == samples.user_id
    assert user["owner_org_id"] == samples.org_id
    assert user["owner_org_short_name"] == "boston"
    assert user["email"].startswith(f"{user['first_name']}.{user['last_name']}".lower())
    assert "middle_name" not in user
    other = await api.get(GET_USER, user_id=samples.finished_user_id)
    assert other["email"] != user["email"]


async def test_the_contact_information_of_a_user(api: HttpApi, samples: Samples) -> None:
    """The contact information has everything but the street: the names of its two lines are not public."""
    contact = await api.get(CONTACT, user_id=samples.user_id)
    assert set(contact) == {"city", "state", "country", "postal_code", "phone", "fax", "api_error_entity"}
    assert (contact["city"], contact["fax"]) == ("Boston", None)


@pytest.mark.parametrize("operation", [GET_USER, CONTACT, SUBSCRIPTIONS])
async def test_unknown_users(api: HttpApi, operation: str) -> None:
    """An unknown user is 409 with code 3; a missing or malformed id is 422."""
    assert await api.refusal(operation, user_id=NOTHING) == (409, 3)
    assert await api.refusal(operation) == (422, 2)
    assert await api.refusal(operation, user_id="ada") == (422, 2)


async def test_who_may_view_users(
    viewer: HttpApi, registrar: HttpApi, instructor: HttpApi, samples: Samples
) -> None:
    """Each view needs its own permission in the user's owner organization or above it."""
    await viewer.get(GET_USER, user_id=samples.user_id)
    await registrar.get(GET_USER, user_id=samples.user_id)
    assert await instructor.refusal(GET_USER, user_id=samples.user_id) == (403, 5)
    for operation in (CONTACT, SUBSCRIPTIONS):
        assert await viewer.refusal(operation, user_id=samples.user_id) == (403, 5)


async def test_a_user_has_a_subscription_per_organization(api: HttpApi, samples: Samples) -> None:
    """A user has one subscription for each organization, and the list has the paging headers."""
    one = await api.get(SUBSCRIPTION, user_id=samples.user_id, org_id=samples.org_id)
    response = await api.call(SUBSCRIPTIONS, user_id=samples.user_id)
    subscriptions = [each["subscription_id"] for each in response.json()]
    assert one["subscription_id"] in subscriptions
    assert response.headers["x-total-count"] == str(len(subscriptions)) == "2"
    page = await api.get(SUBSCRIPTIONS, user_id=samples.user_id, page=2, per_page=1)
    assert [each["subscription_id"] for each in page] == subscriptions[1:]
    assert await api.get(SUBSCRIPTIONS, user_id=samples.user_id, page=9) == []


async def test_a_missing_subscription(api: HttpApi, viewer: HttpApi, samples: Samples) -> None:
    """A user who is not subscribed in an organization is 409 with code 6."""
    elsewhere = {"user_id": samples.user_id, "org_id": samples.root_org_id}
    assert await api.refusal(SUBSCRIPTION, **elsewhere) == (409, 6)
    assert await api.refusal(SUBSCRIPTION, user_id=samples.user_id, org_id=NOTHING) == (409, 3)
    assert await api.refusal(SUBSCRIPTION, user_id=samples.user_id) == (422, 2)
    assert await viewer.refusal(SUBSCRIPTION, **elsewhere) == (403, 5)


async def test_organizations_of_admin_api(api: HttpApi, samples: Samples) -> None:
    """AdminApi's GetOrganizations returns what the obsolete operation does, with the paging headers."""
    query = {"org_id": samples.root_org_id, "per_page": 5}
    response = await api.call("AdminApi_GetOrganizations", **query, page=2)
    assert response.json() == await api.get("LearningApi_GetOrganizations", **query, page=2)
    assert response.headers["x-total-count"] == str(len(samples.org_ids))
    assert await api.refusal("AdminApi_GetOrganizations") == (422, 2)


async def test_creating_users_is_not_modeled(api: HttpApi) -> None:
    """Operations whose arguments are not public respond with 501 and say so."""
    for operation, body in (
        ("CreateUser", {}),
        ("EditUser", {}),
        ("GetUsers", None),
        ("AuthenticateUser", {}),
    ):
        response = await api.call(f"AdminApi_{operation}", body)
        assert response.status_code == 501
        assert "does not model" in response.json()["message"]
