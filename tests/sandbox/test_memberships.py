"""Memberships and permissions in groups (AdminApi)."""

import uuid

from nexport_campus.sandbox import Samples, Sandbox
from tests.sandbox.http_api import HttpApi

REMOVE = "AdminApi_RemoveMembership"
HAS = "AdminApi_HasGroupPermission"
SEARCH = "AdminApi_SearchGroupsForPermission"
AGENT = "Group Purchasing Agent"
NOTHING = str(uuid.uuid4())


async def test_a_removed_membership(api: HttpApi, sandbox: Sandbox, samples: Samples) -> None:
    """A membership is removed once; removing it again removes nothing, without an error."""
    first = await api.get(REMOVE, {"memberships": [samples.membership_id, samples.membership_id]})
    assert first["memberships"] == [{}]
    assert (await api.get(REMOVE, {"memberships": [samples.membership_id]}))["memberships"] == []
    removed = [change for change in (await sandbox.books()).changes if change.what == "membership removed"]
    assert [change.id for change in removed] == [samples.membership_id]


async def test_refused_removals(api: HttpApi, viewer: HttpApi, samples: Samples) -> None:
    """Ids are required, and so is the permission to add memberships."""
    assert await api.refusal(REMOVE, {}) == (422, 2)
    assert await api.refusal(REMOVE, {"memberships": ["x"]}) == (422, 2)
    assert await viewer.refusal(REMOVE, {"memberships": [samples.membership_id]}) == (403, 5)


async def test_permissions_in_a_group(api: HttpApi, samples: Samples) -> None:
    """A permission in an organization holds in its group; a student has none."""
    body = {"group_id": samples.org_id, "permission": AGENT}
    agent = await api.get(HAS, body | {"user_id": samples.administrator_user_id})
    student = await api.get(HAS, body | {"user_id": samples.user_id})
    assert (agent["is_permitted"], student["is_permitted"]) == (True, False)


async def test_groups_with_a_permission(api: HttpApi, samples: Samples) -> None:
    """The groups of an organization and below are listed by name, with paging in the body; none is null."""
    body: dict[str, object] = {"org_id": samples.root_org_id, "permission": AGENT}
    response = await api.call(SEARCH, body | {"user_id": samples.administrator_user_id, "per_page": 5})
    groups = response.json()["groups"]
    assert [group["name"] for group in groups] == sorted(group["name"] for group in groups)
    assert (response.headers["x-total-count"], response.headers["x-per-page"]) == ("14", "5")
    second = {"user_id": samples.administrator_user_id, "per_page": 5, "page": 2}
    more = (await api.get(SEARCH, body | second))["groups"]
    assert len({group["id"] for group in groups + more}) == 10
    asked = {"user_id": samples.administrator_user_id, "permission": AGENT, "group_id": groups[0]["id"]}
    assert (await api.get(HAS, asked))["is_permitted"] is True
    assert (await api.get(SEARCH, body | {"user_id": samples.user_id}))["groups"] is None


async def test_refused_questions_about_permissions(
    api: HttpApi, instructor: HttpApi, samples: Samples
) -> None:
    """Unknown permissions and missing arguments are 422, unknown ids 409, and View Users is required."""
    has = {"user_id": samples.user_id, "group_id": samples.org_id, "permission": AGENT}
    search = {"user_id": samples.user_id, "org_id": samples.org_id, "permission": AGENT}
    for operation, body in ((HAS, has), (SEARCH, search)):
        assert await api.refusal(operation, body | {"permission": "Fly"}) == (422, 2)
        assert await api.refusal(operation, body | {"permission": None}) == (422, 2)
        assert await api.refusal(operation, body | {"user_id": NOTHING}) == (409, 3)
        assert await instructor.refusal(operation, body) == (403, 5)
