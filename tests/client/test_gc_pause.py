"""Garbage collection is paused while a page is decoded, and afterwards restored."""

import gc
from collections.abc import Iterator

import pytest

from nexport_campus import NexportCampus, ResponseDecodeError
from nexport_campus._decoding.gc_pause import gc_paused
from tests.support.clients import campus_with
from tests.support.scripted_server import error_entity, json_response
from tests.support.spec import SOME_ID


@pytest.fixture(autouse=True)
def collection_enabled() -> Iterator[None]:
    """Enable collection before and after each test."""
    assert gc.isenabled()
    yield
    gc.enable()


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_collection_is_restored_after_an_error(error: type[BaseException]) -> None:
    """The block's exception is raised, and collection is enabled again."""
    with pytest.raises(error), gc_paused():
        raise error if not gc.isenabled() else AssertionError
    assert gc.isenabled()


def test_nested_blocks() -> None:
    """The outermost block restores collection; if the program disabled it, it stays disabled."""
    with gc_paused():
        with gc_paused():
            pass
        assert not gc.isenabled()
    assert gc.isenabled()
    gc.disable()
    with gc_paused():
        pass
    assert not gc.isenabled()


@pytest.mark.parametrize("organizations", [1, 2000], ids=["small", "large"])
async def test_a_call_leaves_collection_enabled(organizations: int) -> None:
    """A list of any size and an unreadable one leave collection enabled."""
    record = {"org_id": SOME_ID, "name": "A", "short_name": "a"} | error_entity()

    async def total(campus: NexportCampus) -> int:
        return len((await campus.learning.get_organizations(org_id=SOME_ID)).items)

    good, broken = [record] * organizations, [record] * organizations + [None]
    async with campus_with(json_response(good), json_response(broken)) as (campus, _):
        with pytest.warns(DeprecationWarning, match="obsolete"):
            assert await total(campus) == organizations
        assert gc.isenabled()
        with (
            pytest.raises(ResponseDecodeError, match=r"\[\d+\]"),
            pytest.warns(DeprecationWarning, match="obsolete"),
        ):
            await total(campus)
        assert gc.isenabled()
