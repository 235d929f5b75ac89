"""Plain HTTP calls to the sandbox: operations by id, with the token in the query."""

from typing import Any

import httpx

from nexport_campus.sandbox import Account

__all__ = ["HttpApi"]


class HttpApi:
    """Calls operations with one token."""

    def __init__(self, client: httpx.AsyncClient, token: str | None = None) -> None:
        self.client = client
        self.token = token

    async def call(self, operation: str, body: object = None, /, **query: object) -> httpx.Response:
        """Call an operation, with POST if there is a body."""
        area, _, name = operation.partition("_")
        parameters: dict[str, Any] = {key: value for key, value in query.items() if value is not None}
        if self.token is not None:
            parameters.setdefault("access_token", self.token)
        path = f"/api/v1/{area}/{name}"
        if body is None:
            return await self.client.get(path, params=parameters)
        return await self.client.post(path, params=parameters, json=body)

    async def get(self, operation: str, body: object = None, /, **query: object) -> Any:
        """Return the JSON of a successful response."""
        response = await self.call(operation, body, **query)
        assert response.status_code == 200, response.text
        content = response.json()
        if isinstance(content, dict) and "api_error_entity" in content:
            assert content["api_error_entity"]["error_code"] == 0
        return content

    async def refusal(self, operation: str, body: object = None, /, **query: object) -> tuple[int, int]:
        """Return status and error code of a refusal, which must be an ApiResponseBase with a message."""
        response = await self.call(operation, body, **query)
        content = response.json()
        assert set(content) == {"api_error_entity"}, response.text
        entity = content["api_error_entity"]
        assert set(entity) == {"error_code", "error_message", "warning_messages"}
        assert entity["error_message"]
        return response.status_code, entity["error_code"]

    async def log_in(self, account: Account, **more: object) -> "HttpApi":
        """Return a caller with a token for the account."""
        body = {"username": account.username, "password": account.password, "grant_type": "password", **more}
        content = await self.get("AdminApi_Authenticate", body)
        return HttpApi(self.client, content["access_token"])
