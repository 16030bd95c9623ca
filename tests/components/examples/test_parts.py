"""Examples built a few shoppers at a time are those of all shoppers at once."""

from pathlib import Path

import pandas as pd
import pytest

from components.artifacts.examples import ExamplesReport
from components.engines.engine import open_engine
from components.examples import run as stage
from components.examples.parts import by_shopper
from components.examples.run import build_examples
from components.ingest.run import ingest
from model.data import columns as c
from model.data.task import TaskKind
from model.files import tree_digests
from tests.worlds import market, purchases, run_settings, write
from tfx_configs.settings import DataSettings, RunSettings

SHOPPERS = 10


def busy_market() -> dict[str, pd.DataFrame]:
    """The market with views, carts and returns, of its own shoppers, of one who only views and of one who only returns
    something; in any order."""
    tables = market(shoppers=SHOPPERS)
    bought = tables["events"].assign(**{c.EVENT_TYPE: c.PURCHASE, c.QUANTITY: 2.0})
    earlier = bought.assign(**{c.TIME: bought[c.TIME] - pd.Timedelta(hours=1)})
    strangers = earlier.iloc[:2].assign(**{c.USER: ["stranger", "visitor"]})
    later = pd.concat([bought.iloc[::17], strangers.iloc[:1]])
    events = [
        bought,
        earlier.iloc[::3].assign(**{c.EVENT_TYPE: "view", c.QUANTITY: 1.0}),
        earlier.iloc[::7].assign(**{c.EVENT_TYPE: "cart", c.QUANTITY: 1.0}),
        strangers.iloc[1:].assign(**{c.EVENT_TYPE: "view", c.QUANTITY: 1.0}),
        later.assign(**{c.EVENT_TYPE: c.RETURN, c.QUANTITY: -2.0, c.TIME: later[c.TIME] + pd.Timedelta(days=2)}),
    ]
    return tables | {"events": pd.concat(events).sample(frac=1, random_state=5)}


def built(folder: Path, run: RunSettings, events_per_gb: float, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Digests of all files that the stage leaves."""
    monkeypatch.setattr(stage, "EVENTS_PER_GB", events_per_gb)
    build_examples(run=run, tables_dir=folder / "tables", examples_dir=folder / str(events_per_gb))
    return tree_digests(folder / str(events_per_gb))


@pytest.mark.parametrize(
    "changed",
    [
        {"labels": {"return_days": 30, "outcome_hours": 200.0, "quantity_quantile": 0.9, "gift_familiarity": 0.9}},
        {"task": "rest_of_session", "labels": {"positive_types": ("view", "cart", "purchase")}},
        {"task": "next_new_item", "labels": {"positive_types": ("view", "purchase")}},
    ],
)
def test_one_part_and_many_give_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changed: dict[str, object]
) -> None:
    run = run_settings(write(tmp_path / "in", **busy_market()), memory_gb=1.0)
    run = RunSettings.from_dict(run.model_dump() | changed | {"labels": run.labels.model_dump() | changed["labels"]})
    ingest(data=run.data, tables_dir=tmp_path / "tables")
    assert built(tmp_path, run, 1, monkeypatch) == built(tmp_path, run, 1e6, monkeypatch)
    report = ExamplesReport.load(tmp_path / "1")
    assert (report.trips > SHOPPERS, report.views > 0) == (True, True)
    if report.task is TaskKind.NEXT_BASKET:
        assert min(report.lines_returned, report.returns_unmatched, report.lines_late) > 0


def test_parts_are_of_whole_shoppers_in_order_and_of_about_the_size_asked_for() -> None:
    """Shoppers of 1, 5, 1 and 1 events: the first two begin among the first three events, the others after them."""
    events = purchases(("a", 1, "x"), ("b", 1, "v w x y z"), ("c", 1, "x"), ("d", 1, "x"))
    with open_engine(DataSettings()) as engine:
        table = engine.table(events.sample(frac=1, random_state=3))
        parts = [part.to_pandas() for part in by_shopper(engine, table, len(events), 3)]
        assert by_shopper(engine, table, len(events), 8) == [table]
    assert [sorted(set(part[c.USER])) for part in parts] == [["a", "b"], ["c", "d"]]
    assert sum(map(len, parts)) == len(events)
