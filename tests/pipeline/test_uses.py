"""Hand-written code that uses what breaks is named, with the lines and what to do."""

from pathlib import Path

from pipeline.changes import Change
from pipeline.spec_changes import RESPELLED
from pipeline.uses import find_code_to_adapt

FILES = {
    "custom/nexport_campus/users.py": "import x\n\nuser = await campus.admin.get_user(user_id=ID)\n",
    "custom/nexport_campus/sandbox.py": '"AdminApi_GetUser"',
    "docs/users.md": "# Users\n\n    await campus.admin.get_user(user_id=ID)\n",
    "docs/table.md": "<!-- table: a -->\n`admin.get_user`\n<!-- end of table -->\n\nA.\n",
    "examples/shop.py": "pos = campus.point_of_sale\nawait pos.pay(\n    amount=1,\n)\nawait pos.pay(total=1)\n",
    "examples/no_shop.py": "pay(amount=1)\nx.pay(amount=2)\n",
    "tests/test_shop.py": "from shop import pay",
    "tests/test_login.py": "method_of(campus, \"AdminApi_LogIn\")(\n    name='a', until=None)\n\nx(until=None)\n",
    "docs/shell.md": "    nexport call admin.log_in --until null --also\n",
    "tests/test_users.py": "from nexport_campus.models import GetUserResponse\n",
    "tests/test_fields.py": "row.last_visit\nrow.title\nPhase.GONE\n",
    "tests/test_titles.py": "x: Section\nx.title\nSection(title=1)\n",
    "tests/test_others.py": "GetUserResponseItem, campus.admin.get_users(), AdminApi_GetUsers, other.get_user()",
    "tests/test_servers.py": "AdminApi_GetUser",
    "tests/test_more_servers.py": "AdminApi_HasGroupPermission and AdminApi_GetUser",
    "tests/pipeline/test_run.py": "AdminApi_GetUser",
}
CHANGES = [
    Change("spec", "AdminApi_GetUser", "removed", "", breaks=False, provisional=True),
    Change("spec", "AdminApi_HasGroupPermission", "removed", "", breaks=True),
    Change("spec", "PointOfSaleApi_Pay(amount)", "removed", "", breaks=True),
    Change("spec", "PointOfSaleApi_Pay(currency)", "added", "required", breaks=True),
    Change("spec", "AdminApi_LogIn(until)", "changed", "null is not sent", breaks=True),
    Change("spec", "GetUserResponse", "removed", "", breaks=True),
    Change("spec", "Row.last_visit", "changed", "is int, was str", breaks=True),
    Change("spec", "Section.title", "removed", "", breaks=True),
    Change("spec", "Phase.GONE", "removed", "", breaks=True),
    Change("python", "nexport_client.api", "removed", "", breaks=True),
]
BLOCK = """To adapt by hand, or scripts/check and scripts/test may fail:
  The package needs it, so adapt this code:
    custom/nexport_campus/users.py:3 uses AdminApi_GetUser, removed
  Adapt the example, or remove it:
    examples/shop.py:3 uses PointOfSaleApi_Pay(amount), removed
    examples/shop.py:2,5 uses PointOfSaleApi_Pay(currency), added: required
      examples/shop.py is used by tests/test_shop.py
  Adapt the text and its code, which the tests run:
    docs/shell.md:1 uses AdminApi_LogIn(until), changed: null is not sent
    docs/users.md:3 uses AdminApi_GetUser, removed
  Adapt the test, or remove it with what it tests:
    tests/test_fields.py:1 uses Row.last_visit, changed: is int, was str
    tests/test_fields.py:3 uses Phase.GONE, removed
    tests/test_login.py:2 uses AdminApi_LogIn(until), changed: null is not sent
    tests/test_titles.py:2,3 uses Section.title, removed
    tests/test_users.py:1 uses GetUserResponse, removed
  Files that only mention what is removed, and may still be right (1 in custom, 2 in tests):
    git grep -nwE 'AdminApi_GetUser|AdminApi_HasGroupPermission' -- 'custom/*.py' 'tests/*.py' ':!tests/pipeline'"""


def test_files_that_use_what_breaks_are_named(tmp_path: Path) -> None:
    """By method, argument, model, field and member; generated tables and the pipeline's own tests don't count."""
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert "\n".join(find_code_to_adapt(tmp_path, CHANGES)) == BLOCK


def test_code_with_an_operation_id_that_is_spelled_differently_is_named(tmp_path: Path) -> None:
    """Calls of the method stay right; what names the operationId doesn't."""
    files = {
        "custom/sandbox.py": '\n@operation("GET", "AdminApi_GetUser")\n',
        "tests/test_method.py": "campus.admin.get_user()",
        "tests/test_users.py": "AdminApi_GetUsers",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    detail = f"operationId is AdminApi_getUser{RESPELLED}"
    change = Change("spec", "AdminApi_GetUser", "changed", detail, breaks=False)
    assert find_code_to_adapt(tmp_path, [change])[1:] == [
        "  The package needs it, so adapt this code:",
        f"    custom/sandbox.py:2 uses AdminApi_GetUser, changed: {detail}",
    ]


def test_harmless_changes_concern_no_code(tmp_path: Path) -> None:
    """Changed descriptions and additions require no work."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/a.md").write_text("campus.learning.get_section, SomeModel", encoding="utf-8")
    changes = [
        Change("spec", "LearningApi_GetSection", "changed", "its documentation", breaks=False),
        Change("spec", "SomeModel", "added", "", breaks=False),
    ]
    assert find_code_to_adapt(tmp_path, changes) == []
