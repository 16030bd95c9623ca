"""What the server logged, asked again offline: the same items and scores, on a real exported model."""

import asyncio
import dataclasses
from collections.abc import Sequence
from pathlib import Path

import kserve
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from kserve.protocol.infer_type import InferInput

from model.api import Answer, Request
from model.errors import InputError
from model.package import loaded_model as package
from model.package import request_replay as replay
from model.request_log.reader import SCHEMA, read
from model.serving.history.lmdb_store import LmdbStore
from model.serving.history.store import Event
from model.serving.predictor import Predictor
from model.serving.request_log.writer import LogOptions, RequestLog
from pipelines.cli import main
from tests.model.items_table import write_items
from tests.model.rerank.test_policy import NO_BLUE, exported
from tests.model.small_catalog import ITEMS
from tests.worlds import at, seconds
from tfx_configs.rerank import RerankSettings

SHOPPERS = ("u1", "u2", "nobody")
DAYS = (70.5, 71.0, 75.0)


@dataclasses.dataclass(frozen=True)
class Served:
    """A model directory and the log of a server of it."""

    model: Path
    log: Path


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Served:
    """Every shopper at every moment with 1 to 5 items; rules, the boost and draws are on."""
    root = tmp_path_factory.mktemp("served")
    items = write_items(root, list(ITEMS), colour=["red", "red", "blue", None, None])
    settings = RerankSettings(explore_boost=1.0, explore_percent=30, explore_place=2, explore_pool=2, rules=(NO_BLUE,))
    directory = exported(root / "model", items, settings)
    store = LmdbStore(root / "store", 100)
    bought = zip(("u1", "u1", "u2", "u1", "u2"), "bdaee", (70, 70.6, 70.9, 72, 74), strict=True)
    store.append(
        [
            Event(
                event_id=str(n),
                user_id=user,
                item_id=item,
                time_s=seconds(day),
                store_id=("", "s1", "elsewhere")[n % 3],
                quantity=1 + n / 2,
                price=n / 10,
            )
            for n, (user, item, day) in enumerate(bought)
        ]
    )
    store.describe("u1", [("age", "40")])
    with RequestLog(root / "log", LogOptions(detail_percent=100)) as log:
        predictor = Predictor(lambda: package.load(directory), store, log)
        predictor.load()
        asyncio.run(_ask(predictor))
        predictor.close()
    store.close()
    return Served(directory, root / "log")


async def _ask(predictor: Predictor) -> None:
    for number, (user, day) in enumerate([(user, day) for user in SHOPPERS for day in DAYS]):
        k = InferInput("k", [1], "INT32")
        k.set_data_from_numpy(np.array([1 + number % 5], np.int32), binary_data=False)
        inputs = [
            InferInput("user_id", [1], "BYTES", data=[user]),
            InferInput("request_time", [1], "BYTES", data=[f"{at(day).isoformat()}Z"]),
            InferInput("exclude", [1], "BYTES", data=["z" if number % 2 else "a"]),
            k,
        ]
        if number % 3 == 0:
            new_only = InferInput("new_only", [1], "BOOL")
            new_only.set_data_from_numpy(np.array([True]), binary_data=False)
            inputs.append(new_only)
        else:
            k_new = InferInput("k_new", [1], "INT32")
            k_new.set_data_from_numpy(np.array([number % 3], np.int32), binary_data=False)
            inputs.append(k_new)
        request = kserve.InferRequest("aisle", inputs, request_id=f"r{number}", parameters={"deadline_ms": 5000})
        await predictor.predict(request)


class Off:
    """A model whose scores are off by some amount."""

    def __init__(self, model: package.LoadedModel, by: float) -> None:
        self.version, self._model, self._by = model.version, model, by

    def recommend(self, requests: Sequence[Request], fewer: bool = False) -> list[Answer]:
        answers = self._model.recommend(requests, fewer)
        return [dataclasses.replace(answer, scores=[score + self._by for score in answer.scores]) for answer in answers]


def test_a_second_shelf_that_differs_is_found(served: Served) -> None:
    rows = read(served.log).to_pylist()
    changed = next(row for row in rows if row["new_item_ids"])
    changed["new_item_ids"] = ["z", *changed["new_item_ids"][1:]]
    log = pa.Table.from_pylist(rows, schema=SCHEMA)
    assert replay.replay(log, package.load(served.model)).differing == (changed["request_id"],)


def test_logged_requests_asked_again_offline_have_equal_items_and_scores(served: Served) -> None:
    rows = read(served.log)
    assert len(rows) == len(SHOPPERS) * len(DAYS)
    assert sum(len(row) for row in rows["propensities"].to_pylist()) > 0
    shelves = [(row["k_new"], row["new_item_ids"] is not None) for row in rows.to_pylist()]
    assert {k_new for k_new, _ in shelves} == {0, 1, 2} and all((k_new > 0) == there for k_new, there in shelves)
    agreement = replay.replay(rows, package.load(served.model))
    assert (agreement.compared, agreement.differing, agreement.left_out) == (len(rows), (), {})
    assert agreement.largest <= 1e-6


def test_the_log_has_the_history_as_it_was_at_each_moment_and_all_that_was_ranked(served: Served) -> None:
    rows = {row["request_id"]: row for row in read(served.log).to_pylist()}
    assert rows["r0"]["history_items"] == ["b"]  # u1 on day 70.5
    assert rows["r2"]["history_items"] == ["b", "d", "e"]
    assert rows["r2"]["history_times"] == [seconds(70), seconds(70.6), seconds(72)]
    assert rows["r2"]["history_stores"] == ["", "s1", ""]
    assert rows["r2"]["history_quantities"] == [1, 1.5, 2.5]
    assert rows["r2"]["history_prices"] == [0, float(np.float32(0.1)), float(np.float32(0.3))]
    assert set(rows["r1"]["candidate_ids"]) > set(rows["r1"]["item_ids"])
    assert "d" not in rows["r2"]["candidate_ids"]  # a rule takes it out before candidates are chosen
    assert rows["r8"]["history_items"] == [] and rows["r8"]["state"] == "unknown"


def test_the_model_is_asked_with_the_history_that_it_was_given(served: Served) -> None:
    asked: list[Request] = []

    class Asked(Off):
        def recommend(self, requests: Sequence[Request], fewer: bool = False) -> list[Answer]:
            asked.extend(requests)
            return super().recommend(requests, fewer)

    replay.replay(read(served.log), Asked(package.load(served.model), 0.0))
    longest = max(asked, key=lambda request: len(request.history_item))
    assert (longest.user_id, longest.history_item) == ("u1", ["b", "d", "e"])
    assert longest.history_store is not None and longest.history_store.texts() == ["", "s1", ""]
    assert longest.history_quantity is not None and longest.history_quantity.tolist() == [1, 1.5, 2.5]
    assert longest.history_price is not None
    assert longest.history_price.tolist() == np.array([0, 0.1, 0.3], np.float32).tolist()


def test_a_log_from_before_stores_and_prices_is_read_and_replayed(served: Served, tmp_path: Path) -> None:
    details = ["history_stores", "history_quantities", "history_prices"]
    pq.write_table(read(served.log).drop_columns(details), tmp_path / "old.parquet")
    rows = read(tmp_path, columns=replay.COLUMNS)
    assert [rows[name].null_count for name in details] == [len(rows)] * 3
    assert replay.replay(rows, package.load(served.model)).compared == len(rows)


def test_a_log_of_a_newer_server_is_read(served: Served, tmp_path: Path) -> None:
    rows = read(served.log)
    pq.write_table(rows.append_column("history_arrivals", rows["history_times"]), tmp_path / "newer.parquet")
    assert read(tmp_path).equals(rows)


def test_another_model_does_not_agree(served: Served) -> None:
    rows, model = read(served.log), package.load(served.model)
    assert replay.replay(rows, Off(model, 1e-7)).differing == ()
    agreement = replay.replay(rows, Off(model, 0.25))
    assert set(agreement.differing) == {row["request_id"] for row in rows.to_pylist() if row["item_ids"]}
    assert agreement.largest == pytest.approx(0.25)


def test_rows_that_cannot_be_compared_are_counted_and_a_log_of_them_alone_is_refused(served: Served) -> None:
    rows, model = read(served.log), package.load(served.model)
    bare = rows.set_column(rows.column_names.index("rung"), "rung", [["popular"] * (len(rows) - 1) + ["full"]])
    agreement = replay.replay(bare, model)
    assert (agreement.compared, agreement.left_out) == (1, {"that no ranking answered": len(rows) - 1})
    with pytest.raises(InputError, match=f"got none: {len(rows) - 1} that no ranking answered"):
        replay.replay(bare.slice(0, len(rows) - 1), model)


def test_the_command_reports_how_many_agree(served: Served, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", str(served.log), "--model", str(served.model)]) == 0
    assert capsys.readouterr().out.startswith("9 of 9 answers agree; scores differ by at most ")
    rules = served.log.parent / "rules.json"
    rules.write_text('{"rules": [{"action": "exclude", "values": ["e"]}]}')
    assert main(["replay", str(served.log), "--model", str(served.model), "--rules", str(rules)]) == 1
    assert "\ndiffer: r" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("log", "arguments", "message"),
    [
        ("none", ["--model", "MODEL"], "request log: expected a directory at "),
        ("empty", ["--model", "MODEL"], "empty: expected answers in the request log, found none"),
        ("log", ["--model", "none"], "--model: none: expected a model directory with manifest.json, got none readable"),
        ("log", ["--model", "LOG"], "expected a model directory with manifest.json, got none readable"),
        ("log", ["--model", "MODEL", "--rules", "none.json"], "none.json: expected a rules file"),
        ("log", ["--model", "MODEL", "--tolerance", "-1"], "--tolerance: expected 0 or more, got -1"),
        ("log", ["--model", "MODEL", "--tolerance", "nan"], "'--tolerance': expected a number, got 'nan'"),
    ],
)
def test_bad_input_is_reported_in_one_line_before_any_model_is_loaded(
    served: Served,
    log: str,
    arguments: list[str],
    message: str,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(package, "load")
    (served.log.parent / "empty").mkdir(exist_ok=True)
    places = {"MODEL": str(served.model), "LOG": str(served.log)}
    words = [places.get(word, word) for word in arguments]
    assert main(["replay", str(served.log.parent / log), *words]) == 2
    error = capfd.readouterr().err
    assert message in error and error.count("\n") == 1
