"""The writer, and the reader beside it: nothing is read twice, nothing that was written is lost."""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from model.errors import InputError
from model.request_log.reader import SCHEMA, read
from model.serving.request_log.writer import LogOptions, RequestLog
from model.serving.telemetry import metrics
from tfx_configs.frozen import SettingsError


def _row(n: int, **more: Any) -> dict[str, Any]:
    return {"request_id": str(n), "version": "v1", "time_s": n, "logged_s": float(n), "item_ids": ["a\n", "é"]} | more


def _ids(directory: Path, **span: int) -> list[str]:
    return [str(name) for name in read(directory, **span)["request_id"].to_pylist()]


def _wait_for(directory: Path, rows: int) -> None:
    deadline = time.monotonic() + 10
    while len(read(directory)) < rows:
        assert time.monotonic() < deadline
        time.sleep(0.005)


def _suffixes(directory: Path) -> list[str]:
    return sorted(path.suffix for path in directory.iterdir())


def test_every_row_is_read_once_while_files_are_written_finished_and_at_the_end(tmp_path: Path) -> None:
    with RequestLog(tmp_path, LogOptions(roll_rows=300)) as log:
        for n in range(1000):
            log.write(_row(n))
            if n % 100 == 0:
                written = _ids(tmp_path)
                assert written == [str(m) for m in range(len(written))]
        _wait_for(tmp_path, 1000)
        assert _suffixes(tmp_path) == [".journal"] + [".parquet"] * 3
    assert _suffixes(tmp_path) == [".parquet"] * 4
    assert _ids(tmp_path) == [str(n) for n in range(1000)]
    table = read(tmp_path)
    assert table.schema.equals(SCHEMA)
    assert table["item_ids"][0].as_py() == ["a\n", "é"]
    assert table["history_items"].null_count == 1000


def test_a_file_is_finished_after_its_time(tmp_path: Path) -> None:
    with RequestLog(tmp_path, LogOptions(roll_s=0.05)) as log:
        log.write(_row(1))
        deadline = time.monotonic() + 10
        while _suffixes(tmp_path) != [".parquet"]:
            assert time.monotonic() < deadline
            time.sleep(0.005)
        log.write(_row(2))
        _wait_for(tmp_path, 2)
    assert _ids(tmp_path) == ["1", "2"]


def test_only_the_span_asked_for_is_read(tmp_path: Path) -> None:
    with RequestLog(tmp_path, LogOptions(roll_rows=4)) as log:
        for n in range(10):
            log.write(_row(n))
    assert _ids(tmp_path, since_s=3, until_s=6) == ["3", "4", "5"]
    assert _ids(tmp_path, since_s=8) == ["8", "9"]
    assert _ids(tmp_path, until_s=1) == ["0"]
    assert read(tmp_path, columns=["time_s", "k"]).column_names == ["time_s", "k"]


def test_what_a_killed_process_left_is_read_and_finished_by_the_next(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.model.serving.request_log.test_writer", str(tmp_path)]
    with subprocess.Popen(command) as writer:
        _wait_for(tmp_path, 100)
        with RequestLog(tmp_path):  # a second process may come while the first one lives
            assert _suffixes(tmp_path) == [".journal"]
        writer.kill()
    journal = next(tmp_path.glob("*.journal"))
    with journal.open("a") as half:
        half.write('{"request_id": "10')
    assert _ids(tmp_path) == [str(n) for n in range(100)]
    with RequestLog(tmp_path):
        assert _suffixes(tmp_path) == [".parquet"]
    assert _ids(tmp_path) == [str(n) for n in range(100)]


def test_a_row_that_cannot_be_written_is_dropped_and_counted(tmp_path: Path) -> None:
    before = metrics.LOG_DROPPED._value.get()
    with RequestLog(tmp_path / "log") as log:
        log.write(_row(1, user_id=object()))
        log.write(_row(2))
    assert metrics.LOG_DROPPED._value.get() == before + 1
    assert _ids(tmp_path / "log") == ["2"]


def test_the_share_logged_in_detail_is_a_matter_of_the_request_id_alone(tmp_path: Path) -> None:
    with RequestLog(tmp_path / "a", LogOptions(detail_percent=10)) as log:
        chosen = [n for n in range(10_000) if log.detailed(str(n))]
    with RequestLog(tmp_path / "b", LogOptions(detail_percent=20)) as log:
        assert all(log.detailed(str(n)) for n in chosen)
    assert 900 < len(chosen) < 1100  # 3.3 standard errors of 1,000


def test_what_cannot_be_a_log_is_refused_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="expected a directory to write to"):
        RequestLog(tmp_path / "file")
    with pytest.raises(InputError, match="expected a directory at"):
        read(tmp_path / "nothing")
    (tmp_path / "x.parquet").write_text("x")
    with pytest.raises(InputError, match="has a file that cannot be read"):
        read(tmp_path)
    for wrong in ({"detail_percent": 101.0}, {"roll_rows": 0}, {"roll_s": 0.0}):
        with pytest.raises(SettingsError, match="expected"):
            LogOptions(**wrong)  # type: ignore[arg-type]


def _write_and_wait() -> None:
    log = RequestLog(Path(sys.argv[1]))
    for n in range(100):
        log.write(_row(n))
    time.sleep(60)
    os._exit(1)


if __name__ == "__main__":
    _write_and_wait()


def test_answers_to_mirrored_copies_are_read_only_where_they_are_asked_for(tmp_path: Path) -> None:
    with RequestLog(tmp_path) as log:
        for n, route in enumerate(("split", "shadow", "named", None)):
            log.write(_row(n, route=route))
        _wait_for(tmp_path, 3)
        assert _ids(tmp_path) == ["0", "2", "3"]
    assert _ids(tmp_path) == ["0", "2", "3"]
    assert _ids(tmp_path, since_s=2) == ["2", "3"]
    assert read(tmp_path, also=("shadow",))["route"].to_pylist() == ["split", "shadow", "named", None]
