"""Validation through its own interpreter: one child process checks the clean shop and every corruption of it."""

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from components.artifacts.tables import DominantShopper, IngestReport
from components.kfp_support.environments import call
from model.files import read_json
from tests.components.validate.corruptions import CORRUPTIONS, Corruption, handled, matching, write_corrupted
from tests.components.validate.world import Frames, clean_shop, ratings, write
from tfx_configs.settings import DataSettings, RunSettings
from tfx_configs.stages import ValidateStage

SETTINGS = RunSettings(data=DataSettings(test_days=14))


@pytest.fixture(scope="module")
def validated(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """{name: answer} for every corruption, the clean shop, and variants of it; also the output root under ''."""
    root, out = tmp_path_factory.mktemp("tables"), tmp_path_factory.mktemp("out")
    frames = clean_shop()
    folders = {c.name: write_corrupted(c, frames, root / c.name) for c in CORRUPTIONS}
    folders["clean"] = write(frames, root / "clean")
    folders["any attributes"] = write(_any_attributes(frames), root / "any attributes")
    folders["ratings"] = write(ratings(), root / "ratings")
    _ingested_twice().save(folders["ratings"])
    folders["one giant"] = write(_one_giant(frames), root / "one giant")
    folders["no items"] = write({"events": frames["events"]}, root / "no items")
    kwargs = {
        "folders": [str(f) for f in folders.values()],
        "out_root": str(out),
        "settings_json": ValidateStage.of(SETTINGS).to_json(),
    }
    answers = call("validate", "tests.components.validate.driver:validate_all", kwargs)
    return {name: answers[str(folder)] for name, folder in folders.items()} | {"": out}


def _any_attributes(frames: Frames) -> Frames:
    items = frames["items"].assign(artist=None, price=3.5, year=[str(1990 + i) for i in range(len(frames["items"]))])
    users = frames["events"][["user_id"]].drop_duplicates().assign(shoe_size="44")
    return frames | {"items": items, "users": users}


def _ingested_twice() -> IngestReport:
    """The report of an export that has every row twice, and one user id for all guests."""
    counts = {"rows_in": 6000, "events": 3000, "purchases": 3000, "users_seen": 60, "items_seen": 50, "items": 50}
    return IngestReport(
        source="canonical",
        engine="duckdb",
        dropped={},
        dropped_percent=0.0,
        repaired={},
        first_event_s=0,
        last_event_s=1,
        cut_s=1,
        cut="1970-01-01",
        exact_duplicate_percent=50.0,
        dominant_shoppers=(DominantShopper(user="guest", percent_of_rows=12.0, percent_of_baskets=9.0),),
        **counts,
    )


def _one_giant(frames: Frames) -> Frames:
    events = frames["events"].copy()
    events.loc[5, "quantity"] = 50_000.0
    return frames | {"events": events}


def test_a_clean_shop_has_no_findings(validated: dict[str, Any]) -> None:
    assert validated["clean"]["result"]["anomalies"] == []
    assert validated["clean"]["summary"] == {
        "verdict": "ok",
        "stops": 0,
        "warnings": 0,
        "rows": 4200 + 40,
        "columns": 9 + 2,
        "first_stop": "",
    }


def test_drift_is_measured_on_the_clean_shop_and_is_small(validated: dict[str, Any]) -> None:
    drift = {d["feature"]: d for d in validated["clean"]["result"]["drift"]}
    assert set(drift) == {"log_price", "log_quantity", "hour", "store_id", "event_type", "weekday"}
    assert all(d["value"] <= d["limit"] for d in drift.values())


def test_one_extreme_value_is_not_drift(validated: dict[str, Any]) -> None:
    assert validated["one giant"]["result"]["anomalies"] == []
    drift = {
        name: {d["feature"]: d["value"] for d in validated[name]["result"]["drift"]} for name in ("clean", "one giant")
    }
    assert drift["one giant"]["log_quantity"] == pytest.approx(drift["clean"]["log_quantity"], abs=0.001)


@pytest.mark.parametrize("corruption", CORRUPTIONS, ids=lambda c: c.name)
def test_each_corruption_gets_the_right_answer(validated: dict[str, Any], corruption: Corruption) -> None:
    anomalies = validated[corruption.name]["result"]["anomalies"]
    clean = validated["clean"]["result"]["anomalies"]
    assert handled(corruption, anomalies, clean), anomalies
    for finding in matching(corruption, anomalies, clean):
        assert all(finding[field] for field in ("table", "column", "expected", "received", "what_to_do"))


def test_undeclared_attributes_are_accepted_and_an_empty_one_is_named(validated: dict[str, Any]) -> None:
    (empty,) = validated["any attributes"]["result"]["anomalies"]
    assert (empty["table"], empty["column"], empty["check"]) == ("items", "artist", "missing_attribute")
    assert empty["severity"] == "warn" and empty["received"] == "none in 100.0 %, such as 'i0'"


def test_bursts_of_ratings_without_price_or_store_do_not_stop(validated: dict[str, Any]) -> None:
    assert validated["ratings"]["summary"]["stops"] == 0, validated["ratings"]["result"]["anomalies"]


def test_a_double_load_and_a_guest_id_that_ingest_saw_are_in_the_report(validated: dict[str, Any]) -> None:
    anomalies = {a["column"]: a for a in validated["ratings"]["result"]["anomalies"] if a["table"] == "events"}
    assert anomalies["basket_id"]["received"] == "50.0 % exact copies"
    assert anomalies["user_id"]["received"] == "guest with 12.0 % of rows and 9.0 % of baskets"
    assert anomalies["user_id"]["what_to_do"].endswith("""--set 'data.guest_ids=["guest"]'""")
    assert {a["severity"] for a in anomalies.values()} == {"warn"}


def test_a_required_table_that_is_not_there_stops(validated: dict[str, Any]) -> None:
    summary = validated["no items"]["summary"]
    assert summary["verdict"] == "stop"
    assert summary["first_stop"] == "items.(file): expected a table, received none; run ingest again"


def test_every_table_leaves_statistics_and_the_schema_used(validated: dict[str, Any]) -> None:
    folder = validated[""] / "any attributes"
    names = {f"{table}.{kind}" for table in ("events", "items", "users") for kind in ("stats.pb", "schema.pbtxt")}
    assert {path.name for path in folder.iterdir()} == names | {
        "anomalies.json",
        "report.html",
        "drift.stats.pb",
        "requests.stats.pb",
        "known_items.parquet",
        "known_users.parquet",
        "items.attributes.parquet",
        "users.attributes.parquet",
        "span.json",
    }
    assert 'name: "shoe_size"' in (folder / "users.schema.pbtxt").read_text()


def test_the_report_is_complete_html_that_loads_nothing(validated: dict[str, Any]) -> None:
    for path in sorted(validated[""].glob("*/report.html")):
        html = path.read_text()
        assert not any(word in html for word in ("http://", "https://", "<script", "<link", "url(", "@import"))
        assert _Tags.unbalanced(html) == []
    html = (validated[""] / "truncated file" / "report.html").read_text()
    assert "Stopped." in html and "events.(file)" in html


def test_every_picture_of_the_report_has_words(validated: dict[str, Any]) -> None:
    html = (validated[""] / "clean" / "report.html").read_text()
    assert len(re.findall(r'role="img" aria-label="[^"]+"', html)) == html.count('role="img"') > 10
    assert len(re.findall(r'<svg[^>]* (?:aria-hidden="true"|role="img")', html)) == html.count("<svg")


def test_the_verdict_is_in_the_artifact(validated: dict[str, Any]) -> None:
    out: Path = validated[""]
    assert read_json(out / "missing day" / "anomalies.json")["verdict"] == "warn"
    assert read_json(out / "price in cents" / "anomalies.json")["verdict"] == "stop"


class _Tags(HTMLParser):
    """Collects tags that were opened and not closed, or closed and not opened."""

    VOID = frozenset({"meta"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.wrong: list[str] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: Any) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)

    @classmethod
    def unbalanced(cls, html: str) -> list[str]:
        parser = cls()
        parser.feed(html)
        return parser.wrong + parser.open
