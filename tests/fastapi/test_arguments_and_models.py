"""Importing the FastAPI integration changes nothing outside it."""

from collections.abc import Mapping

import pytest

import nexport_campus.fastapi  # noqa: F401 -- its import must have no effect elsewhere
from nexport_campus import ArgumentError, NexportCampus, StaticToken
from nexport_campus.models import CmiField


def test_models_are_not_mappings() -> None:
    """Importing the integration doesn't register models as mappings."""
    assert not issubclass(CmiField, Mapping)
    assert not isinstance(CmiField(cmi_element_name="cmi.core.exit"), Mapping)


async def test_a_model_as_mapping_is_refused() -> None:
    """A model given for a mapping of strings is refused with the argument's name."""
    wrong: dict[str, str] = CmiField(cmi_element_name="cmi.core.exit")  # type: ignore[assignment]  # wrong on purpose
    async with NexportCampus(StaticToken("5eed0000-0000-4000-8000-00000000c0de")) as campus:
        with pytest.raises(ArgumentError) as caught:
            await campus.learning.set_custom_enrollment_field_values(
                enrollment_id="12345678-1234-5678-9abc-123456789abc", custom_enrollment_field_values=wrong
            )
    assert caught.value.argument == "custom_enrollment_field_values"
