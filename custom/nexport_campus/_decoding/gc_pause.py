"""A pause of the garbage collector while a page of models is created."""

import gc

__all__ = ["gc_paused"]


class gc_paused:  # noqa: N801 -- used like a function, as contextlib.suppress is
    """Context manager that disables garbage collection for a block that must not suspend.

    No effect if it is already off.

    A page of a thousand records has some ten thousand objects, none of them garbage yet. Scanning them while they are
    created takes a fifth of the time and promotes them towards the oldest generation, so that iterating over many pages
    triggers full collections, which block the loop longer than decoding a page. With the pause, a page is scanned at
    most once, after it was created, and never if it is dropped right away.
    """

    __slots__ = ("_was_enabled",)

    def __enter__(self) -> None:
        self._was_enabled = gc.isenabled()
        gc.disable()

    def __exit__(self, *_: object) -> None:
        if self._was_enabled:
            gc.enable()
