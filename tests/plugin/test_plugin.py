"""The pytest plugin as users' tests use it: each test runs a pytest inside this one."""

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
    """Run one test module, with all warnings as errors."""
    pytester.makepyfile(code)
    return run_all(pytester, *options)


def run_all(pytester: pytest.Pytester, *options: str) -> pytest.RunResult:
    """Run all test modules."""
    scope = () if "no:asyncio" in options else ("-o", "asyncio_default_fixture_loop_scope=function")
    return pytester.runpytest_inprocess("-W", "error", "--strict-markers", *scope, *options)


def test_the_documented_modules_pass(pytester: pytest.Pytester) -> None:
    """Every block of docs/testing.md is a test module that passes."""
    assert len(BLOCKS) == 6
    pytester.makepyfile(**{f"test_block_{number}": block for number, block in enumerate(BLOCKS)})
    result = run_all(pytester, "-o", "asyncio_mode=auto")
    result.assert_outcomes(passed=6)


@pytest.mark.sampled(1)
@pytest.mark.parametrize(
    ("marks", "options"),
    [
        (["asyncio", "anyio", "asyncio"], ["-o", "asyncio_mode=strict"]),
        (["anyio", "anyio"], ["-p", "no:asyncio"]),
    ],
    ids=["both", "only anyio"],
)
def test_each_async_plugin(pytester: pytest.Pytester, marks: list[str], options: list[str]) -> None:
    """The fixtures work with pytest-asyncio and with anyio's plugin, in sequence, without a warning."""
    backend = "@pytest.fixture\ndef anyio_backend():\n    return 'asyncio'\n"
    tests = "".join(
        f"@pytest.mark.{mark}\nasync def test_{number}(campus, nexport_sandbox):{WORKS}\n"
        for number, mark in enumerate(marks)
    )
    result = run(pytester, f"import pytest\n{QUICK}\n{backend}{tests}", *options)
    result.assert_outcomes(passed=len(marks))


PYTEST_ASYNCIO = """
import pytest_asyncio

pytestmark = [pytest.mark.asyncio(loop_scope="{scope}"), *pytestmark]
fixture = pytest_asyncio.fixture(scope="{scope}", loop_scope="{scope}")
"""
ANYIO = """
@pytest.fixture(scope="session")
def anyio_backend():
    return "asyncio"

pytestmark = [pytest.mark.anyio, *pytestmark]
fixture = pytest.fixture(scope="{scope}")
"""
OWN_CONNECTION = """
import asyncio
import httpx

@fixture
async def own():
    async with httpx.AsyncClient() as client:
        yield client

@pytest.mark.parametrize("turn", range(4))
async def test_it(turn, campus, nexport_sandbox, own):
    samples = await nexport_sandbox.samples()
    await asyncio.gather(*(campus.learning.get_section(syllabus_id=samples.section_id) for _ in range(5)))
    for _ in range(2):
        response = await own.get(nexport_sandbox.url + "/api/v1/LearningApi/GetSection")
        assert response.status_code < 500
"""


@pytest.mark.sampled(1)
@pytest.mark.parametrize("scope", ["function", "module", "session"])
@pytest.mark.parametrize(
    ("plugin", "options"),
    [(PYTEST_ASYNCIO, ["-o", "asyncio_mode=strict"]), (ANYIO, ["-p", "no:asyncio"])],
    ids=["pytest-asyncio", "anyio"],
)
def test_with_loops_of_every_scope(
    pytester: pytest.Pytester, scope: str, plugin: str, options: list[str]
) -> None:
    """On a loop that outlives a test, the fixtures work in every test, and other connections stay open."""
    marks = f"import pytest\n{QUICK.replace('= ', '= [')}]\n"
    result = run(pytester, marks + plugin.replace("{scope}", scope) + OWN_CONNECTION, *options)
    result.assert_outcomes(passed=4)


def test_each_test_starts_fresh(pytester: pytest.Pytester) -> None:
    """Changes, faults and clock moves don't reach the next test; only a moved clock needs a new server."""
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
    """The nearest mark's setting applies, others are added; of two faults that match, the nearest one applies."""
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


def test_invalid_marks_are_errors_of_the_test(pytester: pytest.Pytester) -> None:
    """A positional argument, an unknown setting and a fault without effect are errors of the test."""
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
            "*TypeError: pytest.mark.nexport_sandbox takes only keyword arguments",
            "*TypeError: *seeds*",
            "*ValueError: a fault needs *",
        ]
    )


def test_unused_plugin_imports_nothing(pytester: pytest.Pytester) -> None:
    """A run that doesn't use the fixtures doesn't import the sandbox."""
    code = "def test_nothing():\n    import sys\n    assert 'nexport_campus.sandbox' not in sys.modules"
    pytester.makepyfile(code)
    pytester.runpytest_subprocess().assert_outcomes(passed=1)
