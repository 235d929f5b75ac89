"""The backend of a training shop: turns paid orders into enrollments, and leads buyers into their classrooms.

    uvicorn training_shop:app --workers 4

Requires the `fastapi` extra, uvicorn, and the environment variables NEXPORT_USERNAME, NEXPORT_PASSWORD, SHOP_ORGANIZATION,
SHOP_WEBHOOK_SECRET and SHOP_API_KEY. The payment provider calls the webhook. All other routes are for the shop's web
server, which knows who is logged in.
"""

import hashlib
import hmac
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from decimal import Decimal
from typing import Annotated
from uuid import UUID

from fastapi import Depends, FastAPI, Header, HTTPException, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, RedirectResponse
from paid_orders import UNKNOWN, Fulfilment, Order, OrderBusyError, OrderStore
from pydantic import BaseModel, Field, ValidationError

from nexport_campus import NexportCampus, NotFoundError
from nexport_campus.fastapi import Campus, add_exception_handlers, campus_lifespan
from nexport_campus.models import ApiEnrollmentItem, Phase, Result

ORGANIZATION = UUID(os.environ["SHOP_ORGANIZATION"])
MERCHANT_ACCOUNT = os.environ.get("SHOP_MERCHANT_ACCOUNT")
WEBHOOK_SECRET = os.environ["SHOP_WEBHOOK_SECRET"].encode()
API_KEY = os.environ["SHOP_API_KEY"].encode()
DATABASE = os.environ.get("SHOP_DATABASE", "shop.sqlite3")
LEASE_SECONDS = float(os.environ.get("SHOP_LEASE_SECONDS", "120"))


class Payment(BaseModel):
    """A paid order, as the payment provider reports it: repeatedly until it gets a 2xx, and sometimes again after that."""

    order_id: str = Field(min_length=1, max_length=100)
    user_id: UUID
    product_id: UUID
    amount: Decimal = Field(ge=0, max_digits=12, decimal_places=2)


class OrderStatus(BaseModel):
    """The progress of an order. `payment_to_check`: the campus may have the payment's record or not; look it up there."""

    order_id: str
    status: str
    enrollment_id: UUID | None
    problem: str | None
    payment_to_check: bool


class FoundInvoice(BaseModel):
    """The invoice that a person found in the campus by its note, or null if there is none."""

    invoice_id: UUID | None


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


@asynccontextmanager
async def open_store(app: FastAPI) -> AsyncIterator[dict[str, OrderStore]]:
    """Open the store of orders for the lifetime of the application."""
    yield {"orders": await run_in_threadpool(OrderStore, DATABASE, LEASE_SECONDS)}


app = FastAPI(title="Training shop", lifespan=campus_lifespan(NexportCampus.from_env, open_store))
add_exception_handlers(app)


@app.exception_handler(OrderBusyError)
async def report_busy(request: Request, error: OrderBusyError) -> Response:
    """Have the payment provider call again."""
    return JSONResponse({"detail": "the order is being processed"}, 503, {"Retry-After": "5"})


def get_store(request: Request) -> OrderStore:
    """Return the store of orders."""
    store: OrderStore = request.state.orders
    return store


Store = Annotated[OrderStore, Depends(get_store)]


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


@app.post("/webhooks/payment", status_code=202)
async def sell(
    campus: Campus, store: Store, payment: Annotated[Payment, Depends(signed_payment)]
) -> OrderStatus:
    """Enroll the buyer once, however often the payment is reported, and to however many workers.

    After a failure the response is a 5xx, and the provider calls again: the order resumes. An order with a problem is
    accepted anyway, because only a person can help.
    """
    await run_in_threadpool(store.add, payment.order_id, payment.user_id, payment.product_id, payment.amount)
    merchant_account = UUID(MERCHANT_ACCOUNT) if MERCHANT_ACCOUNT else None
    fulfilment = Fulfilment(campus, store, ORGANIZATION, merchant_account)
    return _status(await fulfilment.fulfil(payment.order_id))


@app.get("/orders/{order_id}", dependencies=[Depends(require_shop_key)])
async def order_status(order_id: str, store: Store) -> OrderStatus:
    """Return the progress of an order."""
    return _status(await _find_order(store, order_id))


@app.put("/orders/{order_id}/invoice", dependencies=[Depends(require_shop_key)], status_code=204)
async def settle_invoice(order_id: str, found: FoundInvoice, store: Store) -> None:
    """Enter what a person found in the campus. The order resumes when the payment is reported again."""
    if not await run_in_threadpool(store.settle_invoice, order_id, found.invoice_id):
        raise HTTPException(409, "the order doesn't wait for an invoice")


@app.get("/classroom/{order_id}", dependencies=[Depends(require_shop_key)], status_code=303)
async def classroom(order_id: str, campus: Campus, store: Store) -> Response:
    """Redirect the buyer of an order into the classroom. The URL signs them in and expires soon, so it is never kept."""
    order = await _find_order(store, order_id)
    if order.enrollment_id is None:
        raise HTTPException(409, "the order isn't finished yet")
    entrance = await campus.sso.classroom(enrollment_id=order.enrollment_id)
    if not entrance.url:
        raise HTTPException(502, "the campus returned no address")
    headers = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    return RedirectResponse(entrance.url, 303, headers)


async def _find_order(store: OrderStore, order_id: str) -> Order:
    order = await run_in_threadpool(store.find, order_id)
    if order is None:
        raise HTTPException(404, "there is no such order")
    return order


def _status(order: Order) -> OrderStatus:
    done = "enrolled" if order.enrollment_id else "in progress"
    return OrderStatus(
        order_id=order.order_id,
        status="problem" if order.problem else done,
        enrollment_id=UUID(order.enrollment_id) if order.enrollment_id else None,
        problem=order.problem,
        payment_to_check=order.payment_id == UNKNOWN,
    )


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
