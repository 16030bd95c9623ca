"""The tables as they are now, for the monitor, which reads what ingest leaves."""

from pathlib import Path

import pandas as pd
import pytest
from kfp import dsl

from components.artifacts import purchases
from components.ingest.op import ingest_now as step
from components.ingest.run import current_data, ingest
from model.data import columns as c
from model.errors import InputError
from tests import worlds
from tests.worlds import run_settings, seconds
from tfx_configs.labels import LabelSettings


def _bought(tables: Path) -> pd.DataFrame:
    return purchases.read(tables, seconds(0), seconds(100), LabelSettings())


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """What a shop writes: CSV, unix seconds, no event type, quantity or price; one product twice in a basket."""
    lines = worlds.purchases(("u1", 0, "a a b"), ("u2", 40, "b"))[[c.USER, c.ITEM, c.TIME, c.BASKET]]
    folder = tmp_path / "shop"
    folder.mkdir()
    lines.assign(event_time=lines[c.TIME].astype("datetime64[s]").astype("int64")).to_csv(
        folder / "events.csv", index=False
    )
    pd.DataFrame({c.ITEM: ["a", "b"]}).to_csv(folder / "items.csv", index=False)
    return folder


def test_the_monitor_reads_every_form_of_data_that_training_reads(shop: Path, tmp_path: Path) -> None:
    returned = step.python_func(
        training="", source=str(shop), out=str(tmp_path / "out"), metrics=dsl.Metrics(uri=str(tmp_path / "metrics"))
    )
    assert returned == str(tmp_path / "out" / "tables")
    bought = _bought(Path(returned))
    assert bought[[c.USER, c.ITEM, c.QUANTITY]].to_numpy().tolist() == [
        ["u1", "a", 2.0],
        ["u1", "b", 1.0],
        ["u2", "b", 1.0],
    ]
    assert bought[c.TIME].tolist() == [seconds(0), seconds(0), seconds(40)]


def test_what_was_ingested_already_stays_as_it_is(shop: Path, tmp_path: Path) -> None:
    ingest(data=current_data(None, str(shop)), tables_dir=tmp_path / "once")
    ingest(data=current_data(None, str(tmp_path / "once")), tables_dir=tmp_path / "twice")
    assert _bought(tmp_path / "once").equals(_bought(tmp_path / "twice"))


def test_the_training_settings_decide_what_is_read_and_a_cut_beyond_the_tables_does_no_harm(
    shop: Path, tmp_path: Path
) -> None:
    run = run_settings(shop)
    cut = run.replace(data=run.data.replace(cut_date="2031-01-01"))
    report = ingest(data=current_data(cut.data, "/nowhere"), tables_dir=tmp_path / "tables")
    assert report.events == 3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda lines: lines.drop(columns=c.EVENT_TYPE), "no event_type"),
        (lambda lines: lines.assign(event_time=lines[c.TIME].astype("int64")), "event_time of type int64"),
    ],
)
def test_tables_that_no_ingest_wrote_are_refused_in_one_line(tmp_path: Path, change, message: str) -> None:
    lines = worlds.purchases(("u1", 0, "a")).assign(event_type="purchase", quantity=1.0)
    worlds.write(tmp_path, events=change(lines))
    with pytest.raises(InputError, match=f"expected events as ingest writes them, found {message}"):
        _bought(tmp_path)
