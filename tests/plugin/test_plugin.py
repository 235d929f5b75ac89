"""The pytest plugin, as the tests of others use it: each of these runs a pytest within this one."""

import re
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

PAGE = (Path(__file__).parents[2] / "docs" / "testing.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
QUICK = "pytestmark = pytest.mark.nexport_sandbox(enrollments=500)"
WORKS = """
    samples = await nexport_sandbox.samples()
    found = await campus.learning.get_section(syllabus_id=samples.section_id)
    assert str(found.syllabus_id) == samples.section_id
"""


def run(pytester: pytest.Pytester, code: str, *options: str) -> pytest.RunResult:
    """Run a module of tests, with all warnings as errors."""
    pytester.makepyfile(code)
    return start(pytester, *options)


def start(pytester: pytest.Pytester, *options: str) -> pytest.RunResult:
    """Run all modules there are."""
    scope = () if "no:asyncio" in options else ("-o", "asyncio_default_fixture_loop_scope=function")
    return pytester.runpytest_inprocess("-W", "error", "--strict-markers", *scope, *options)


def test_the_page_runs_as_it_stands(pytester: pytest.Pytester) -> None:
    """Every block of docs/testing.md is a module of tests that passes."""
    assert len(BLOCKS) == 6
    pytester.makepyfile(**{f"test_block_{number}": block for number, block in enumerate(BLOCKS)})
    result = start(pytester, "-o", "asyncio_mode=auto")
    result.assert_outcomes(passed=6)


@pytest.mark.parametrize(
    ("marks", "options"),
    [
        (["asyncio", "anyio", "asyncio"], ["-o", "asyncio_mode=strict"]),
        (["anyio", "anyio"], ["-p", "no:asyncio"]),
    ],
    ids=["both", "anyio-alone"],
)
def test_with_each_way_to_run_async_tests(
    pytester: pytest.Pytester, marks: list[str], options: list[str]
) -> None:
    """The fixtures work with pytest-asyncio and with anyio's plugin, one after the other, and leave no warning."""
    backend = "@pytest.fixture\ndef anyio_backend():\n    return 'asyncio'\n"
    tests = "".join(
        f"@pytest.mark.{mark}\nasync def test_{number}(campus, nexport_sandbox):{WORKS}\n"
        for number, mark in enumerate(marks)
    )
    result = run(pytester, f"import pytest\n{QUICK}\n{backend}{tests}", *options)
    result.assert_outcomes(passed=len(marks))


def test_each_test_finds_it_as_new(pytester: pytest.Pytester) -> None:
    """What one test changed, scripted, or moved ahead is not there in the next; one server does, unless the clock moved."""
    result = run(
        pytester,
        f"""
        import pytest
        {QUICK}
        urls, clocks = [], []

        @pytest.mark.parametrize("turn", range(3))
        async def test_enrolls(turn, campus, nexport_sandbox):
            samples = await nexport_sandbox.samples()
            await campus.learning.get_section(syllabus_id=samples.section_id)
            made = await campus.ensure_enrollment(
                org_id=samples.org_id, user_id=samples.user_id, syllabus_id=samples.section_id
            )
            assert made.created
            books = await nexport_sandbox.books()
            assert books.counts["AdminApi_Authenticate"] == 1
            await nexport_sandbox.faults.add(operation="LearningApi_GetSection", status=500)
            if turn == 1:
                await nexport_sandbox.advance(1e6)
            urls.append(nexport_sandbox.url)

        def test_servers():
            assert urls[0] == urls[1] != urls[2]
        """,
        "-o",
        "asyncio_mode=auto",
    )
    result.assert_outcomes(passed=4)


def test_marks_of_module_class_and_test(pytester: pytest.Pytester) -> None:
    """The nearest setting counts, further ones are added; the nearest of two failures that strike is met."""
    result = run(
        pytester,
        """
        import pytest
        from nexport_campus import APIError, ServerError
        pytestmark = [
            pytest.mark.nexport_sandbox(seed=3, enrollments=500),
            pytest.mark.nexport_faults(operation="LearningApi_GetSection", status=404, times=1),
        ]
        passwords = {}

        class TestNested:
            @pytest.mark.nexport_sandbox(seed=4)
            @pytest.mark.nexport_faults(operation="LearningApi_GetSection", status=501, times=1)
            async def test_near(self, campus, nexport_sandbox):
                passwords["near"] = nexport_sandbox.password
                samples = await nexport_sandbox.samples()
                with pytest.raises(ServerError):
                    await campus.learning.get_section(syllabus_id=samples.section_id)

        async def test_far(campus, nexport_sandbox):
            passwords["far"] = nexport_sandbox.password
            samples = await nexport_sandbox.samples()
            with pytest.raises(APIError, match="HTTP 404"):
                await campus.learning.get_section(syllabus_id=samples.section_id)
            await campus.learning.get_section(syllabus_id=samples.section_id)

        def test_seeds():
            assert passwords["near"] != passwords["far"]
        """,
        "-o",
        "asyncio_mode=auto",
    )
    result.assert_outcomes(passed=3)


def test_marks_that_cannot_be(pytester: pytest.Pytester) -> None:
    """An argument without a name, a setting that there is not, a failure of nothing: each is told at the test."""
    result = run(
        pytester,
        """
        import pytest

        @pytest.mark.nexport_sandbox(3)
        def test_position(nexport_sandbox): ...

        @pytest.mark.nexport_sandbox(seeds=3)
        def test_setting(nexport_sandbox): ...

        @pytest.mark.nexport_sandbox(enrollments=500)
        @pytest.mark.nexport_faults(operation="LearningApi_GetSection")
        def test_failure(nexport_sandbox): ...
        """,
    )
    result.assert_outcomes(errors=3)
    result.stdout.fnmatch_lines_random(
        [
            "*TypeError: pytest.mark.nexport_sandbox takes keyword arguments alone",
            "*TypeError: *seeds*",
            "*ValueError: a fault needs *",
        ]
    )


def test_it_costs_nothing_unused(pytester: pytest.Pytester) -> None:
    """A run of tests that doesn't use it doesn't even import the sandbox."""
    code = "def test_nothing():\n    import sys\n    assert 'nexport_campus.sandbox' not in sys.modules"
    pytester.makepyfile(code)
    pytester.runpytest_subprocess().assert_outcomes(passed=1)
