"""The one message about optional dependencies that aren't installed."""

__all__ = ["missing_extra"]


def missing_extra(what: str, extra: str) -> str:
    """Return the message that `what`, a module or a setting, needs an extra of this package."""
    return f'{what} needs: pip install "nexport-campus[{extra}]"'
