"""One HTTP request, and its body."""

import zlib
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, NamedTuple

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]


class Refusal(Exception):
    """An answer that is an error.

    Example:
        >>> Refusal(415, "content-encoding: expected gzip, got 'br'").status
        415
    """

    def __init__(self, status: int, message: str, **headers: str) -> None:
        super().__init__(message)
        self.status = status
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


class Request(NamedTuple):
    """One HTTP request.

    Example:
        >>> Request("GET", "/v2", b"/v2", {}, b"").method
        'GET'
    """

    method: str
    path: str
    raw_path: bytes
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes


async def body_of(receive: Receive, most: int) -> bytes:
    """The whole body, which is there."""
    message = await receive()
    body: bytes = message.get("body", b"")
    if message["type"] == "http.disconnect":
        raise Refusal(400, "body: expected all of it, got a part; the client went away")
    while message.get("more_body", False):  # not behind Connection, which waits for all of it
        message = await receive()
        body += message.get("body", b"")
        if len(body) > most or message["type"] == "http.disconnect":
            raise Refusal(413, f"body: expected at most {most:,} bytes and all of it, got more, or a part")
    return body


def unzipped(request: Request, most: int) -> bytes:
    """The body without its content encoding, at most `most` bytes."""
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding == "identity":
        return request.body
    if encoding != "gzip":
        raise Refusal(415, f"content-encoding: expected gzip, got {encoding!r:.40}", accept_encoding="gzip")
    unzip = zlib.decompressobj(wbits=31)
    try:
        body = unzip.decompress(request.body, most + 1)
    except zlib.error as error:
        raise Refusal(400, f"body: expected gzip ({error!s:.60})") from None
    if len(body) > most:
        raise Refusal(413, f"body: expected at most {most:,} bytes, got more; send fewer items")
    if not unzip.eof or unzip.unused_data:
        raise Refusal(400, "body: expected one whole gzip stream, got a part of it or more")
    return body
