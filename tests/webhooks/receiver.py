"""An application that receives webhooks, served by uvicorn on loopback."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import uvicorn
from fastapi import Depends, FastAPI

from nexport_campus import NexportCampus, RetryPolicy
from nexport_campus.fastapi import campus_lifespan, webhook_enrollment
from nexport_campus.models import ApiEnrollmentItem
from nexport_campus.sandbox import Sandbox

__all__ = ["Receiver", "receive"]


class Receiver:
    """The URL of the application, and what its route has received so far."""

    def __init__(self) -> None:
        self.url = ""
        self.received: asyncio.Queue[ApiEnrollmentItem | None] = asyncio.Queue()


@asynccontextmanager
async def receive(sandbox: Sandbox, **options: Any) -> AsyncIterator[Receiver]:
    """Serve an application whose webhook route has these options, with the sandbox as its campus."""
    receiver = Receiver()
    settings = {
        "NEXPORT_BASE_URL": sandbox.url,
        "NEXPORT_USERNAME": sandbox.username,
        "NEXPORT_PASSWORD": sandbox.password,
    }
    retry = RetryPolicy(max_attempts=2, initial_delay=0.01, max_delay=0.01)
    app = FastAPI(lifespan=campus_lifespan(lambda: NexportCampus.from_env(settings, retry=retry)))

    @app.post("/webhooks/nexport", status_code=204)
    async def webhook(
        enrollment: Annotated[ApiEnrollmentItem | None, Depends(webhook_enrollment(**options))],
    ) -> None:
        receiver.received.put_nowait(enrollment)

    with socket.create_server(("127.0.0.1", 0)) as sock:
        receiver.url = f"http://127.0.0.1:{sock.getsockname()[1]}/webhooks/nexport"
        server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="on"))
        serving = asyncio.create_task(server.serve([sock]))
        try:
            yield receiver
        finally:
            server.should_exit = True
            await serving
