"""The paths of the pipeline's files."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Layout:
    """The paths in one repository; relative ones are relative to its root."""

    root: Path

    FRAGMENTS = "openapi/fragments"
    PROVISIONAL = "openapi/provisional"
    OVERLAY = "openapi/overlay.yaml"
    MERGED = "openapi/nexport.json"
    SDK = "openapi/nexport.sdk.json"
    CLIENT = "nexport_client"
    README = "README.md"
    RETRIES = "docs/retries.md"
    PROVISIONAL_PAGE = "docs/provisional.md"
    CHANGELOG = "CHANGELOG.md"
    VERSION = "custom/nexport_campus/_version.py"

    @property
    def config(self) -> Path:
        """The settings of openapi-python-client."""
        return self.root / "generator-config.yaml"

    @property
    def rules(self) -> Path:
        """The file with ruff's settings."""
        return self.root / "pyproject.toml"

    @property
    def templates(self) -> Path:
        """The templates that replace the generator's."""
        return self.root / "openapi/templates"

    @property
    def runtime(self) -> Path:
        """The hand-written modules that the client's package has copies of."""
        return self.root / "openapi/runtime"

    @property
    def originals(self) -> Path:
        """The hashes of the stock templates that ours are forked from."""
        return self.templates / "ORIGINALS.sha256"
