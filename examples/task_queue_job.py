"""A job of a task queue, such as RQ or Celery: a plain function, with an event loop of its own each time.

`error.transient` says whether the queue should run the job again; with any other error it fails, for a person to look at:

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

The workers' environment needs NEXPORT_USERNAME and NEXPORT_PASSWORD. A job may run again after any failure:
`ensure_enrollment` enrolls nobody twice. Its errors pickle, so that the queue can keep them.
"""

import asyncio
import threading

from nexport_campus import NexportCampus

_worker = threading.local()


def campus() -> NexportCampus:
    """The client of this worker thread, made by its first job and kept for all.

    It keeps the token from job to job; connections end with the loop that they belong to, so nothing is left to close.
    One client serves one loop at a time: workers that are threads need one each.
    """
    if not hasattr(_worker, "campus"):
        _worker.campus = NexportCampus.from_env()
    client: NexportCampus = _worker.campus
    return client


def enroll(org_id: str, user_id: str, syllabus_id: str) -> str:
    """Enroll a user, and return the enrollment's id. Raises NexportError."""
    return asyncio.run(_enroll(org_id, user_id, syllabus_id))


async def _enroll(org_id: str, user_id: str, syllabus_id: str) -> str:
    ensured = await campus().ensure_enrollment(org_id=org_id, user_id=user_id, syllabus_id=syllabus_id)
    return str(ensured.enrollment_id)
