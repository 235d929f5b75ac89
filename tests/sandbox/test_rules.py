"""The table of rules, `docs/sandbox-rules.md`, matches the tests."""

import re
from pathlib import Path

TESTS = Path(__file__).parent
PAGE = TESTS.parents[1] / "docs" / "sandbox-rules.md"


def test_every_test_that_the_page_names_exists() -> None:
    """Each test that a rule names exists under that name."""
    named = re.findall(r"`(test_\w+\.py)::(test_\w+)`", PAGE.read_text(encoding="utf-8"))
    assert len(named) > 60
    for module, name in named:
        assert f"def {name}(" in (TESTS / module).read_text(encoding="utf-8"), f"{module}::{name}"


def test_every_rule_has_a_test() -> None:
    """Every row of the page names a test."""
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    rules = [row for row in rows if not row.startswith(("| Rule", "|---"))]
    assert all("`test_" in row.rstrip("| ").rpartition("|")[2] for row in rules)
