"""The vendor's models and enums, under the vendor's names; each is imported when it is first used."""

from typing import TYPE_CHECKING

import nexport_client.models as _models

if TYPE_CHECKING:
    from nexport_client.models import *  # noqa: F403 -- every name of the vendor's, for editors and type checkers

__all__ = _models.__all__


def __getattr__(name: str) -> object:
    return getattr(_models, name)


def __dir__() -> list[str]:
    return dir(_models)
