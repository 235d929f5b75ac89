"""The pipeline's exception, and the collection of everything that a run finds wrong."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field

__all__ = ["PipelineError", "Problems", "reporting"]


class PipelineError(Exception):
    """The run stopped and has written nothing; the message names the place and the remedy.

    Attributes:
        area: The area of the API that the problem is in; empty if it is in none, or in several.
        action: The overlay action that would solve the problem, as YAML; empty if there is none.
    """

    def __init__(self, message: str, area: str = "", action: str = "") -> None:
        super().__init__(message)
        self.area = area
        self.action = action


@dataclass
class Problems:
    """All problems of a run, each once, so that one run reports all of them; and notes, which don't stop a run."""

    found: dict[str, PipelineError] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.found)

    def add(self, message: str, area: str = "", action: str = "") -> None:
        """Record a problem, unless the same message has been recorded."""
        self.found.setdefault(message, PipelineError(message, area, action))

    @contextlib.contextmanager
    def collecting(self, area: str = "") -> Iterator[None]:
        """Record the PipelineError that the block raises, and continue after the block."""
        try:
            yield
        except PipelineError as error:
            self.add(str(error), error.area or area, error.action)

    def stop(self) -> None:
        """Raise one PipelineError with all problems, grouped by area, if there are any."""
        if not self.found:
            return
        errors = sorted(self.found.values(), key=lambda error: error.area)
        if len(errors) == 1:
            raise PipelineError("\n".join([str(errors[0]), *_block(errors)]), errors[0].area)
        areas = dict.fromkeys(error.area for error in errors)
        parts = [f"{len(errors)} problems; nothing was written"]
        for area in areas:
            messages = [str(error) for error in errors if error.area == area]
            parts.append(f"{area or 'Whole API'} ({len(messages)}):")
            parts += ["  " + message.replace("\n", "\n    ") for message in messages]
        raise PipelineError("\n".join([*parts, *_block(errors)]))


@contextlib.contextmanager
def reporting(problems: Problems | None) -> Iterator[Problems]:
    """Yield the collection to add problems to: the caller's, or a new one, whose problems are raised at the end."""
    found = Problems() if problems is None else problems
    yield found
    if problems is None:
        found.stop()


def _block(errors: list[PipelineError]) -> list[str]:
    """Return the overlay actions of the problems as one block."""
    actions = list(dict.fromkeys(error.action for error in errors if error.action))
    if not actions:
        return []
    return ["", f"Ready to paste into openapi/overlay.yaml, for {len(actions)} of them:"] + [
        f"\n{action.rstrip()}" for action in actions
    ]
