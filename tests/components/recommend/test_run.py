"""Lists in bulk, of a small exported model and an embedded store, against what the server's own path answers."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from components.recommend import run as bulk
from components.recommend.run import ListSettings, ListsMade, make_lists
from components.recommend.shoppers import ALL
from model.api import Answer, Request
from model.errors import InputError, StoreUnavailable
from model.package import loaded_model as package
from model.package.loaded_model import LoadedModel
from model.package.request_replay import COLUMNS, replay
from model.request_log.reader import read
from model.serving.history.lmdb_store import LmdbStore
from model.serving.history.store import Event, History
from model.serving.predictor import Predictor
from model.serving.v2_inputs import Query
from tests.model.items_table import write_items
from tests.model.rerank.test_policy import NO_BLUE, exported
from tests.model.serving.history.fake_store import FakeStore
from tests.model.small_catalog import ITEMS
from tests.worlds import at, seconds
from tfx_configs.frozen import SettingsError
from tfx_configs.rerank import RerankSettings

SHOPPERS = [f"u{n:03d}" for n in range(150)]
"""More than two batches."""
MOMENT = f"{at(75).isoformat()}Z"
BATCH = 64


@dataclass(frozen=True)
class Shop:
    root: Path
    model: LoadedModel
    store: LmdbStore

    def lists(self, users: str = ALL, log: str = "", **asked: object) -> tuple[pa.Table, ListsMade]:
        out = self.root / "lists.parquet"
        made = make_lists(self.model, self.store, users, str(out), ListSettings(**({"as_of": MOMENT} | asked)), log)
        return pq.read_table(out), made


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """Rules and draws are on; every shopper bought one to five items, the last of them after MOMENT."""
    root = tmp_path_factory.mktemp("bulk")
    items = write_items(root, list(ITEMS), colour=["red", "red", "blue", None, None])
    settings = RerankSettings(explore_boost=1.0, explore_percent=30, explore_place=2, explore_pool=2, rules=(NO_BLUE,))
    model = package.load(exported(root / "model", items, settings))
    store = LmdbStore(root / "store", 100)
    rng = np.random.default_rng(5)
    for user in SHOPPERS:
        days = sorted([*rng.uniform(60, 75, rng.integers(0, 5)), 76.0])
        bought = [
            Event(event_id=f"{user} {n}", user_id=user, item_id=str(rng.choice(list(ITEMS))), time_s=seconds(day))
            for n, day in enumerate(days)
        ]
        store.append(bought)
    yield Shop(root, model, store)
    store.close()


def answers(shop: Shop, users: list[str], k: int, k_new: int, time_s: int) -> list[tuple[list[str], list[float]]]:
    """(items, scores) of both shelves of each shopper, from the path of a request."""
    predictor = Predictor(lambda: shop.model, shop.store)
    predictor.load()

    async def ask() -> list[tuple[list[str], list[float]]]:
        rows = []
        for user in users:
            query = Query(user_id=user, time_s=time_s, timed=True, k=k, k_new=k_new)
            answer, *_ = await predictor.recommend(query, time.perf_counter() + 10)
            new = answer.new
            rows.append((answer.item_ids, answer.scores, new and new.item_ids, new and new.scores))
        return rows

    try:
        return asyncio.run(ask())
    finally:
        predictor.close()


@pytest.mark.parametrize("k_new", [0, 3])
def test_the_lists_are_those_of_the_server_at_the_same_moment(shop: Shop, k_new: int) -> None:
    table, made = shop.lists(k=4, k_new=k_new)
    assert table["user_id"].to_pylist() == SHOPPERS and made.lists == len(SHOPPERS)
    assert table["rung"].unique().to_pylist() == ["full"]
    expected = answers(shop, SHOPPERS, 4, k_new, seconds(75))
    names = ("item_ids", "scores", "new_item_ids", "new_scores")[: 4 if k_new else 2]
    for row, answer in zip(table.select(list(names)).to_pylist(), expected, strict=True):
        for name, values in zip(names, answer, strict=False):
            assert row[name] == (values if "item" in name else np.float32(values).tolist())
    assert ("new_item_ids" in table.column_names) == bool(k_new)
    assert not any("c" in items for items in table["item_ids"].to_pylist())  # NO_BLUE


def test_a_stranger_gets_the_list_of_one_and_is_counted_and_an_id_that_comes_again_gets_no_second(
    shop: Shop, tmp_path: Path
) -> None:
    late = [f"x{n}" for n in range(BATCH)]
    file = tmp_path / "users.txt"
    file.write_text("\n".join(["u001", "stranger", *late, "u001", "stranger", "u002", ""]))
    table, made = shop.lists(str(file))
    assert table["user_id"].to_pylist() == ["u001", "stranger", *late, "u002"]
    rows = {row["user_id"]: row for row in table.to_pylist()}
    assert rows["stranger"]["state"] == "unknown" and sorted(rows["stranger"]["item_ids"]) == ["a", "b", "e"]
    strangers = sum(row["state"] == "unknown" for row in rows.values())
    assert (made.repeated, made.states["unknown"], made.states["found"]) == (2, strangers, len(rows) - strangers)
    assert made.figures["lists"] == len(rows)


@pytest.mark.parametrize("name", ["users.parquet", "users.csv", "users.txt"])
def test_the_three_kinds_of_files_name_the_same_shoppers(shop: Shop, tmp_path: Path, name: str) -> None:
    users, file = ["u007", "u003", "0012"], tmp_path / name
    frame = pd.DataFrame({"other": [1, 2, 3], "user_id": users})
    if name.endswith("parquet"):
        frame.to_parquet(file)
    elif name.endswith("csv"):
        frame.to_csv(file, index=False)
    else:
        file.write_bytes("\ufeffu007\r\nu003\r\n\r\n0012".encode())
    assert shop.lists(str(file))[0]["user_id"].to_pylist() == users


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("none.txt", None, "users: expected a file or 'all', cannot read .*none.txt"),
        ("empty.txt", "\n", "users: expected at least one shopper, .*empty.txt has none"),
        ("long.txt", "u1\n" + "x" * 300, "long.txt, row 2: expected 1 to 256 bytes of UTF-8"),
        ("other.csv", "shopper\nu1\n", "other.csv: expected a column user_id"),
        ("null.csv", "user_id,x\nu1,2\n,3\n", "null.csv, row 2: expected"),
        ("bad.parquet", "no parquet", "bad.parquet: expected a column user_id"),
    ],
)
def test_bad_users_are_refused_in_one_line_before_any_list_and_the_old_file_stays(
    shop: Shop, tmp_path: Path, name: str, content: str | None, message: str
) -> None:
    before = shop.lists()[0]
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(InputError, match=message) as error:
        shop.lists(str(tmp_path / name))
    assert "\n" not in str(error.value)
    assert pq.read_table(shop.root / "lists.parquet").equals(before)
    assert [path.name for path in shop.root.glob(".*")] == []


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"k": 0}, "setting k: expected int, 1 to 100, got 0"),
        ({"k_new": 3, "new_only": True}, "setting k_new: expected 0 with new_only"),
    ],
)
def test_what_no_request_may_ask_no_list_may(asked: dict[str, int], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        ListSettings(**asked)


def test_without_a_moment_every_purchase_counts(shop: Shop) -> None:
    _, past = shop.lists()
    _, now = shop.lists(as_of="")
    assert past.states["unknown"] > 0 and now.states["unknown"] == 0
    assert (past.newest_s, now.newest_s) == (past.newest_s, seconds(76)) and past.newest_s < seconds(75)
    assert abs(now.time_s - time.time()) < 60


def test_the_log_has_a_row_for_each_list_that_replays_and_is_left_out_where_answers_are_read(
    shop: Shop, tmp_path: Path
) -> None:
    table, _ = shop.lists(k_new=2, log=str(tmp_path / "log"), detail_percent=100.0)
    rows = read(tmp_path / "log", also=("bulk",))
    assert sorted(rows["request_id"].to_pylist()) == sorted(table["request_id"].to_pylist())
    assert rows["route"].unique().to_pylist() == ["bulk"]
    agreement = replay(rows.select(list(COLUMNS)), shop.model)
    assert (agreement.compared, agreement.differing) == (len(SHOPPERS), ())
    assert len(read(tmp_path / "log")) == 0
    assert table.schema.metadata[b"model_version"] == shop.model.version.encode()


class Doubled(LoadedModel):
    """A model whose list for one shopper has an item twice."""

    def __init__(self, model: LoadedModel) -> None:
        self.__dict__.update(model.__dict__)

    def recommend(self, requests: Sequence[Request], fewer: bool = False, ranked: int | None = None) -> list[Answer]:
        answers = super().recommend(requests, fewer, ranked)
        for n, request in enumerate(requests):
            if request.user_id == "u009":
                answers[n] = replace(answers[n], item_ids=[answers[n].item_ids[0]] * len(answers[n].item_ids))
        return answers


def test_a_list_that_breaks_the_contract_is_of_the_next_rung_and_counted(shop: Shop, tmp_path: Path) -> None:
    out = tmp_path / "lists.parquet"
    made = make_lists(Doubled(shop.model), shop.store, ALL, str(out), ListSettings())
    assert made.violations == {"duplicate": 1} and made.rungs == {"full": len(SHOPPERS) - 1, "personal_frequency": 1}
    rows = {row["user_id"]: row for row in pq.read_table(out).to_pylist()}
    assert len(set(rows["u009"]["item_ids"])) == len(rows["u009"]["item_ids"]) > 1


def test_a_store_that_is_down_ends_it_and_nothing_is_written(shop: Shop, tmp_path: Path) -> None:
    class Failing(FakeStore):
        def history(self, user_id: str, before_s: int | None) -> History:
            self.down = user_id == "u140"
            return super().history(user_id, before_s)

    users = tmp_path / "users.txt"
    users.write_text("\n".join(SHOPPERS))
    with pytest.raises(StoreUnavailable, match="down on purpose"):
        make_lists(shop.model, Failing(), str(users), str(tmp_path / "out.parquet"), ListSettings(), str(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["users.txt"]


def test_a_record_that_cannot_be_decoded_is_a_list_without_history_and_counted(shop: Shop, tmp_path: Path) -> None:
    users = tmp_path / "users.txt"
    users.write_text("broken\nwhole\n")
    store = FakeStore(items={"whole": ["a"]}, damaged=("broken",))
    made = make_lists(shop.model, store, str(users), str(tmp_path / "out.parquet"), ListSettings())
    assert made.states == {"damaged": 1, "found": 1}


def test_progress_names_what_is_left(shop: Shop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(bulk, "LINE_EVERY_S", 0.0)
    lines: list[str] = []
    make_lists(shop.model, shop.store, ALL, str(tmp_path / "lists.parquet"), ListSettings(), "", lines.append)
    assert [line.split(",")[0] for line in lines] == ["64 of 150 lists", "128 of 150 lists", "150 of 150 lists"]
    assert lines[-1].endswith("about 0:00 min left")
