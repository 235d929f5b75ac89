"""Errors of an export. Their messages name the options of the command line, or the arguments of `export_records`."""

import string
from collections.abc import Mapping
from typing import Final

from nexport_campus._errors import ConfigurationError, ExportError, NexportError

__all__ = ["OPTIONS", "OptionError", "OptionNamingError", "TargetChangedError", "TargetError"]

_ARGUMENTS: Final[Mapping[str, str]] = {
    "dataset": "dataset",
    "scorm_data": "scorm_data",
    "org_ids": "org_ids",
    "user_ids": "user_ids",
    "enrollment_ids": "enrollment_ids",
    "syllabus_ids": "syllabus_ids",
    "since": "since",
    "since_last": 'since="last"',
    "until": "until",
    "overlap": "overlap",
    "elements": "elements",
    "to": "to",
    "to_stream": "to",
    "or_to_stream": "or to a binary stream",
    "pass_stream": "pass a binary stream, such as sys.stdout.buffer",
    "target": "target",
    "format": "format",
    "labels": "labels",
    "keep_state": "keep_state=False",
    "restart": "restart=True",
    "force": "force=True",
    "arguments": "arguments",
    "run_again": "call export_records again",
}
OPTIONS: Final[Mapping[str, str]] = {
    **{name: f"--{name.replace('_', '-')}" for name in _ARGUMENTS},
    "dataset": "the kind",
    "scorm_data": "scorm-data",
    "org_ids": "--org",
    "user_ids": "--user",
    "enrollment_ids": "--enrollment",
    "syllabus_ids": "--syllabus",
    "since_last": "--since last",
    "elements": "--element",
    "to_stream": "--to -",
    "or_to_stream": "or with --to - to standard output",
    "pass_stream": "use --to - for standard output",
    "target": "--to",
    "keep_state": "--no-state",
    "arguments": "options",
    "run_again": "run the same command again",
}
"""How the command line names what `_ARGUMENTS` has for Python."""


class OptionNamingError(NexportError):
    """An error whose message names options of an export: as the command line does, until `name_arguments` is called.

    Args:
        template: The message as a format string. It names options by the keys of `OPTIONS`: "{to} is needed".
        values: The other values of the template, which keep what looks like an option: "my --to.csv".
    """

    def __init__(self, template: str, **values: object) -> None:
        self._template = template
        self._values = {name: str(value) for name, value in values.items()}
        super().__init__(self._render(OPTIONS))

    @property
    def argument(self) -> str | None:
        """The argument that the message names first."""
        fields = (field for _, field, _, _ in string.Formatter().parse(self._template))
        return next(
            (_ARGUMENTS[field].partition("=")[0] for field in fields if field and field in _ARGUMENTS), None
        )

    def name_arguments(self) -> None:
        """Name arguments of Python in the message instead of options."""
        self.message = self._render(_ARGUMENTS)
        self.args = (self.message,)

    def _render(self, names: Mapping[str, str]) -> str:
        return self._template.format_map({**names, **self._values})


class OptionError(OptionNamingError, ConfigurationError):
    """The options of an export are invalid or contradict each other; nothing was sent and nothing was written."""


class TargetError(OptionNamingError, ExportError, ConfigurationError):
    """The target can't be used as requested; nothing was sent and nothing was written."""


class TargetChangedError(OptionNamingError, ExportError):
    """Another program changed the target while the export ran. The same export resumes."""
