"""A request log and purchases of a made-up shop, as a cluster leaves them in its bucket."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from model.request_log.reader import SCHEMA
from tests import worlds

BEGAN_S = worlds.seconds(100)
HOUR_S = 3600


def row(user: str, version: str, hour: float, items: Sequence[str] = ("a", "b"), **changes: Any) -> dict[str, Any]:
    """A row of the log, `hour` hours after the share was set."""
    time_s = BEGAN_S + round(hour * HOUR_S)
    return {
        "request_id": f"{user}-{hour}-{version}",
        "version": version,
        "user_id": user,
        "time_s": time_s,
        "logged_s": time_s + 0.01,
        "store_id": "s1",
        "route": "split",
        "item_ids": list(items),
    } | changes


def write_log(folder: Path, rows: Sequence[dict[str, Any]], name: str = "v-1-1-1") -> Path:
    """One more file of the log in `folder`; returns it."""
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(list(rows), SCHEMA), folder / f"{name}.parquet")
    return folder


def write_purchases(folder: Path, bought: Sequence[tuple[str, float, str]]) -> Path:
    """Canonical tables with (shopper, hours after the share was set, items); returns their directory."""
    day = BEGAN_S / 86_400 - worlds.seconds(0) / 86_400
    events: pd.DataFrame = worlds.purchases(*((user, day + hour / 24, items) for user, hour, items in bought))
    worlds.write(folder, events=events.assign(event_type="purchase", quantity=1.0))
    return folder
