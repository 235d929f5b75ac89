"""The version of the distribution; pyproject.toml and the changelog's test read it from here."""

__all__ = ["USER_AGENT", "__version__"]

__version__ = "0.1.0"
USER_AGENT = f"nexport-campus/{__version__}"
