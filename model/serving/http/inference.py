"""Bytes of a REST request into KServe's request, and KServe's answer into bytes."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from kserve.errors import InvalidInput
from kserve.protocol.infer_type import InferRequest, InferResponse
from kserve.protocol.rest.v2_datamodels import InferenceRequest
from pydantic import ValidationError

from model.serving.predictor import NAME
from model.serving.v2_inputs import INPUTS, MAX_LIST, OUTPUTS

BINARY_HEADER = "inference-header-content-length"
"""Bytes of JSON before the binary tensors; without it, a body is JSON alone."""
BINARY, JSON = "application/octet-stream", "application/json"
LARGE = 16 << 10
"""A longer body is decoded on another thread."""
MAX_MARKS = 2 * len(INPUTS) * MAX_LIST
"""Commas and opening brackets of a body, those within texts included; no request needs half of them. Each value brings
one, and a decoder that builds a megabyte of small values stops all threads for up to 100 ms."""


def decoded(body: bytes, headers: Mapping[str, str]) -> InferRequest:
    """The request of a body, of JSON or of JSON with binary tensors behind it.

    Raises:
        InvalidInput: it is no v2 request, its sizes do not add up, or it has more tensors than there are.
    """
    try:
        if BINARY_HEADER not in headers:
            value = _loaded(body)
            _check(value)
            return InferRequest.from_inference_request(InferenceRequest.model_validate(value), NAME)
        size = int(headers[BINARY_HEADER])
        if not 0 <= size <= len(body):
            raise InvalidInput(f"{BINARY_HEADER}: expected 0 to {len(body)}, the size of the body, got {size}")
        value = _loaded(body[:size])
        _check(value)
        _check_sizes(value, len(body) - size)
        return InferRequest.from_bytes(body, size, NAME)
    except InvalidInput:
        raise
    except orjson.JSONDecodeError as error:
        raise InvalidInput(f"body: expected JSON ({error!s:.80})") from None
    except ValidationError as error:
        raise InvalidInput(first_fault(error.errors(), "body")) from None
    except Exception as error:  # KServe's decoder raises whatever a wrong type leads to
        raise InvalidInput(f"body: not a v2 request ({type(error).__name__}: {error!s:.80})") from None


def encoded(response: InferResponse) -> tuple[bytes, dict[str, str]]:
    """(body, headers)"""
    content, json_size = response.to_rest()
    if json_size is None:
        return orjson.dumps(content), {"content-type": JSON}
    return content, {"content-type": BINARY, BINARY_HEADER: str(json_size)}


def check_tensors(inputs: int, outputs: int) -> None:
    """Raises InvalidInput on more inputs or outputs than there are."""
    for name, count, most in (("inputs", inputs, len(INPUTS)), ("outputs", outputs, len(OUTPUTS))):
        if count > most:
            raise InvalidInput(f"{name}: expected at most {most}, got {count}")


def first_fault(errors: Sequence[Any], *inside: str) -> str:
    """One line on the first of pydantic's errors: where, below `inside`, and what."""
    first = errors[0]
    return f"{'.'.join([*inside, *map(str, first['loc'])])}: {first['msg']}"


def _loaded(text: bytes) -> Any:
    if len(text) > MAX_MARKS and len(text) - len(text.translate(None, b",[{")) > MAX_MARKS:
        raise InvalidInput(f"body: expected at most {MAX_MARKS:,} commas and brackets, got more; send fewer items")
    return orjson.loads(text)


def _check(value: Any) -> None:
    """Refuses what is too much before each element of it is looked at."""
    if not isinstance(value, dict):
        raise InvalidInput(f"body: expected a JSON object, got {type(value).__name__}")
    inputs, outputs = (value.get(name) for name in ("inputs", "outputs"))
    sizes = [len(tensors) if isinstance(tensors, list) else 0 for tensors in (inputs, outputs)]
    check_tensors(*sizes)
    for tensor in inputs if isinstance(inputs, list) else ():
        data = tensor.get("data") if isinstance(tensor, dict) else None
        if isinstance(data, list) and len(data) > MAX_LIST:
            raise InvalidInput(f"input {tensor.get('name')!r:.40}: expected at most {MAX_LIST}, got {len(data)}")


def _check_sizes(value: dict[str, Any], binary: int) -> None:
    """Refuses binary tensors that are more or less than the rest of the body."""
    tensors = value.get("inputs")
    sizes = [
        size
        for tensor in (tensors if isinstance(tensors, list) else ())
        if isinstance(tensor, dict) and isinstance(parameters := tensor.get("parameters"), dict)
        if tensor.get("data") is None and (size := parameters.get("binary_data_size")) is not None
    ]
    if any(type(size) is not int or size < 0 for size in sizes):
        raise InvalidInput(f"binary_data_size: expected a size in bytes, got {sizes!r:.60}")
    if sum(sizes) != binary:
        raise InvalidInput(f"body: expected {sum(sizes)} bytes of binary tensors by their sizes, got {binary}")
