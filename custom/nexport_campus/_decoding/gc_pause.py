"""Keeps the garbage collector from looking through a page of models while it is being made."""

import gc

__all__ = ["gc_paused"]


class gc_paused:
    """Collects no garbage in its block, which must not suspend; nothing changes where collection is off already.

    A page of a thousand records is some ten thousand objects, none of them garbage yet. Looking through them while they
    are made takes a fifth of the time, and moves them on towards the oldest generation, so that a walk through many
    pages sets off full collections, which hold the loop longer than reading a page does. Paused, a page is looked
    through once at most, after it was made, and one that is dropped at once never.
    """

    __slots__ = ("_was_enabled",)

    def __enter__(self) -> None:
        self._was_enabled = gc.isenabled()
        gc.disable()

    def __exit__(self, *_: object) -> None:
        if self._was_enabled:
            gc.enable()
