"""A job for a task queue such as RQ or Celery: a synchronous function that runs each call in a new event loop.

Retry the job if `error.transient` is True. Otherwise let it fail, for a person to look at:

    def enroll(*order):                                     # RQ
        try:
            return task_queue_job.enroll(*order)
        except NexportError as error:
            if error.transient:
                return rq.Retry(max=5, interval=60)
            raise

    @app.task(bind=True, max_retries=5)                     # Celery
    def enroll(task, *order):
        try:
            return task_queue_job.enroll(*order)
        except NexportError as error:
            if error.transient:
                raise task.retry(exc=error, countdown=60)
            raise

The workers need NEXPORT_USERNAME and NEXPORT_PASSWORD in their environment. A job can be repeated after any failure:
`ensure_enrollment` never enrolls a user twice. Its errors can be pickled, so that the queue can store them.
"""

import asyncio
import threading

from nexport_campus import NexportCampus

_worker = threading.local()


def campus() -> NexportCampus:
    """Return the client of this worker thread, which its first job creates.

    The token is kept from job to job. Connections are closed with their event loop, so the client needn't be closed.
    A client serves one loop at a time: worker threads need one each.
    """
    if not hasattr(_worker, "campus"):
        _worker.campus = NexportCampus.from_env()
    client: NexportCampus = _worker.campus
    return client


def enroll(org_id: str, user_id: str, syllabus_id: str) -> str:
    """Enroll a user, and return the enrollment's ID. Raises NexportError."""
    return asyncio.run(_enroll(org_id, user_id, syllabus_id))


async def _enroll(org_id: str, user_id: str, syllabus_id: str) -> str:
    ensured = await campus().ensure_enrollment(org_id=org_id, user_id=user_id, syllabus_id=syllabus_id)
    return str(ensured.enrollment_id)
