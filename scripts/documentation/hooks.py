"""What MkDocs calls while it builds the site: adds the reference, links and includes, and removes what only tests read."""

import sys
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

# MkDocs loads this file by its path, and would not find its neighbours.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from documentation import page_tables, reference
from documentation.fences import without_hidden
from documentation.includes import with_includes

__all__ = ["on_config", "on_files", "on_page_markdown"]

_ROOT = Path(__file__).resolve().parents[2]


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put the reference into the navigation, where mkdocs.yml has a section without pages for it."""
    for section in config.nav or []:
        if isinstance(section, dict) and "Reference" in section:
            section["Reference"] = [{page.title: page.path} for page in reference.pages()]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages of the reference."""
    for page in reference.pages():
        files.append(File.generated(config, page.path, content=page.text))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Show the files that the page links to, add links to its tables, and remove code that only the tests run."""
    return with_includes(page_tables.with_links(without_hidden(markdown)), _ROOT)
