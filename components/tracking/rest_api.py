"""JSON over HTTP: what both servers are asked through."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

TIMEOUT = httpx.Timeout(30.0, connect=5.0)
"""Seconds: MLflow takes long for its first write."""
Json = dict[str, Any]


class RestApi:
    """Requests below one address. A redirect is an error: the token goes to no other host."""

    def __init__(self, url: str, token_file: str = "") -> None:
        """`token_file`: of the bearer token; read before each request, since tokens of pods are renewed."""
        self._client = httpx.Client(base_url=url, timeout=TIMEOUT)
        self._token_file = token_file

    def find(self, path: str, **query: str) -> Json | None:
        """The object at the path; None where the server has none.

        Raises:
            OSError, ValueError, httpx.HTTPError: as `send`.
        """
        answer = self._request("GET", path, params=query)
        return None if answer.status_code == httpx.codes.NOT_FOUND else _content(answer)

    def send(self, method: str, path: str, body: Mapping[str, Any]) -> Json:
        """The answer to a body.

        Raises:
            OSError: there is no token file.
            httpx.HTTPError: no answer.
            ValueError: the server refused, or its answer is no JSON object.
        """
        return _content(self._request(method, path, json=body))

    def _request(self, method: str, path: str, **content: Any) -> httpx.Response:
        headers = {}
        if self._token_file:
            headers["Authorization"] = f"Bearer {Path(self._token_file).read_text(encoding='utf-8').strip()}"
        return self._client.request(method, path, headers=headers, **content)


def _content(answer: httpx.Response) -> Json:
    if not answer.is_success:
        raise ValueError(f"{answer.status_code} to {answer.request.method} {answer.request.url.path}: {answer.text}")
    content = answer.json()
    if not isinstance(content, dict):
        raise ValueError(f"expected a JSON object from {answer.request.url.path}, got {answer.text}")
    return content
