"""A demo of the SDK's main features against a sandbox on this machine.

`nexport demo` and `scripts/demo` run it; it needs the `cli` and `sandbox` extras.
"""

import asyncio
import html
import re
import time
from collections import Counter
from uuid import UUID

import httpx
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from nexport_campus import EnrollmentAlreadyExistsError, NexportCampus, PasswordAuth, __version__
from nexport_campus.cli.token_validation import validate_token
from nexport_campus.models import ApiEnrollmentItem, Phase
from nexport_campus.sandbox import Samples, Sandbox

__all__ = ["main"]

console = Console(highlight=False, soft_wrap=True)
LATENCY = 0.04
_SCORM_FIELDS = ["cmi.core.lesson_status", "cmi.core.score.raw"]


def main() -> None:
    """Run the demo. Raises NexportError if the SDK or the sandbox is broken."""
    asyncio.run(_run_demo())


async def _run_demo() -> None:
    started = time.perf_counter()
    _print_heading("A local campus", "async with Sandbox(seed=7) as sandbox")
    async with Sandbox(seed=7, enrollments=20_000) as sandbox:
        samples = await sandbox.samples()
        console.print(
            f"  nexport-campus {__version__} against {sandbox.url}, a real HTTP server with 20,000 enrollments"
        )
        auth = PasswordAuth(sandbox.username, sandbox.password)
        async with NexportCampus(auth, base_url=sandbox.url) as campus:
            await _log_in(campus)
            await _list_enrollments(campus, samples)
            await sandbox.faults.add(operation="LearningApi_SearchEnrollments", delay=LATENCY)
            await _compare_speeds(campus, samples)
            await sandbox.faults.clear()
            await _enroll(campus, samples)
            await _repair_attempt(campus, samples)
            await _show_certificate(campus, samples)
            await _sell_course(campus, samples)
        books = await sandbox.books()
    logins = books.counts["AdminApi_Authenticate"]
    seconds = time.perf_counter() - started
    requests = sum(books.counts.values())
    console.print(f"\nDone in {seconds:.1f} s: {requests} requests, {logins} login, nothing left running.")


def _print_heading(title: str, code: str) -> None:
    console.print(f"\n[bold]{title}[/bold]  [dim]{code}[/dim]")


async def _log_in(campus: NexportCampus) -> None:
    _print_heading("Log in", "PasswordAuth(username, password)")
    validity = await validate_token(campus)
    console.print(
        f"  the first call logged in; the token is valid until {validity.expires_at:%Y-%m-%d %H:%M} UTC"
    )
    console.print(f"  neither the token nor the password is shown: {campus!r}")


async def _list_enrollments(campus: NexportCampus, samples: Samples) -> None:
    _print_heading(
        "Read an organization's enrollments",
        "async for enrollment in campus.learning.search_enrollments(...)",
    )
    pager = campus.learning.search_enrollments(org_ids=[samples.org_id], per_page=500)
    phases: Counter[Phase] = Counter()
    last: list[ApiEnrollmentItem] = []
    columns = (TextColumn("  {task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task("enrollments", total=await pager.total())
        async for page in pager.pages():
            phases.update(enrollment.phase for enrollment in page.items)
            progress.update(bar, advance=len(page.items))
            last = page.items[-5:]
    console.print("  " + ", ".join(f"{phase.label}: {count}" for phase, count in sorted(phases.items())))
    console.print(_make_table(last))


def _make_table(enrollments: list[ApiEnrollmentItem]) -> Table:
    table = Table(title="The newest five", title_justify="left", pad_edge=True)
    for heading in ("enrollment", "enrolled", "phase", "result", "completed"):
        table.add_column(heading)
    for item in enrollments:
        enrolled = f"{item.enrollment_date:%Y-%m-%d}" if item.enrollment_date else ""
        completed = f"{item.completion_date:%Y-%m-%d}" if item.completion_date else ""
        table.add_row(str(item.enrollment_id)[:8], enrolled, item.phase.label, item.result.label, completed)
    return table


async def _compare_speeds(campus: NexportCampus, samples: Samples) -> None:
    _print_heading(f"The whole campus, with {LATENCY * 1000:.0f} ms of latency", "pager.concurrent(8)")
    pager = campus.learning.search_enrollments(org_ids=list(samples.org_ids), per_page=200)
    table = Table("iteration", "records", "seconds")
    for name, records_of in (("sequential", pager), ("concurrent(8)", pager.concurrent(8))):
        started = time.perf_counter()
        records = [enrollment async for enrollment in records_of]
        table.add_row(name, f"{len(records):,}", f"{time.perf_counter() - started:.2f}")
    console.print(table)


async def _enroll(campus: NexportCampus, samples: Samples) -> None:
    _print_heading("Enroll a student", "campus.learning.create_enrollment(...)")
    section = await campus.learning.get_section(syllabus_id=samples.section_id)
    made = await campus.learning.create_enrollment(
        org_id=samples.org_id,
        user_id=samples.user_id,
        syllabus_id=section.syllabus_id,
        membership_group_ids=[],
    )
    console.print(f"  enrolled in {section.title!r}: {made.enrollment_id}")
    try:
        await campus.learning.create_enrollment(
            org_id=samples.org_id,
            user_id=samples.user_id,
            syllabus_id=section.syllabus_id,
            membership_group_ids=[],
        )
    except EnrollmentAlreadyExistsError as error:
        console.print(f"  a second time: [yellow]{type(error).__name__}[/yellow]: {error}")
    ensured = await campus.ensure_enrollment(
        org_id=samples.org_id, user_id=samples.user_id, syllabus_id=section.syllabus_id
    )
    console.print(
        f"  campus.ensure_enrollment(...) finds it: {ensured.enrollment_id}, created={ensured.created}"
    )


async def _repair_attempt(campus: NexportCampus, samples: Samples) -> None:
    _print_heading("Repair a stuck SCORM attempt", "campus.scorm.edit_scorm_data(...)")
    before = await _read_scorm(campus, samples)
    await campus.scorm.edit_scorm_data(
        assignment_status_id=samples.scorm_assignment_status_id,
        sco_id=samples.scorm_sco_id,
        lesson_status="completed",
        raw_score=92.5,
    )
    after = await _read_scorm(campus, samples)
    table = Table("CMI element", "before", "after")
    for name in _SCORM_FIELDS:
        table.add_row(name, before.get(name) or "", after.get(name) or "")
    console.print(table)


async def _read_scorm(campus: NexportCampus, samples: Samples) -> dict[str, str | None]:
    items = campus.scorm.get_cmi_data(
        enrollment_id=samples.scorm_enrollment_id,
        assignment_id=samples.scorm_assignment_id,
        cmi_element_names=_SCORM_FIELDS,
    )
    async for item in items:
        if item.sco_id == samples.scorm_sco_id:
            return {field.cmi_element_name: field.cmi_element_value for field in item.cmi_fields}
    return {}


async def _show_certificate(campus: NexportCampus, samples: Samples) -> None:
    _print_heading("Get a certificate", "campus.learning.get_certificate_url(...)")
    certificate = await campus.learning.get_certificate_url(
        enrollment_id=UUID(samples.finished_enrollment_id)
    )
    console.print(f"  {certificate.certificate_url if certificate.certificate_ready else 'not ready yet'}")


async def _sell_course(campus: NexportCampus, samples: Samples) -> None:
    _print_heading("Sell a course", "campus.point_of_sale, campus.sso.classroom(...)")
    buyer_id = samples.finished_user_id
    mine = await campus.learning.search_enrollments(user_ids=[buyer_id]).collect()
    taken = {enrollment.syllabus_id for enrollment in mine}
    products = campus.learning.get_catalog_syllabi(catalog_id=samples.catalog_id)
    product_id = next(
        each.product_id
        for each in (await products).items
        if each.product_id and each.syllabus_id not in taken
    )
    pos = campus.point_of_sale
    sale = await pos.begin_invoice_transaction(purchasing_agent_id=buyer_id, organization_id=samples.org_id)
    item = await pos.add_invoice_item(invoice_id=sale.invoice_id, product_id=product_id, cost=49.50)
    await pos.add_invoice_payment(invoice_id=sale.invoice_id, payee_id=buyer_id, amount_usd=49.50)
    await pos.commit_invoice_transaction(invoice_id=sale.invoice_id)
    redemption = await pos.redeem_invoice_item(
        invoice_item_id=item.invoice_item_id, redeeming_user_id=buyer_id
    )
    console.print(f"  invoice, item, payment, commit, redemption: enrolled in {redemption.syllabus_title!r}")
    entrance = await campus.sso.classroom(enrollment_id=str(redemption.redemption_enrollment_id))
    async with httpx.AsyncClient() as browser:
        page = await browser.get(str(entrance.url))
    course, student = re.findall(r"<(?:h1|p)>(.*?)</", page.text)[:2]
    console.print(f"  the page of the classroom: {html.unescape(course)} | {html.unescape(student)}")
