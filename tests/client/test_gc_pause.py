"""No garbage is collected while a page is being made, and afterwards as before."""

import gc
from collections.abc import Iterator

import pytest

from nexport_campus import NexportCampus, ResponseDecodeError
from nexport_campus._decoding.gc_pause import gc_paused
from tests.support.clients import campus_with
from tests.support.scripted_server import error_entity, json_response
from tests.support.spec import SOME_ID


@pytest.fixture(autouse=True)
def collecting() -> Iterator[None]:
    """Collection is on before each test and after it."""
    assert gc.isenabled()
    yield
    gc.enable()


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_it_is_on_again_after_an_error(error: type[BaseException]) -> None:
    """What the block raises passes through, and collection goes on."""
    with pytest.raises(error), gc_paused():
        raise error if not gc.isenabled() else AssertionError
    assert gc.isenabled()


def test_a_block_within_another_ends_nothing() -> None:
    """The outermost block decides, and a program that collects nothing by itself stays so."""
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
async def test_a_call_leaves_it_on(organizations: int) -> None:
    """A list of any size, and one that can't be read, leave collection as it was."""
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
