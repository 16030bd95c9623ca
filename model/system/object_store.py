"""An S3 bucket as pyarrow sees it: AWS's own, or one that speaks the same, like SeaweedFS.

Where it is and the keys come from the environment, by the usual names: AWS_ENDPOINT_URL (none: AWS itself),
AWS_DEFAULT_REGION, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or whatever else the AWS SDK looks for. Where there is
an AISLE_AWS_ACCESS_KEY_ID, all of them are read with AISLE_ before the name: KFP's launcher shares the environment of a
step, and the usual names can be its own.
"""

import os
from pathlib import Path
from urllib.parse import urlsplit

from pyarrow import fs

from model.errors import InputError

SCHEME = "s3://"
OWN = "AISLE_"
"""Before the names of variables that no other program in the same environment uses."""
REGION = "us-east-1"
"""Where none is named; stores outside of AWS take any."""
CONNECT_S, ANSWER_S = 3.0, 10.0
"""Longest waits for a connection, and for an answer on it."""


def is_url(place: Path | str) -> bool:
    """Whether this is an address in an object store, and not a directory."""
    return str(place).startswith(SCHEME)


def open_url(url: str, attempts: int = 3) -> tuple[fs.S3FileSystem, str]:
    """(file system, `bucket/path` on it). No server is asked yet.

    Args:
        attempts: how often one request is tried.

    Raises:
        InputError: this is no address of the form s3://bucket/path, or AWS_ENDPOINT_URL is none.
    """
    path = url.removeprefix(SCHEME).strip("/")
    if not is_url(url) or not all(path.split("/")):
        raise InputError(f"expected an address like s3://bucket/path, got {url!r:.100}")
    own = f"{OWN}AWS_ACCESS_KEY_ID" in os.environ
    endpoint = _variable("AWS_ENDPOINT_URL", own)
    parts = urlsplit(endpoint or "")
    if endpoint and (parts.scheme not in ("http", "https") or not parts.netloc):
        raise InputError(f"AWS_ENDPOINT_URL: expected http://host:port or https://host:port, got {endpoint!r:.100}")
    store = fs.S3FileSystem(
        access_key=_variable("AWS_ACCESS_KEY_ID", own) if own else None,
        secret_key=_variable("AWS_SECRET_ACCESS_KEY", own) if own else None,
        endpoint_override=parts.netloc or None,
        scheme=parts.scheme or "https",
        region=_variable("AWS_REGION", own) or _variable("AWS_DEFAULT_REGION", own) or REGION,
        connect_timeout=CONNECT_S,
        request_timeout=ANSWER_S,
        retry_strategy=fs.AwsStandardS3RetryStrategy(max_attempts=attempts),
    )
    return store, path


def _variable(name: str, own: bool) -> str | None:
    return os.environ.get(f"{OWN}{name}" if own else name) or None


def files(url: str) -> tuple[fs.S3FileSystem, list[str]]:
    """(file system, paths on it of all files under the address, sorted); none when nothing is there yet.

    Raises:
        InputError: no such bucket, the keys may not list it, or no server answers.
    """
    store, path = open_url(url)
    bucket = path.partition("/")[0]
    try:
        if store.get_file_info(bucket).type is fs.FileType.NotFound:
            raise InputError(f"{url}: expected a bucket {bucket}, there is none; make it, or correct the address")
        entries = store.get_file_info(fs.FileSelector(path, recursive=True, allow_not_found=True))
    except OSError as error:
        raise unreadable(url, error) from None
    return store, sorted(info.path for info in entries if info.is_file)


def unreadable(url: str, error: OSError) -> InputError:
    """The error to report when the store answered with an error, or not at all."""
    return InputError(
        f"{url}: cannot be read ({reason(error)}); expected a bucket of that name, AWS_ENDPOINT_URL if the store is "
        "not AWS's, and keys in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY that may list and read it"
    )


def reason(error: Exception) -> str:
    """The SDK's words in one line."""
    return " ".join(str(error).split())[:200]
