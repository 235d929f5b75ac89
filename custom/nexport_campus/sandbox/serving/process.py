"""The server process as seen from the process that owns it."""

from __future__ import annotations

import contextlib
import http.client
import importlib.util
import json
import os
import pathlib
import subprocess
import sys
import urllib.parse
from typing import Any, Final

from nexport_campus.sandbox.sandbox_settings import SandboxSettings

__all__ = ["SandboxError", "ServerProcess"]

_NEEDED: Final = ("starlette", "uvicorn", "msgspec")
_STOP_SECONDS: Final = 5.0
_CONTROL_SECONDS: Final = 60.0


class SandboxError(RuntimeError):
    """The sandbox could not start or could not perform an action."""


class ServerProcess:
    """Starts, controls and stops the server. Its methods block.

    It uses only subprocess and http.client, so that it is bound to no event loop and unaffected by what a
    test does to the HTTP client under test.
    """

    def __init__(self, settings: SandboxSettings) -> None:
        if any(importlib.util.find_spec(name) is None for name in _NEEDED):
            raise SandboxError('nexport_campus.sandbox needs: pip install "nexport-campus[sandbox]"')
        self._settings = settings
        # A separate session, so that Ctrl-C does not stop the server before its owner does.
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "nexport_campus.sandbox", "--owned"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=_make_environment(),
            start_new_session=True,
        )
        try:
            self.url = self._start()
        except BaseException:
            self.stop()
            raise

    def _start(self) -> str:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(self._settings.to_json() + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise SandboxError(f"the sandbox's server exited with code {self._process.wait()}")
        announced = json.loads(line)
        if "error" in announced:
            raise SandboxError(announced["error"])
        url: str = announced["url"]
        return url

    def control(self, action: str, arguments: dict[str, Any]) -> Any:
        """Call a control route. Raises ValueError if the server rejects the arguments."""
        address = urllib.parse.urlsplit(self.url)
        connection = http.client.HTTPConnection(
            address.hostname or "", address.port, timeout=_CONTROL_SECONDS
        )
        try:
            headers = {"X-Sandbox-Key": self._settings.control_key}
            connection.request("POST", f"/sandbox/{action}", json.dumps(arguments), headers)
            response = connection.getresponse()
            content = response.read()
        except OSError as error:
            raise SandboxError(f"the sandbox does not respond: {error}") from error
        finally:
            connection.close()
        if response.status == 400:
            raise ValueError(json.loads(content)["error"])
        if response.status != 200:
            raise SandboxError(f"the sandbox responded with status {response.status}")
        return json.loads(content)["result"]

    def stop(self) -> None:
        """Stop the server by closing its stdin."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _make_environment() -> dict[str, str]:
    """Return the environment with the importable paths of this process, however they were added."""
    paths = [path or str(pathlib.Path.cwd()) for path in sys.path]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
