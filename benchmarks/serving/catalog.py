"""Larger catalogs as whole servers: the trained model with real items repeated under new ids, served on one core.

New items have the attributes and the price of a real one and a vector near its own; none of them was ever bought or
promoted. Popularity, promotions, networks and shoppers stay.

Shape legend: I items, N indexed items, Q queries, d width of the towers.
"""

import dataclasses
import json
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.harness import process as child
from benchmarks.serving.measure import SEED, Measurement, Traffic
from benchmarks.serving.search import Pace
from benchmarks.serving.servers import aisle, pinned
from components.kfp_support.progress import progress
from model.data.batch import TripReader
from model.data.catalog import Catalog, hashed_rows
from model.data.trips import Trips
from model.features.promotion_calendar import for_more_items
from model.files import atomic_directory, read_json, write_json
from model.package.engine import CATALOG, INDEX, ONNX, SAVED_MODEL, Engine
from model.package.golden import write_golden
from model.package.manifest import read_manifest, write_manifest
from model.package.vector_index import RECALL_AT, Index, build_index, load_index
from model.ranking.networks import OnnxNetworks
from model.rerank.policy import ITEMS
from tfx_configs.rerank import ITEM

SIZES = (92_334, 1_000_000, 5_000_000)
"""Items."""
RPS = 60.0
ITEM_NOISE = 0.1
"""Standard deviation in each direction; the vectors have length 1."""
QUERIES = 200
"""Real ones that judge the index, and as many others that it is tuned on."""
RECALL = f"index_recall@{RECALL_AT}"


def served(
    model: Path, items: int, core: int, store: Path, traffic: Traffic, pace: Pace, scratch: Path
) -> dict[str, Any]:
    """One size as a server: latency at a fixed rate, memory, time to ready."""
    with pinned(f"catalog-{items}", aisle(model, store), [core], scratch) as live:
        measurement = Measurement(live, traffic, pace)
        cost = measurement.cost(RPS)
        return {
            "items": items,
            "rps": RPS,
            **{name: cost[name] for name in ("p50_ms", "p99_ms", "cpu_ms_per_request", "not_200", "full_share")},
            "rss_mb": live.rss_mb(),
            "ready_s": round(live.ready_s, 1),
            "size_mb": round(sum(path.stat().st_size for path in model.rglob("*") if path.is_file()) / 1e6),
        }


def prepared(model: Path, examples: Path, sizes: Sequence[int], folder: Path) -> list[tuple[Path, dict[str, Any]]]:
    """(model directory, what is known of its index) of each size, made where it is not there yet.

    One size after the other, each in a process of its own, whose memory ends with it.
    """
    version, made = read_manifest(model).version, []
    for items in sizes:
        whole = folder / f"{version}-{items}"
        about = whole.with_suffix(".json")
        if not about.exists():
            progress(f"catalog of {items:,} items")
            command = child.python(f"{__name__}:make", model, examples, str(items), whole)
            line = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()[-1]
            write_json(about, json.loads(line))
        made.append((whole, read_json(about)))
    return made


def make(model: str, examples: str, items: str, out: str) -> dict[str, Any]:
    """Writes one model directory; returns what is known of its index. A size that the catalog has: a copy of it."""
    source, trips = Path(model), Trips.load(Path(examples) / Trips.DIRECTORY)
    real, asked_Qd = Catalog.load(source / CATALOG), queries(source, trips)
    if int(items) <= real.items:
        shutil.copytree(source, out, dirs_exist_ok=True)
        indexed = _indexed(source / INDEX)
    else:
        indexed = enlarged(source, real, int(items), asked_Qd[QUERIES:], Path(out))
    index = load_index(Path(out) / INDEX)
    return index.about | {RECALL: recall(index, *indexed, asked_Qd[:QUERIES])}


def queries(model: Path, trips: Trips) -> np.ndarray:
    """[2 Q, d] what real shoppers' trips after the cut ask the index, one shopper a row where there are enough."""
    engine, rng = Engine(model), np.random.default_rng(SEED)
    which = rng.permutation(trips.first_test_trips())[: 2 * QUERIES]
    return engine.recommender.query(TripReader(trips, engine.catalog).batch(which))


def enlarged(model: Path, real: Catalog, items: int, tuning_Qd: np.ndarray, out: Path) -> tuple[np.ndarray, np.ndarray]:
    """Writes the model directory `out`: `model` with a catalog of `items` items and an index over them.

    Returns ([N, d] vectors, [N] items) of the index.
    """
    rng, manifest = np.random.default_rng(SEED), read_manifest(model)
    like_n = rng.integers(0, real.items, items - real.items)
    catalog = _repeated(real, like_n)
    with atomic_directory(out) as made:
        catalog.save(made / CATALOG)
        for folder in (ONNX, SAVED_MODEL):
            shutil.copytree(model / folder, made / folder)
        for path in model.iterdir():
            if path.is_file() and path.suffix in (".json", ".md") and path.name != "manifest.json":
                shutil.copy(path, made / path.name)
        table = pq.read_table(model / ITEMS)
        at = np.concatenate([np.arange(len(table)), like_n % len(table)])
        ids = np.concatenate([table[ITEM].to_numpy(), catalog.item_ids[real.items :]])
        table = table.take(at).set_column(table.schema.get_field_index(ITEM), ITEM, pa.array(ids.tolist(), pa.string()))
        pq.write_table(table, made / ITEMS)
        del table
        indexed = _vectors(model / INDEX, real.items, items, rng)
        about = _save_index(*indexed, tuning_Qd, made / INDEX)
        write_golden(made, OnnxNetworks(made / ONNX))
        facts = {name: getattr(manifest, name) for name in _FACTS}
        write_manifest(made, **facts, items=items, index=about)
    return indexed


def _save_index(vectors: np.ndarray, items: np.ndarray, tuning_Qd: np.ndarray, path: Path) -> dict[str, Any]:
    """Builds and writes it, and lets go of its memory; returns what it is."""
    index = build_index(vectors, items, lambda: tuning_Qd)
    index.save(path)
    return index.about


_FACTS = ("kind", "cut_s", "retrieved", "ranked", "score_is_probability", "half_life_days")
"""Of the manifest, that stay."""


def _repeated(real: Catalog, like_n: np.ndarray) -> Catalog:
    """The catalog with an item more for each of `like_n`, the real items that they are like."""
    new = np.array([f"made-{number}" for number in range(len(like_n))])
    never_Wn = np.zeros((len(real.snapshot_W), len(like_n)), np.float32)
    assert real.calendar is not None, "model directories have one"
    key_N, running_N = real.calendar
    return dataclasses.replace(
        real,
        item_ids=np.concatenate([real.item_ids.astype(str), new]),
        attribute_IA=np.concatenate([real.attribute_IA, real.attribute_IA[like_n]]),
        vocabulary_I=np.concatenate([real.vocabulary_I, hashed_rows(new, real.buckets)]),
        price_I=np.concatenate([real.price_I, real.price_I[like_n]]),
        repurchase_I=np.concatenate([real.repurchase_I, real.repurchase_I[like_n]]),
        hazard_IG=np.concatenate([real.hazard_IG, real.hazard_IG[like_n]]),
        recent_WI=np.concatenate([real.recent_WI, never_Wn], axis=1),
        decayed_WI=np.concatenate([real.decayed_WI, never_Wn], axis=1),
        calendar=(for_more_items(key_N, real.items, real.items + len(like_n)), running_N),
    )


def _vectors(index: Path, real: int, items: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """([N, d] vectors, [N] items): those of the index, and one for each new item near one of them."""
    vector_Nd, item_N = _indexed(index)
    new = np.arange(real, items, dtype=item_N.dtype)
    whole = np.empty((len(item_N) + len(new), vector_Nd.shape[1]), np.float32)
    whole[: len(item_N)] = vector_Nd
    for start in range(len(item_N), len(whole), 100_000):  # all at once would need several times the memory
        part = vector_Nd[rng.integers(0, len(vector_Nd), min(100_000, len(whole) - start))]
        part = part + ITEM_NOISE * rng.standard_normal(part.shape, dtype=np.float32)
        whole[start : start + len(part)] = part / np.linalg.norm(part, axis=1, keepdims=True)
    return whole, np.concatenate([item_N, new])


def _indexed(index: Path) -> tuple[np.ndarray, np.ndarray]:
    """([N, d] vectors, [N] items) of an exact index."""
    vector_Nd, item_N = (np.load(index / name, allow_pickle=False) for name in ("vectors.npy", "items.npy"))
    return vector_Nd, item_N


def recall(index: Index, vector_Nd: np.ndarray, item_N: np.ndarray, asked_Qd: np.ndarray) -> float:
    """Share of the true RECALL_AT nearest that the index finds."""
    listed, share_Q = index.search(asked_Qd, RECALL_AT), []
    for query, row in zip(asked_Qd, listed, strict=True):
        nearest = item_N[np.argpartition(-(vector_Nd @ query), RECALL_AT)[:RECALL_AT]]
        share_Q.append(np.isin(nearest, row).mean())
    return round(float(np.mean(share_Q)), 4)
