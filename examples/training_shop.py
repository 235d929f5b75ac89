"""A training shop's backend: payments enroll, learners see where they stand, and get their certificates.

    uvicorn training_shop:app --workers 4

with NEXPORT_USERNAME, NEXPORT_PASSWORD, SHOP_ORGANIZATION, SHOP_WEBHOOK_SECRET and SHOP_API_KEY in the environment.
The payment provider calls the webhook; everything else is for the shop's own web server, which knows who is logged in.
It needs the `fastapi` extra, and uvicorn.
"""

import hashlib
import hmac
import json
import os
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Depends, FastAPI, Header, HTTPException, Request
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, ValidationError

from nexport_campus import NexportCampus, NotFoundError
from nexport_campus.fastapi import Campus, add_exception_handlers, campus_lifespan
from nexport_campus.models import ApiEnrollmentItem, Phase, Result

ORGANIZATION = UUID(os.environ["SHOP_ORGANIZATION"])
WEBHOOK_SECRET = os.environ["SHOP_WEBHOOK_SECRET"].encode()
API_KEY = os.environ["SHOP_API_KEY"].encode()
DATABASE = os.environ.get("SHOP_DATABASE", "shop.sqlite3")


class Payment(BaseModel):
    """What the payment provider tells: it calls again until it gets a 2xx, and sometimes after that."""

    event_id: str
    user_id: UUID
    syllabus_id: UUID


class Course(BaseModel):
    """One line of a learner's dashboard."""

    enrollment_id: UUID
    title: str | None
    phase: Phase
    phase_label: str
    result: Result
    completed: datetime | None


class Certificate(BaseModel):
    """A certificate's address, once it is ready."""

    ready: bool
    url: str | None


class Ledger:
    """The payments that were seen to, in a file that all workers share.

    The campus alone can't tell: a payment that is told again after its enrollment was dropped must not enroll anew.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        with closing(self._connect()) as database:
            database.execute("PRAGMA journal_mode = WAL")
            database.execute(
                "CREATE TABLE IF NOT EXISTS handled (event_id TEXT PRIMARY KEY, enrollment_id TEXT NOT NULL)"
            )

    def find(self, event_id: str) -> UUID | None:
        """The enrollment that a payment has led to, if it was seen to."""
        with closing(self._connect()) as database:
            row = database.execute(
                "SELECT enrollment_id FROM handled WHERE event_id = ?", (event_id,)
            ).fetchone()
        return UUID(row[0]) if row else None

    def enter(self, event_id: str, enrollment_id: UUID) -> None:
        """Note that a payment was seen to; if two workers did so at once, both found the same enrollment."""
        with closing(self._connect()) as database, database:
            database.execute("INSERT OR IGNORE INTO handled VALUES (?, ?)", (event_id, str(enrollment_id)))

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self._path, timeout=30)


@asynccontextmanager
async def open_ledger(app: FastAPI) -> AsyncIterator[dict[str, Ledger]]:
    """The application's own lifespan."""
    yield {"ledger": await run_in_threadpool(Ledger, DATABASE)}


app = FastAPI(title="Training shop", lifespan=campus_lifespan(NexportCampus.from_env, open_ledger))
add_exception_handlers(app)


async def paid(request: Request, x_signature: Annotated[str, Header()]) -> Payment:
    """The payment, if the provider signed it: anybody can call a webhook."""
    body = await request.body()
    signature = hmac.new(WEBHOOK_SECRET, body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(signature.encode(), x_signature.encode()):
        raise HTTPException(401, "wrong signature")
    try:
        return Payment.model_validate_json(body)
    except ValidationError as error:
        raise HTTPException(422, json.loads(error.json(include_url=False))) from None


def from_the_shop(x_api_key: Annotated[str, Header()]) -> None:
    """Let nobody but the shop's own web server in: it knows which learner may see what."""
    if not hmac.compare_digest(API_KEY, x_api_key.encode()):
        raise HTTPException(401, "wrong key")


@app.post("/webhooks/payment")
async def enroll(
    request: Request, campus: Campus, payment: Annotated[Payment, Depends(paid)]
) -> dict[str, UUID]:
    """Enroll whoever has paid: once, however often and to however many workers the payment is told.

    A failure answers 5xx, and the provider calls again: `ensure_enrollment` then finds what the first call made.
    """
    ledger: Ledger = request.state.ledger
    enrollment_id = await run_in_threadpool(ledger.find, payment.event_id)
    if enrollment_id is None:
        ensured = await campus.ensure_enrollment(
            org_id=ORGANIZATION, user_id=payment.user_id, syllabus_id=payment.syllabus_id
        )
        enrollment_id = ensured.enrollment_id
        await run_in_threadpool(ledger.enter, payment.event_id, enrollment_id)
    return {"enrollment_id": enrollment_id}


@app.get("/learners/{user_id}/courses", dependencies=[Depends(from_the_shop)])
async def courses(user_id: UUID, campus: Campus) -> list[Course]:
    """A learner's dashboard: every enrollment with its title, the latest first."""
    enrollments = await campus.learning.search_enrollments(user_ids=[user_id]).collect()
    wanted = {enrollment.syllabus_id for enrollment in enrollments if enrollment.syllabus_id}
    found = await campus.get_sections_by_id(wanted)
    titles = {section.syllabus_id: section.title for section in found.sections}
    for syllabus_id in found.missing:  # what is no section is a training plan, or was removed
        with suppress(NotFoundError):
            titles[syllabus_id] = (
                await campus.learning.get_training_plan(training_plan_id=syllabus_id)
            ).title
    return [_course(enrollment, titles) for enrollment in reversed(enrollments)]


@app.get(
    "/learners/{user_id}/enrollments",
    dependencies=[Depends(from_the_shop)],
    response_model=list[ApiEnrollmentItem],
)
async def enrollments(user_id: UUID, campus: Campus) -> list[ApiEnrollmentItem]:
    """A learner's enrollments as the campus tells them: its models are response models."""
    return await campus.learning.search_enrollments(user_ids=[user_id]).collect()


@app.get("/learners/{user_id}/certificates/{enrollment_id}", dependencies=[Depends(from_the_shop)])
async def certificate(user_id: UUID, enrollment_id: UUID, campus: Campus) -> Certificate:
    """The link to a certificate, if the enrollment is the learner's."""
    own = campus.learning.search_enrollments(user_ids=[user_id], enrollment_ids=[enrollment_id])
    if not await own.collect(limit=1):
        raise HTTPException(404, "the learner has no such enrollment")
    told = await campus.learning.get_certificate_url(enrollment_id=enrollment_id)
    return Certificate(
        ready=bool(told.certificate_ready), url=told.certificate_url if told.certificate_ready else None
    )


def _course(enrollment: ApiEnrollmentItem, titles: dict[UUID, str]) -> Course:
    return Course(
        enrollment_id=enrollment.enrollment_id,
        title=titles.get(enrollment.syllabus_id) if enrollment.syllabus_id else None,
        phase=enrollment.phase,
        phase_label=enrollment.phase.label,
        result=enrollment.result,
        completed=enrollment.completion_date,
    )
