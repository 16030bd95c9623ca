import json
from pathlib import Path

from model.serving.request_log import RequestLog


def test_close_writes_everything_that_was_queued_one_line_each(tmp_path: Path) -> None:
    path = tmp_path / "logs" / "requests.jsonl"
    with RequestLog(path) as log:
        for n in range(1000):
            log.write({"request_id": str(n), "item_ids": ["a\n", "é"]})
    lines = path.read_text().splitlines()
    assert [json.loads(line)["request_id"] for line in lines] == [str(n) for n in range(1000)]


def test_a_new_log_appends_to_the_old_file(tmp_path: Path) -> None:
    for n in (1, 2):
        with RequestLog(tmp_path / "log") as log:
            log.write({"n": n})
    assert (tmp_path / "log").read_text() == '{"n":1}\n{"n":2}\n'
