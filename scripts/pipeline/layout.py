"""Where the pipeline's files are."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Layout:
    """The places of one repository; relative ones, in messages, are relative to its root."""

    root: Path

    FRAGMENTS = "openapi/fragments"
    PROVISIONAL = "openapi/provisional"
    OVERLAY = "openapi/overlay.yaml"
    MERGED = "openapi/nexport.json"
    SDK = "openapi/nexport.sdk.json"
    CLIENT = "nexport_client"
    README = "README.md"
    RETRIES = "docs/retries.md"
    CHANGELOG = "CHANGELOG.md"
    VERSION = "custom/nexport_campus/_version.py"

    @property
    def config(self) -> Path:
        """The generator's settings."""
        return self.root / "generator-config.yaml"

    @property
    def rules(self) -> Path:
        """Where ruff's settings are."""
        return self.root / "pyproject.toml"

    @property
    def templates(self) -> Path:
        """The generator's templates that we replace, and our own beside them."""
        return self.root / "openapi/templates"

    @property
    def originals(self) -> Path:
        """The hashes of the stock templates behind ours."""
        return self.templates / "ORIGINALS.sha256"
