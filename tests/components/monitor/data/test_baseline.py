"""The baseline of the weeks before the cut, with hand-computed values."""

from pathlib import Path

import numpy as np
import pytest

from components.monitor.data import baseline as reference
from components.monitor.run import Inputs, read_record
from model.data import columns as c
from model.errors import InputError
from model.files import write_json
from tests.components.monitor.shop import CUT_S, WEEKS
from tests.components.monitor.world import World
from tests.trips_of_events import build_trips
from tests.worlds import purchases, seconds, write
from tfx_configs.labels import LabelSettings
from tfx_configs.monitoring import MonitorSettings
from tfx_configs.settings import RunSettings

WORLD = purchases(
    ("u1", 1, "a b"),
    ("u2", 2, "d"),
    ("u1", 10, "a"),
    ("u1", 20, "a d"),
    ("u2", 22, "a"),
    ("u1", 40, "e"),  # after the cut
).assign(event_type="purchase", quantity=1.0)
IDS = np.array(["a", "b", "d", "e", "z"], dtype=object)


@pytest.fixture(scope="module")
def baseline(tmp_path_factory: pytest.TempPathFactory) -> reference.Baseline:
    folder = tmp_path_factory.mktemp("baseline")
    write(folder / "tables", events=WORLD)
    build_trips(WORLD, IDS, seconds(30), 100).save(folder / "examples" / "trips")
    versions = {"aisle": "v7", "personal_frequency": "v1"}
    models = {
        "aisle": {"recall@10": 0.3, "calibration_ratio@10": 1.1},
        "personal_frequency": {"recall@10": 0.2, "calibration_ratio@10": None},
    }
    write_json(folder / "evaluation" / "metrics.json", {"versions": versions, "models": models})
    out = folder / "reference"
    settings = MonitorSettings()
    reference.build(
        tables=folder / "tables",
        examples=folder / "examples",
        out=out,
        run=RunSettings(),
        settings=settings,
        evaluation=folder / "evaluation",
    )
    return reference.load(out)


def test_the_plain_ranker_lists_what_was_bought_most_before_the_visit(baseline: reference.Baseline) -> None:
    lists = {(row[c.USER], row["time_s"]): list(row["items"]) for _, row in baseline.visits.iterrows()}
    assert lists[("u1", seconds(1))] == []
    assert lists[("u1", seconds(20))] == ["a", "b"]
    assert lists[("u2", seconds(22))] == ["d"]
    assert baseline.visits["hits"].tolist() == [0, 0, 1, 1, 0]  # in time order


def test_first_sights_and_purchases_end_at_the_cut(baseline: reference.Baseline) -> None:
    assert baseline.items["d"] == seconds(2)
    assert np.isnan(baseline.items["e"]) and np.isnan(baseline.items["z"])
    assert dict(baseline.users) == {"u1": seconds(1), "u2": seconds(2)}
    assert baseline.purchases[c.TIME].max() == seconds(22) and baseline.cut_s == seconds(30)


def test_levels_come_from_the_evaluation(baseline: reference.Baseline) -> None:
    assert baseline.facts.levels["v7"]["hits_per_trip"] == pytest.approx(1.5)
    assert baseline.facts.probable == ("v7",)


def test_only_a_sample_of_shoppers_is_answered_and_each_of_them_always(shop: World) -> None:
    answered = shop.baseline.visits.groupby(c.USER)["listed"].agg(lambda listed: listed.notna().mean())
    assert set(answered) == {0.0, 1.0}
    weeks = 14
    assert shop.baseline.visits["listed"].notna().sum() == (answered == 1.0).sum() * weeks <= 2000
    assert WEEKS == 20 and shop.baseline.facts.begin_s == CUT_S - weeks * 7 * 86_400


def test_what_counts_as_bought_is_what_the_model_learned_from(tmp_path: Path) -> None:
    lines = WORLD.assign(event_type=np.where(WORLD[c.ITEM] == "e", "view", "purchase"))
    write(tmp_path / "tables", events=lines)
    build_trips(lines, IDS, seconds(30), 100).save(tmp_path / "examples" / "trips")
    run = RunSettings(labels=LabelSettings(positive_types=("purchase", "view")))
    places = {"tables": tmp_path / "tables", "examples": tmp_path / "examples", "out": tmp_path / "baseline"}
    reference.build(**places, run=run, settings=MonitorSettings())
    baseline = reference.load(tmp_path / "baseline")
    assert baseline.facts.labels == run.labels
    inputs = Inputs(baseline=tmp_path / "baseline", log=None, tables=tmp_path / "tables", out=tmp_path)
    assert read_record(inputs, seconds(60), MonitorSettings()).purchases[c.ITEM].tolist() == ["e"]


def test_a_directory_without_a_baseline_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"reference: expected reference\.json"):
        reference.load(tmp_path)
