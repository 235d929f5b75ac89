"""Hand-written code that uses what breaks is named."""

from pathlib import Path

from pipeline.changes import Change
from pipeline.uses import uses_of_breaks


def test_files_that_use_what_breaks_are_named(tmp_path: Path) -> None:
    """By operationId, by method or by model; harmless changes and the pipeline's own tests don't count."""
    files = {
        "custom/nexport_campus/sandbox.py": '"AdminApi_GetUser"',
        "docs/users.md": "await campus.admin.get_user(user_id=ID)",
        "tests/test_users.py": "from nexport_campus.models import GetUserResponse",
        "tests/test_others.py": "GetUserResponseItem, campus.admin.get_users(), AdminApi_GetUsers, LearningApi_GetSection",
        "tests/pipeline/test_run.py": "AdminApi_GetUser",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    changes = [
        Change("spec", "AdminApi_GetUser(user_id)", "removed", "", breaks=True),
        Change("spec", "GetUserResponse.name", "changed", "is int, was str", breaks=True),
        Change("spec", "LearningApi_GetSection", "changed", "its documentation", breaks=False),
    ]
    assert uses_of_breaks(tmp_path, changes) == [
        "custom/nexport_campus/sandbox.py uses AdminApi_GetUser, which a break concerns: adapt it",
        "tests/test_users.py uses GetUserResponse, which a break concerns: adapt it",
        "docs/users.md uses AdminApi_GetUser, which a break concerns: adapt it",
    ]
    assert uses_of_breaks(tmp_path, changes[2:]) == []
