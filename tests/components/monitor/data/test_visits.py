"""Which rows of the request log the monitor reads."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from components.monitor.data import visits
from model.request_log.reader import SCHEMA


def test_lists_of_what_is_new_are_left_out_and_rows_of_older_servers_are_not(tmp_path: Path) -> None:
    rows = [
        {"user_id": user, "time_s": 5, "logged_s": 5.0, "new_only": new_only}
        for user, new_only in (("list", False), ("shelf", True), ("older", None))
    ]
    pq.write_table(pa.Table.from_pylist(rows, schema=SCHEMA), tmp_path / "v1-1-1-000001.parquet")
    rows = visits.read(tmp_path, 0, 10)
    assert rows["user_id"].tolist() == ["list", "older"]
    assert list(rows.columns) == list(visits.none().columns)
