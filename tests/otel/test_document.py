"""The tracing page matches the code."""

import inspect
import re
from pathlib import Path

from nexport_campus._calling import spans as _spans

PAGE = Path(__file__).parents[2] / "docs" / "tracing.md"
ATTRIBUTE = r"(?:error|http|nexport|server|url)\.[a-z_.]+"


def test_every_attribute_is_documented() -> None:
    """The table on the page names each attribute that a span may have, and no other."""
    table = re.findall(r"^\| (`.*?) \|", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    documented = re.findall(rf"`({ATTRIBUTE})`", " ".join(table))
    written = re.findall(rf'"({ATTRIBUTE})"', inspect.getsource(_spans))
    assert "http.request.method" in written
    assert set(documented) == set(written)
