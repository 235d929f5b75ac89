"""What the FastAPI edge makes of models stays at that edge."""

from collections.abc import Mapping

import pytest

import nexport_campus.fastapi  # noqa: F401 -- what it changes must be seen nowhere else
from nexport_campus import ArgumentError, NexportCampus, StaticToken
from nexport_campus.models import CmiField


def test_a_model_is_no_mapping() -> None:
    """Importing the FastAPI edge doesn't turn models into mappings for the rest of the process."""
    assert not issubclass(CmiField, Mapping)
    assert not isinstance(CmiField(cmi_element_name="cmi.core.exit"), Mapping)


async def test_a_model_is_no_mapping_of_texts() -> None:
    """A model where a mapping of texts is due is refused by name."""
    wrong: dict[str, str] = CmiField(cmi_element_name="cmi.core.exit")  # type: ignore[assignment]  # the very point
    async with NexportCampus(StaticToken("5eed0000-0000-4000-8000-00000000c0de")) as campus:
        with pytest.raises(ArgumentError) as caught:
            await campus.learning.set_custom_enrollment_field_values(
                enrollment_id="12345678-1234-5678-9abc-123456789abc", custom_enrollment_field_values=wrong
            )
    assert caught.value.argument == "custom_enrollment_field_values"
