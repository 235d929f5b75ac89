"""The version of the distribution, and the message that names its extras.

pyproject.toml and the changelog's test read the version from here.
"""

__all__ = ["USER_AGENT", "__version__", "describe_missing_extra"]

__version__ = "0.1.0"
USER_AGENT = f"nexport-campus/{__version__}"


def describe_missing_extra(what: str, extra: str) -> str:
    """Return the message that `what`, a module or a setting, needs an extra of this package."""
    return f'{what} needs: pip install "nexport-campus[{extra}]"'
