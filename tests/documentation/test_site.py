"""The site builds without a warning, is complete, and loads nothing from other hosts."""

import posixpath
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import attrs
import pytest
from documentation.fences import remove_hidden

import nexport_campus
from nexport_campus import models
from tests.support.spec import OPERATIONS, SpecOperation

ROOT = Path(__file__).parents[2]
LOADS = {("img", "src"), ("link", "href"), ("script", "src"), ("source", "src"), ("iframe", "src")}
# The vendor's codes and HTTP statuses of each class, repeated here so that a change is noticed.
SIGNS = {
    "APIError": "any other",
    "AuthenticationError": "code 4, HTTP 401",
    "PermissionDeniedError": "code 5",
    "NotFoundError": "code 3",
    "SubscriptionNotFoundError": "code 6",
    "InvalidRequestError": "code 2",
    "EnrollmentAlreadyExistsError": "code 7",
    "SubscriptionAlreadyExistsError": "code 8",
    "RateLimitError": "HTTP 429",
    "ServerError": "code 1, HTTP 5xx",
}


@attrs.define
class HtmlPage(HTMLParser):
    """The ids, links, loaded resources and table rows of a page."""

    ids: set[str] = attrs.field(factory=set, init=False)
    links: set[str] = attrs.field(factory=set, init=False)
    loads: set[str] = attrs.field(factory=set, init=False)
    rows: list[list[str]] = attrs.field(factory=list, init=False)
    _in_cell: bool = attrs.field(default=False, init=False)

    def __attrs_pre_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        for name, value in attributes:
            if value and name == "id":
                self.ids.add(value)
            elif value and (tag, name) in LOADS:
                self.loads.add(value)
            elif value and (tag, name) == ("a", "href"):
                self.links.add(value)
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self._in_cell = True
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th"):
            self._in_cell = False

    def handle_data(self, data: str) -> None:
        if self._in_cell:
            self.rows[-1][-1] += data


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> dict[str, HtmlPage]:
    """Return the pages by path, from a strict build of the repository."""
    folder = tmp_path_factory.mktemp("site").resolve()
    # Not with --quiet: MkDocs then doesn't count warnings, and a strict build passes despite them.
    command = [sys.executable, "-m", "mkdocs", "build", "--site-dir", str(folder)]
    completed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    problems = [line for line in completed.stderr.splitlines() if line.startswith(("WARNING", "ERROR"))]
    assert (completed.returncode, problems) == (0, []), completed.stderr
    pages = {}
    for file in sorted(folder.rglob("*.html")):
        page = HtmlPage()
        page.feed(file.read_text(encoding="utf-8"))
        pages[file.relative_to(folder).as_posix()] = page
    for file in folder.rglob("*.css"):
        assert not re.search(r"(?:url\(|@import )[\"']?(?:https?:)?//", file.read_text(encoding="utf-8")), (
            file
        )
    return pages


def test_nothing_is_loaded_from_other_hosts(site: dict[str, HtmlPage]) -> None:
    """The site can be read without a network, and no other host learns about its readers."""
    assert len(site) > 30
    for path, page in site.items():
        assert not [url for url in page.loads if urlsplit(url).netloc], path
        # The theme's script would fetch the library that draws diagrams.
        assert "__mermaid_0" not in page.ids, path


def test_links_within_the_site_work(site: dict[str, HtmlPage]) -> None:
    """Every link, including generated ones, leads to an existing page and anchor."""
    for path, page in site.items():
        if path == "404.html":  # served at any path, so its links are absolute
            continue
        for link in page.links:
            url = urlsplit(link)
            if url.scheme or url.netloc:
                continue
            name = (
                posixpath.normpath(posixpath.join(posixpath.dirname(path), unquote(url.path)))
                if url.path
                else path
            )
            assert name in site or not name.endswith(".html"), f"{path}: {link}"
            assert not url.fragment or unquote(url.fragment) in site[name].ids, f"{path}: {link}"


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
def test_every_operation_is_in_the_reference(site: dict[str, HtmlPage], operation: SpecOperation) -> None:
    """Each operation of the spec has an anchor with the name that users call."""
    assert f"campus.{operation.area}.{operation.name}" in site[f"reference/{operation.area}.html"].ids


def test_every_public_name_is_in_the_reference(site: dict[str, HtmlPage]) -> None:
    """Each name has an anchor under its import path."""
    anchors = set().union(*(page.ids for page in site.values()))
    public = set(nexport_campus.__all__) - {"Unset", "__version__"}
    assert {f"nexport_campus.{name}" for name in public} <= anchors
    assert {f"nexport_campus.models.{name}" for name in models.__all__} <= anchors


def test_the_table_of_retries(site: dict[str, HtmlPage]) -> None:
    """Each operation has the overlay's mark, and only reads are retried after a lost response."""
    table = site["retries.html"].rows
    rows = {row[0]: row[2] for row in table if "." in row[0]}
    assert len(rows) >= len(OPERATIONS)  # including operations that are not marked yet
    for operation in OPERATIONS:
        assert rows[f"{operation.area}.{operation.name}"] == ("writes" if operation.writes else "reads")
    after = {row[0]: row[1] for row in table if row[0] in ("reads", "writes")}
    assert "no response" in after["reads"]
    assert "503" in after["reads"]
    assert after["writes"] == "no connection, 429"


def test_the_table_of_errors(site: dict[str, HtmlPage]) -> None:
    """The table has every class, with the codes and statuses that lead to it."""
    rows = {row[0]: row[2] for row in site["errors.html"].rows}
    public = [name for name in nexport_campus.__all__ if name.endswith("Error")]
    assert set(public) <= set(rows)
    assert {name: signs for name, signs in rows.items() if name in public and signs} == SIGNS


def test_preparation_of_examples_is_hidden() -> None:
    """The site shows examples without the hidden blocks that prepare them."""
    shown = remove_hidden(
        "a\n<!-- run\nsecret = 1\n-->\nb\n<!-- not run: it would take a day -->\n```python\nc\n```\n"
    )
    assert shown == "a\nb\n```python\nc\n```\n"
