"""The backend of a training shop: enrolls buyers, and shows learners their progress and certificates.

    uvicorn training_shop:app --workers 4

Requires the `fastapi` extra, uvicorn, and the environment variables NEXPORT_USERNAME, NEXPORT_PASSWORD, SHOP_ORGANIZATION,
SHOP_WEBHOOK_SECRET and SHOP_API_KEY. The payment provider calls the webhook. All other routes are for the shop's web
server, which knows who is logged in.
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
    """A payment, as the provider reports it: repeatedly until it gets a 2xx, and sometimes again after that."""

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
    """The URL of a certificate, once it is ready."""

    ready: bool
    url: str | None


class Ledger:
    """The processed payments, in a file that all workers share.

    The campus isn't enough: if a payment is reported again after its enrollment was dropped, it must not enroll again.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        with closing(self._connect()) as database:
            database.execute("PRAGMA journal_mode = WAL")
            database.execute(
                "CREATE TABLE IF NOT EXISTS handled (event_id TEXT PRIMARY KEY, enrollment_id TEXT NOT NULL)"
            )

    def find(self, event_id: str) -> UUID | None:
        """Return the enrollment of a payment, if the payment was processed."""
        with closing(self._connect()) as database:
            row = database.execute(
                "SELECT enrollment_id FROM handled WHERE event_id = ?", (event_id,)
            ).fetchone()
        return UUID(row[0]) if row else None

    def enter(self, event_id: str, enrollment_id: UUID) -> None:
        """Record a processed payment. If two workers processed it at once, both found the same enrollment."""
        with closing(self._connect()) as database, database:
            database.execute("INSERT OR IGNORE INTO handled VALUES (?, ?)", (event_id, str(enrollment_id)))

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self._path, timeout=30)


@asynccontextmanager
async def open_ledger(app: FastAPI) -> AsyncIterator[dict[str, Ledger]]:
    """Open the ledger for the lifetime of the application."""
    yield {"ledger": await run_in_threadpool(Ledger, DATABASE)}


app = FastAPI(title="Training shop", lifespan=campus_lifespan(NexportCampus.from_env, open_ledger))
add_exception_handlers(app)


async def signed_payment(request: Request, x_signature: Annotated[str, Header()]) -> Payment:
    """Return the payment after checking the provider's signature: anyone can call a webhook."""
    body = await request.body()
    signature = hmac.new(WEBHOOK_SECRET, body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(signature.encode(), x_signature.encode()):
        raise HTTPException(401, "wrong signature")
    try:
        return Payment.model_validate_json(body)
    except ValidationError as error:
        raise HTTPException(422, json.loads(error.json(include_url=False))) from None


def require_shop_key(x_api_key: Annotated[str, Header()]) -> None:
    """Only admit the shop's web server, which knows which learner may see what."""
    if not hmac.compare_digest(API_KEY, x_api_key.encode()):
        raise HTTPException(401, "wrong key")


@app.post("/webhooks/payment")
async def enroll(
    request: Request, campus: Campus, payment: Annotated[Payment, Depends(signed_payment)]
) -> dict[str, UUID]:
    """Enroll the buyer once, however often the payment is reported, and to however many workers.

    After a failure the response is a 5xx, and the provider calls again: `ensure_enrollment` then finds the enrollment.
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


@app.get("/learners/{user_id}/courses", dependencies=[Depends(require_shop_key)])
async def courses(user_id: UUID, campus: Campus) -> list[Course]:
    """Return a learner's dashboard: all enrollments with their titles, the latest first."""
    enrollments = await campus.learning.search_enrollments(user_ids=[user_id]).collect()
    wanted = {enrollment.syllabus_id for enrollment in enrollments if enrollment.syllabus_id}
    found = await campus.get_sections_by_id(wanted)
    titles = {section.syllabus_id: section.title for section in found.sections}
    for syllabus_id in found.missing:  # a training plan, or removed
        with suppress(NotFoundError):
            titles[syllabus_id] = (
                await campus.learning.get_training_plan(training_plan_id=syllabus_id)
            ).title
    return [_course(enrollment, titles) for enrollment in reversed(enrollments)]


@app.get(
    "/learners/{user_id}/enrollments",
    dependencies=[Depends(require_shop_key)],
    response_model=list[ApiEnrollmentItem],
)
async def enrollments(user_id: UUID, campus: Campus) -> list[ApiEnrollmentItem]:
    """Return a learner's enrollments unchanged: the SDK's models work as response models."""
    return await campus.learning.search_enrollments(user_ids=[user_id]).collect()


@app.get("/learners/{user_id}/certificates/{enrollment_id}", dependencies=[Depends(require_shop_key)])
async def certificate(user_id: UUID, enrollment_id: UUID, campus: Campus) -> Certificate:
    """Return the URL of a certificate, if the enrollment is the learner's."""
    own = campus.learning.search_enrollments(user_ids=[user_id], enrollment_ids=[enrollment_id])
    if not await own.collect(limit=1):
        raise HTTPException(404, "the learner has no such enrollment")
    found = await campus.learning.get_certificate_url(enrollment_id=enrollment_id)
    return Certificate(
        ready=bool(found.certificate_ready), url=found.certificate_url if found.certificate_ready else None
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
