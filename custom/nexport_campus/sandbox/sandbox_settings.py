"""Settings of a sandbox and their defaults. The parent process sends them to the server process."""

from __future__ import annotations

import dataclasses
import json
from typing import Any, Final

__all__ = ["DEFAULTS", "FOREGROUND_PORT", "SandboxSettings"]

FOREGROUND_PORT: Final = 8010
"""The default port of a sandbox on the command line; `Sandbox` takes a free one."""

_MOST_ENROLLMENTS = 20_000_000
_TOKEN_STATUSES = (200, 401, 403)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SandboxSettings:
    """Validated settings of a campus and its server: the arguments of `Sandbox`.

    Raises ValueError for an invalid setting.
    """

    seed: int = 7
    enrollments: int = 5000
    host: str = "127.0.0.1"
    port: int = 0
    token_lifetime: float = 3600.0
    refused_token_status: int = 403
    strict: bool = False
    database: str | None = None
    control_key: str = dataclasses.field(default="", repr=False)

    def __post_init__(self) -> None:
        if self.enrollments < 500:
            raise ValueError("enrollments: at least 500 are needed for a campus with every kind of record")
        if self.enrollments > _MOST_ENROLLMENTS:
            raise ValueError(f"enrollments: at most {_MOST_ENROLLMENTS}")
        if self.token_lifetime <= 0:
            raise ValueError("token_lifetime: must be more than 0 seconds")
        if self.refused_token_status not in _TOKEN_STATUSES:
            raise ValueError(f"refused_token_status: one of {_TOKEN_STATUSES}")

    def to_json(self) -> str:
        """Return the settings as one line of JSON."""
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, text: str) -> SandboxSettings:
        """Return the settings from the JSON of `to_json`."""
        return cls(**json.loads(text))


DEFAULTS: Final[dict[str, Any]] = {field.name: field.default for field in dataclasses.fields(SandboxSettings)}
"""The default of each setting."""
