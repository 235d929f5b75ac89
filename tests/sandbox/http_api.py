"""How the sandbox's tests call it: plain HTTP, an operation by its id, the token in the query."""

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
        """Call an operation, by POST where there is a body."""
        area, _, name = operation.partition("_")
        parameters: dict[str, Any] = {key: value for key, value in query.items() if value is not None}
        if self.token is not None:
            parameters.setdefault("access_token", self.token)
        path = f"/api/v1/{area}/{name}"
        if body is None:
            return await self.client.get(path, params=parameters)
        return await self.client.post(path, params=parameters, json=body)

    async def get(self, operation: str, body: object = None, /, **query: object) -> Any:
        """The JSON of an answer, which has to be a success."""
        response = await self.call(operation, body, **query)
        assert response.status_code == 200, response.text
        found = response.json()
        if isinstance(found, dict) and "api_error_entity" in found:
            assert found["api_error_entity"]["error_code"] == 0
        return found

    async def refusal(self, operation: str, body: object = None, /, **query: object) -> tuple[int, int]:
        """Status and error code of an answer, which has to be an ApiResponseBase that says why."""
        response = await self.call(operation, body, **query)
        found = response.json()
        assert set(found) == {"api_error_entity"}, response.text
        entity = found["api_error_entity"]
        assert set(entity) == {"error_code", "error_message", "warning_messages"}
        assert entity["error_message"]
        return response.status_code, entity["error_code"]

    async def log_in(self, account: Account, **more: object) -> "HttpApi":
        """Another of these, with a token for the account."""
        body = {"username": account.username, "password": account.password, "grant_type": "password", **more}
        found = await self.get("AdminApi_Authenticate", body)
        return HttpApi(self.client, found["access_token"])
