"""Hooks that MkDocs calls while it builds the site.

They add the reference, the links in tables and the included files, and remove what only the tests need.
"""

import re
import sys
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

# MkDocs loads this file by its path, so that its package isn't importable.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from documentation import page_tables, reference
from documentation.fences import remove_hidden
from documentation.includes import insert_includes

__all__ = ["on_config", "on_files", "on_page_content", "on_page_markdown"]

_ROOT = Path(__file__).resolve().parents[2]
_CELL_CODE = re.compile(r"(?<=<code>)[^<]+(?=</code>)")
_LAST_CELL = re.compile(r"<td(?:(?!<td).)*?</td>(?=\s*</tr>)", re.DOTALL)


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Add the pages of the reference to its section of the navigation, which mkdocs.yml leaves empty."""
    for section in config.nav or []:
        if isinstance(section, dict) and "Reference" in section:
            section["Reference"] = [{page.title: page.path} for page in reference.make_pages()]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages of the reference."""
    for page in reference.make_pages():
        files.append(File.generated(config, page.path, content=page.text))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Include the files that the page links to, add links to its tables, and remove code that only the tests run."""
    return insert_includes(page_tables.add_links(remove_hidden(markdown)), _ROOT)


def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Let long names in the last column of a table break between their words instead of within them."""
    return _LAST_CELL.sub(lambda cell: _CELL_CODE.sub(_add_breaks, cell[0]), html)


def _add_breaks(name: re.Match[str]) -> str:
    return re.sub(r"(?<=[_/:.])(?=\w)", "<wbr>", name[0])
