"""The vendor's models and enums, under the vendor's names; each is imported on first use."""

from typing import TYPE_CHECKING

import nexport_client.models as _models

if TYPE_CHECKING:
    from nexport_client.models import *  # noqa: F403 -- all of the vendor's names, for editors and type checkers

__all__ = _models.__all__


def __getattr__(name: str) -> object:
    return getattr(_models, name)


def __dir__() -> list[str]:
    return dir(_models)
