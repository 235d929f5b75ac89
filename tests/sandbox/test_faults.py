"""Scripted faults and the request log."""

import asyncio
import time

import httpx
import pytest

from nexport_campus.sandbox import Change, Samples, Sandbox
from tests.sandbox.http_api import HttpApi

SECTION = "LearningApi_GetSection"
CREATE = "LearningApi_CreateEnrollment"


def enrollment(samples: Samples) -> dict[str, object]:
    """Return a request that CreateEnrollment accepts once."""
    body = {"org_id": samples.org_id, "user_id": samples.user_id, "syllabus_id": samples.section_id}
    return {**body, "membership_group_ids": []}


async def statuses(api: HttpApi, samples: Samples, count: int) -> list[int]:
    """Return the statuses of `count` sequential calls."""
    return [(await api.call(SECTION, syllabus_id=samples.section_id)).status_code for _ in range(count)]


async def test_the_nth_call_fails(api: HttpApi, sandbox: Sandbox, samples: Samples) -> None:
    """A fault for the nth call of an operation affects only that call."""
    await sandbox.faults.add(operation=SECTION, status=503, nth=2, headers={"Retry-After": "1"})
    await api.get("LearningApi_GetCatalog", catalog_id=samples.catalog_id)
    responses = [await api.call(SECTION, syllabus_id=samples.section_id) for _ in range(3)]
    assert [response.status_code for response in responses] == [200, 503, 200]
    assert responses[1].headers["retry-after"] == "1"


async def test_a_rate_is_seeded(api: HttpApi, sandbox: Sandbox, samples: Samples) -> None:
    """With a rate, the same calls fail in every run with the same seed."""
    await sandbox.faults.add(operation=SECTION, status=500, rate=0.4)
    first = await statuses(api, samples, 30)
    assert 3 < first.count(500) < 27
    await sandbox.reset()
    again = await api.log_in(sandbox.accounts["administrator"])
    await sandbox.faults.add(operation=SECTION, status=500, rate=0.4)
    assert await statuses(again, samples, 30) == first


async def test_a_fault_with_a_count(api: HttpApi, sandbox: Sandbox, samples: Samples) -> None:
    """`times` limits a fault, and `clear` removes all faults."""
    await sandbox.faults.add(status=500, times=2)
    assert await statuses(api, samples, 4) == [500, 500, 200, 200]
    await sandbox.faults.add(status=500)
    assert await statuses(api, samples, 1) == [500]
    await sandbox.faults.clear()
    assert await statuses(api, samples, 1) == [200]


@pytest.mark.parametrize(("when", "second"), [("before", 200), ("after", 409)])
async def test_a_failure_before_or_after_the_change(
    api: HttpApi, sandbox: Sandbox, samples: Samples, when: str, second: int
) -> None:
    """A failing response doesn't show whether the enrollment was created; the log does."""
    await sandbox.faults.add(operation=CREATE, status=500, nth=1, when=when)  # type: ignore[arg-type]  # parametrized
    first = await api.call(CREATE, enrollment(samples))
    assert first.status_code == 500
    entry = (await sandbox.books()).entries[-1]
    assert (entry.operation, entry.status, entry.fault, entry.changed) == (CREATE, 500, 1, when == "after")
    assert (await api.call(CREATE, enrollment(samples))).status_code == second


@pytest.mark.parametrize(("when", "second"), [("before", 200), ("after", 409)])
async def test_a_reset_before_or_after_the_change(
    api: HttpApi, sandbox: Sandbox, samples: Samples, when: str, second: int
) -> None:
    """The connection is reset, the log has status 0, and the change is applied or not as scripted."""
    await sandbox.faults.add(operation=CREATE, reset=True, nth=1, when=when)  # type: ignore[arg-type]  # parametrized
    with pytest.raises(httpx.ReadError):
        await api.call(CREATE, enrollment(samples))
    entry = (await sandbox.books()).entries[-1]
    assert (entry.status, entry.changed) == (0, when == "after")
    assert (await api.call(CREATE, enrollment(samples))).status_code == second


async def test_a_truncated_response(api: HttpApi, sandbox: Sandbox, samples: Samples) -> None:
    """A truncated response announces its full length and ends early; the operation was carried out."""
    await sandbox.faults.add(operation=CREATE, cut=10, nth=1)
    with pytest.raises(httpx.RemoteProtocolError):
        await api.call(CREATE, enrollment(samples))
    assert (await api.call(CREATE, enrollment(samples))).status_code == 409


async def test_a_gateway_page(api: HttpApi, sandbox: Sandbox, samples: Samples) -> None:
    """An HTML response has status 502 by default."""
    await sandbox.faults.add(operation=SECTION, html=True, nth=1)
    await sandbox.faults.add(operation=SECTION, html=True, status=200, nth=2)
    for status in (502, 200):
        response = await api.call(SECTION, syllabus_id=samples.section_id)
        assert response.status_code == status
        assert response.headers["content-type"].startswith("text/html")
        assert "<html>" in response.text


async def test_a_custom_body(api: HttpApi, sandbox: Sandbox, samples: Samples) -> None:
    """A body is sent unchanged, by default as JSON with status 200."""
    await sandbox.faults.add(operation=SECTION, body='{"api_error_entity": {"error_code": 1}}', times=1)
    response = await api.call(SECTION, syllabus_id=samples.section_id)
    assert (response.status_code, response.json()) == (200, {"api_error_entity": {"error_code": 1}})


async def test_headers_are_added_to_a_delayed_response(
    api: HttpApi, sandbox: Sandbox, samples: Samples
) -> None:
    """With a delay, the sandbox's own response arrives late and with the added headers."""
    await sandbox.faults.add(operation=SECTION, delay=0.05, headers={"X-Proxy": "slow"})
    began = time.perf_counter()
    response = await api.call(SECTION, syllabus_id=samples.section_id)
    assert time.perf_counter() - began >= 0.05
    assert response.headers["x-proxy"] == "slow"
    assert response.json()["syllabus_id"] == samples.section_id


async def test_headers_need_no_other_effect(api: HttpApi, sandbox: Sandbox, samples: Samples) -> None:
    """A fault may only add headers."""
    await sandbox.faults.add(operation=SECTION, headers={"X-Proxy": "here"}, times=1)
    responses = [await api.call(SECTION, syllabus_id=samples.section_id) for _ in range(2)]
    assert [response.headers.get("x-proxy") for response in responses] == ["here", None]
    assert [response.status_code for response in responses] == [200, 200]


async def test_a_token_that_expires_during_a_call(api: HttpApi, sandbox: Sandbox, samples: Samples) -> None:
    """The token of the call is expired from then on; other tokens are not affected."""
    other = await api.log_in(sandbox.accounts["administrator"])
    await sandbox.faults.add(operation=SECTION, expire_token=True, nth=2)
    assert await statuses(api, samples, 3) == [200, 403, 403]
    assert await statuses(other, samples, 1) == [200]


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"nth": 1},
        {"status": 500, "nth": 1, "rate": 0.5},
        {"reset": True, "status": 500},
        {"reset": True, "cut": 1},
        {"status": 500, "rate": 1.5},
        {"status": 500, "when": "during"},
        {"status": 500, "nth": 0},
        {"status": 500, "operation": "LearningApi_GetNothing"},
    ],
    ids=str,
)
async def test_contradictory_faults_are_refused(sandbox: Sandbox, arguments: dict[str, object]) -> None:
    """A fault without an effect, or with effects that exclude each other, is a ValueError."""
    with pytest.raises(ValueError, match=r"."):
        await sandbox.faults.add(**arguments)  # type: ignore[arg-type]  # parametrized


async def test_the_log_names_requests_and_changes(api: HttpApi, sandbox: Sandbox, samples: Samples) -> None:
    """The log has every request in order, its query without the token, and its change."""
    before = await sandbox.books()
    assert before.counts == {"AdminApi_Authenticate": 1}
    await api.call(SECTION, syllabus_id=samples.section_id)
    await api.call(SECTION)
    made = (await api.get(CREATE, enrollment(samples)))["enrollment_id"]
    books = await sandbox.books(since=before.last)
    assert [(each.operation, each.status) for each in books.entries] == [
        (SECTION, 200),
        (SECTION, 422),
        (CREATE, 200),
    ]
    assert books.entries[0].query == {"syllabus_id": samples.section_id}
    assert books.changes == (Change("enrollment created", made),)
    assert books.counts == {"AdminApi_Authenticate": 1, SECTION: 2, CREATE: 1}
    assert str(api.token) not in repr(books)


async def test_the_peak_of_requests_in_flight(api: HttpApi, sandbox: Sandbox, samples: Samples) -> None:
    """The log has the largest number of concurrent requests."""
    await sandbox.faults.add(operation=SECTION, delay=1.0)  # so that all of them overlap on a busy machine
    await asyncio.gather(*(api.call(SECTION, syllabus_id=samples.section_id) for _ in range(5)))
    assert (await sandbox.books()).peak_in_flight == 5
