"""`aisle inspect`: what it prints, what it writes, and its exit code."""

import json
from pathlib import Path

import pandas as pd
import pytest

from pipelines.cli import main
from tests.worlds import market


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """A market whose export has names and words of its own."""
    folder = tmp_path / "export"
    folder.mkdir()
    tables = market()
    events = tables["events"].rename(columns={"user_id": "CustomerID", "item_id": "sku", "event_time": "InvoiceDate"})
    events.assign(event_type="transaction").to_csv(folder / "events.csv", index=False)
    tables["items"].rename(columns={"item_id": "sku"}).to_csv(folder / "items.csv", index=False)
    return folder


def test_names_are_recognised_and_the_file_that_is_written_makes_them_settings(
    export: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = tmp_path / "shop.yaml"
    assert main(["inspect", str(export), "--write", str(settings)]) == 0
    first = capsys.readouterr().out
    assert "Steps on a cluster for so many events: ingest 2 CPU 8G, validate 2 CPU 8G, examples" in first
    assert "resources:\n  events: " in settings.read_text()
    assert "CustomerID" in first and "transaction: purchase" in first
    assert "Task: next_basket." in first
    assert main(["inspect", str(export), "--config", str(settings)]) == 0
    assert (
        capsys.readouterr().out.partition("Settings to start from")[0] == first.partition("Settings to start from")[0]
    )


def test_programs_get_json_and_nothing_else(export: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(export), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["data"]["columns"] == {"CustomerID": "user_id", "InvoiceDate": "event_time", "sku": "item_id"}
    assert answer["sizes"]["examples"] == {"cpu": "2", "memory": "8G"}
    assert [column["taken_for"] for column in answer["tables"][1]["columns"]] == ["item_id", "attribute", "attribute"]
    assert answer["task"]["runs"] is True


def test_a_shop_where_no_shopper_comes_back_has_no_task(
    export: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    events = pd.read_csv(export / "events.csv").drop_duplicates("basket_id")
    events.assign(CustomerID=events["basket_id"]).to_csv(export / "events.csv", index=False)
    assert main(["inspect", str(export)]) == 1
    out = capsys.readouterr().out
    assert "0 come back (0.0 %)" in out and "Task: none. no cut leaves 30 trips to judge" in out


def test_what_a_run_would_stop_at_is_shown_beside_the_columns(export: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pd.read_csv(export / "events.csv").assign(event_type="return").to_csv(export / "events.csv", index=False)
    assert main(["inspect", str(export)]) == 1
    out = capsys.readouterr().out
    assert "CustomerID" in out
    assert "A run would stop at ingest: events: expected events of type purchase or view or cart, got none" in out


def test_items_that_validation_would_miss_are_named(export: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pd.read_csv(export / "items.csv").iloc[::2].to_csv(export / "items.csv", index=False)
    assert main(["inspect", str(export)]) == 1
    lines = capsys.readouterr().out.splitlines()
    (advice,) = [line for line in lines if "without a row in items, 20 % may be: add the rows, or --set" in line]
    assert main(["inspect", str(export), "--set", advice.rpartition("--set ")[2]]) == 0


def test_what_is_no_export_is_bad_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(tmp_path / "nothing")]) == 2
    error = capsys.readouterr().err
    assert error.startswith("aisle: expected a directory with events.parquet") and error.count("\n") == 1
