"""docs/reference/server.md: the options of a model server and the columns of its request log, from the code."""

from typing import NamedTuple

import pyarrow as pa

from model.request_log.reader import DETAIL, SCHEMA
from model.serving.server import ServerOptions
from model.system.program_options import Option, options_of
from pipelines.reference.schema_page import DOCS, table

PAGE = DOCS / "reference" / "server.md"
MEANINGS = {
    "request_id": "The v2 `id`, else the header `Ce-Id`, else a new one; also in the answer.",
    "version": "The model's.",
    "user_id": "The shopper.",
    "time_s": "The moment answered about, unix seconds.",
    "logged_s": "The server's clock at the answer, unix seconds.",
    "store_id": "Of the request; may be empty.",
    "k": "Of the request.",
    "route": "`split`; `unsticky`: `x-user-id` does not name the shopper, so the gateway could not split by it; "
    "`named`: `x-aisle-version` chose the version; `shadow`: a mirrored copy; `bulk`: a list of `aisle recommend`. "
    "Readers leave the last two out.",
    "rung": "As in the answer.",
    "state": "As in the answer.",
    "latency_ms": "From the arrival of the request to the answer.",
    "item_ids": "As shown, best first.",
    "scores": "Of the items.",
    "reasons": "Of the items.",
    "propensities": "Of the items; empty where nothing was left to chance.",
    "k_new": "Of the request.",
    "new_item_ids": "The second shelf; null where none was asked for.",
    "new_scores": "Of the second shelf.",
    "new_reasons": "Of the second shelf.",
    "exclude": "Of the request; for new items also what was bought before the stored events.",
    "within": "Of the request, as `attribute=value`.",
    "new_only": "Whether the list is of what is new to the shopper.",
    "history_items": "The history exactly as the model saw it, oldest first.",
    "history_times": "Unix seconds.",
    "history_stores": "Null where none is known.",
    "history_quantities": "Null where none is known.",
    "history_prices": "Null where none is known.",
    "attributes": "What the store knows of the shopper beside purchases, as `attribute=value`.",
    "candidate_ids": "All that was ranked, best first, before rules and re-ranking.",
    "candidate_scores": "Of the candidates.",
    "candidate_reasons": "Of the candidates.",
}
"""{column of the request log: what is in it}"""


class Column(NamedTuple):
    """One column of the request log."""

    name: str
    type: str
    meaning: str
    in_detail: bool
    """There only for requests logged in detail."""


def options() -> list[Option]:
    """Those of `python -m model.serving.server`."""
    return list(options_of(ServerOptions))


def columns() -> list[Column]:
    """Those of the request log, in their order."""
    return [Column(field.name, _type(field.type), MEANINGS[field.name], field in DETAIL) for field in SCHEMA]


def _type(of: pa.DataType) -> str:
    return f"list of {of.value_type}" if pa.types.is_list(of) else str(of)


def page() -> str:
    return table("server", options=options(), columns=columns()) + "\n"
