"""What a v2 inference request may hold: the one table that validation, the model's metadata and the docs share."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import numpy as np

from model.errors import InputError

MAX_K = 100
DEFAULT_K = 10
MAX_LIST = 1000
MAX_ID_BYTES = 256
MIN_QUANTITY, MAX_NUMBER = 1e-6, 1e9
"""Of a quantity or a price."""

_RFC3339 = re.compile(r"(\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d)(?:\.\d{1,12})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Tensor:
    """One input or output: `size` is 1, or -1 for as many as there are.

    Example:
        >>> INPUTS[0].metadata()
        {'name': 'user_id', 'datatype': 'BYTES', 'shape': [1]}
    """

    name: str
    datatype: str
    size: int
    doc: str
    required: bool = False

    def metadata(self) -> dict[str, Any]:
        """The v2 protocol's metadata_tensor object."""
        return {"name": self.name, "datatype": self.datatype, "shape": [self.size]}


INPUTS = (
    Tensor(name="user_id", datatype="BYTES", size=1, required=True, doc="The shopper."),
    Tensor(name="k", datatype="INT32", size=1, doc=f"How many items, 1 to {MAX_K}; {DEFAULT_K} when absent."),
    Tensor(
        name="k_new",
        datatype="INT32",
        size=1,
        doc=f"How many items of a second shelf, of what the shopper never bought, 0 to {MAX_K}; 0 when absent.",
    ),
    Tensor(name="store_id", datatype="BYTES", size=1, doc="Where the shopper is; may be empty."),
    Tensor(name="request_time", datatype="BYTES", size=1, doc="RFC 3339 with zone; after all stored when absent."),
    Tensor(name="exclude", datatype="BYTES", size=-1, doc="Items that must not be in the answer."),
    Tensor(
        name="within",
        datatype="BYTES",
        size=-1,
        doc="attribute=value pairs: only items with one of the values of each attribute named.",
    ),
    Tensor(
        name="new_only",
        datatype="BOOL",
        size=1,
        doc="true: only what the shopper never bought; false: repeats too; the model's task decides when absent.",
    ),
    Tensor(
        name="recent_items",
        datatype="BYTES",
        size=-1,
        doc="What the shopper bought lately, oldest first; used only when the store does not know the shopper.",
    ),
    Tensor(name="recent_stores", datatype="BYTES", size=-1, doc="Where each of them was bought; may be empty."),
    Tensor(name="recent_quantities", datatype="FP32", size=-1, doc="Pieces of each, above 0; 1 when absent."),
    Tensor(name="recent_prices", datatype="FP32", size=-1, doc="Paid per piece; 0 is not known."),
)
SHELF = (
    Tensor(name="item_id", datatype="BYTES", size=-1, doc="At most k items, best first."),
    Tensor(name="score", datatype="FP32", size=-1, doc="Their scores, comparable within one answer."),
    Tensor(name="reason", datatype="BYTES", size=-1, doc="Why each is there."),
)
NEW_SHELF = tuple(
    Tensor(name=f"new_{tensor.name}", datatype=tensor.datatype, size=-1, doc=f"{tensor.doc} Only with k_new above 0.")
    for tensor in SHELF
)
OUTPUTS = (*SHELF, *NEW_SHELF)

_BY_NAME = {tensor.name: tensor for tensor in INPUTS}
_ELEMENTS = {"INT32": ((int,), "integers"), "BOOL": ((bool,), "true or false"), "FP32": ((int, float), "numbers")}
"""{datatype: (types of its elements in Python, in words)}"""


class InputTensor(Protocol):
    """The part of kserve.InferInput that is read here."""

    name: str
    datatype: str
    shape: list[int]
    data: Any

    def as_numpy(self) -> np.ndarray: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Query:
    """A valid request, before the shopper's history is looked up.

    Example:
        >>> from types import SimpleNamespace
        >>> user = SimpleNamespace(name="user_id", datatype="BYTES", shape=[1], data=["ann"])
        >>> query = parse([user], now_s=1_700_000_000)
        >>> query.user_id, query.time_s, query.k
        ('ann', 1700000000, 10)
    """

    user_id: str
    time_s: int
    """The moment asked about, unix seconds; the present one where the request names none."""
    timed: bool = False
    """Whether the request names it."""
    k: int = DEFAULT_K
    k_new: int = 0
    store_id: str = ""
    exclude: tuple[str, ...] = ()
    within: tuple[tuple[str, str], ...] = ()
    new_only: bool | None = None
    recent_items: tuple[str, ...] = ()
    recent_stores: tuple[str, ...] = ()
    """As many as items, or none; likewise the next two."""
    recent_quantities: tuple[float, ...] = ()
    recent_prices: tuple[float, ...] = ()

    @property
    def before_s(self) -> int | None:
        """The history is of purchases strictly before this, unix seconds; None: of all."""
        return self.time_s if self.timed else None


def check_id(name: str, value: str) -> str:
    """`value`, when it can be the id of a shopper, a product, an event or a store; raises InputError when not."""
    size = len(value.encode("utf-8", "surrogatepass"))
    if not 0 < size <= MAX_ID_BYTES or "\0" in value or size != len(value.encode("utf-8", "ignore")):
        raise InputError(f"{name}: expected 1 to {MAX_ID_BYTES} bytes of UTF-8 without NUL, got {value[:40]!r}")
    return value


def check_quantity(name: str, value: Any) -> float:
    """`value`, when it can be how many pieces were bought; raises InputError when not."""
    if type(value) not in (int, float) or not MIN_QUANTITY <= value <= MAX_NUMBER:
        expected = f"a number from {MIN_QUANTITY:f} to {MAX_NUMBER:.0f}"
        raise InputError(f"{name}: expected {expected}, got {_short(value)}")
    return float(value)


def check_price(name: str, value: Any) -> float:
    """`value`, when it can be what was paid per piece; raises InputError when not."""
    if type(value) not in (int, float) or not 0 <= value <= MAX_NUMBER:
        raise InputError(f"{name}: expected a number from 0 to {MAX_NUMBER:.0f}, got {_short(value)}")
    return float(value)


def parse(tensors: Sequence[InputTensor], now_s: int) -> Query:
    """The request's inputs as a Query; raises InputError, one line, on anything that is not as in INPUTS."""
    values: dict[str, list[Any]] = {}
    for tensor in tensors:
        spec = _BY_NAME.get(tensor.name)
        if spec is None:
            raise InputError(f"input {_short(tensor.name)}: unknown; the model takes {', '.join(_BY_NAME)}")
        if tensor.name in values:
            raise InputError(f"input {tensor.name}: given twice; send it once")
        values[tensor.name] = _values(spec, tensor)
    if "user_id" not in values:
        raise InputError("input user_id: missing; send it as BYTES [1]")
    k, k_new = values.get("k", [DEFAULT_K])[0], values.get("k_new", [0])[0]
    if not 1 <= k <= MAX_K:
        raise InputError(f"input k: expected 1 to {MAX_K}, got {k}")
    if not 0 <= k_new <= MAX_K:
        raise InputError(f"input k_new: expected 0 to {MAX_K}, got {k_new}")
    if k_new and values.get("new_only", [False])[0]:
        raise InputError("input k_new: expected 0 with new_only, whose list is of what is new already")
    recent_items = values.get("recent_items", [])
    for name in ("recent_stores", "recent_quantities", "recent_prices"):
        if name in values and len(values[name]) != len(recent_items):
            raise InputError(
                f"input {name}: expected one for each of {len(recent_items)} recent_items, got {len(values[name])}"
            )
    return Query(
        user_id=check_id("input user_id", values["user_id"][0]),
        time_s=parse_time("input request_time", values["request_time"][0]) if "request_time" in values else now_s,
        timed="request_time" in values,
        k=k,
        k_new=k_new,
        store_id=values.get("store_id", [""])[0],
        exclude=tuple(values.get("exclude", [])),
        within=tuple(_pair(text) for text in values.get("within", [])),
        new_only=values.get("new_only", [None])[0],
        recent_items=tuple(check_id("input recent_items", item) for item in recent_items),
        recent_stores=tuple(values.get("recent_stores", [])),
        recent_quantities=tuple(
            check_quantity("input recent_quantities", number) for number in values.get("recent_quantities", [])
        ),
        recent_prices=tuple(check_price("input recent_prices", number) for number in values.get("recent_prices", [])),
    )


def _pair(text: str) -> tuple[str, str]:
    attribute, sign, value = text.partition("=")
    if not (attribute and sign and value):
        raise InputError(f"input within: expected attribute=value, got {_short(text)}")
    return attribute, value


def parse_time(name: str, text: Any) -> int:
    """Unix seconds of an RFC 3339 time with a zone, 1970 or later; raises InputError."""
    try:
        if isinstance(text, str) and (match := _RFC3339.fullmatch(text)):
            seconds = int(datetime.fromisoformat(f"{match[1]}{match[2].upper()}").timestamp())
            if seconds >= 0:
                return seconds
    except (ValueError, OverflowError):
        pass
    raise InputError(f"{name}: expected RFC 3339 since 1970, like 2017-12-04T09:30:00Z, got {_short(text)}")


def _values(spec: Tensor, tensor: InputTensor) -> list[Any]:
    """The tensor's elements as str, int, float or bool, after checking datatype, shape and every element."""
    name = f"input {spec.name}"
    if tensor.datatype != spec.datatype:
        raise InputError(f"{name}: expected datatype {spec.datatype}, got {_short(tensor.datatype)}")
    shape = list(tensor.shape)
    if len(shape) != 1 or (spec.size == 1 and shape != [1]) or not 0 <= shape[0] <= MAX_LIST:
        expected = "[1]" if spec.size == 1 else f"[n], n at most {MAX_LIST}"
        raise InputError(f"{name}: expected shape {expected}, got {_short(shape)}")
    values = _elements(name, tensor)
    if len(values) != shape[0]:
        raise InputError(f"{name}: expected {shape[0]} elements by its shape, got {len(values)}")
    if spec.datatype == "BYTES":
        return [_text(name, value) for value in values]
    kinds, words = _ELEMENTS[spec.datatype]
    for value in values:
        if type(value) not in kinds:
            raise InputError(f"{name}: expected {words}, got {_short(value)}")
    return values


def _elements(name: str, tensor: InputTensor) -> list[Any]:
    if isinstance(tensor.data, list) and tensor.data:
        return tensor.data
    try:
        return list(tensor.as_numpy().tolist())
    except Exception as error:  # the decoder's own errors are of many kinds: struct.error, ValueError, TypeError
        raise InputError(f"{name}: the data does not fit datatype and shape ({_short(str(error))})") from None


def _text(name: str, value: Any) -> str:
    if isinstance(value, bytes):
        try:
            value = value.decode()
        except UnicodeDecodeError:
            raise InputError(f"{name}: expected UTF-8, got {_short(value)}") from None
    if not isinstance(value, str):
        raise InputError(f"{name}: expected strings, got {_short(value)}")
    return check_id(name, value) if value else value


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
