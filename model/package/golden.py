"""Golden answers: requests of made-up shoppers with their lists, computed by plain Python and Keras at export.

A server asks some of them again at load: so it has proof that its kernels and ONNX Runtime, on its processor, compute
what the features and networks mean. Order is free among scores that are as near as TOLERANCE.

Shape legend: B requests, H history events, N answered items of all requests.
"""

import zipfile
from pathlib import Path

import numpy as np

from model.candidates.barred import Barred
from model.data.batch import Batch
from model.data.catalog import Catalog
from model.errors import ModelRefused
from model.kernels.compiler import plain_python
from model.package.engine import Engine
from model.ranking.networks import Networks
from model.ranking.recommender import Ranking
from tfx_configs.units import DAY_S

NAME = "golden.npz"
REQUESTS, RANKED, LISTED = 100, 48, 20
"""Requests, candidates that are scored for each, items of its list."""
SAMPLE = 8
"""Asked again at every load."""
TOLERANCE = 1e-4
"""Largest difference of a score; of scores above 1, its share."""
LONGEST = 60
"""Events of a made-up history; a tenth of the shoppers have none."""
OLDEST_DAYS = 400
SEED = 7


def made_up(catalog: Catalog) -> Batch:
    """REQUESTS requests in the week after the cut: popular and rare items, on several trips, in every store, at some
    unknown price, by shoppers of any attributes."""
    rng = np.random.default_rng(SEED)
    cut_s = int(catalog.snapshot_W[-1])
    length_B = rng.integers(1, LONGEST + 1, REQUESTS)
    length_B[::10] = 0
    events = int(length_B.sum())
    bought = catalog.active_items() if len(catalog.active_items()) else np.arange(catalog.items)
    weight_n = catalog.decayed_WI[-1, bought].astype(np.float64) + np.finfo(np.float64).tiny
    popular_H, rare_H = rng.choice(bought, events, p=weight_n / weight_n.sum()), rng.choice(bought, events)
    day_H = np.concatenate([np.sort(rng.integers(1, OLDEST_DAYS, n))[::-1] for n in length_B])
    time_B = cut_s + rng.integers(0, 7 * DAY_S, REQUESTS)
    store_H = rng.integers(0, max(len(catalog.store_ids), 1), events)
    sizes_D = np.array(catalog.user_attribute_sizes, np.int64)
    price_H = np.where(rng.random(events) < 0.8, np.exp(rng.normal(0.7, 0.8, events)), 0.0)
    return Batch(
        history_item_H=np.where(rng.random(events) < 0.7, popular_H, rare_H).astype(np.int32),
        history_time_H=(cut_s - day_H * DAY_S).astype(np.int64),
        history_row_H=np.repeat(np.arange(REQUESTS, dtype=np.int32), length_B),
        time_B=time_B.astype(np.int64),
        store_B=rng.integers(0, max(len(catalog.store_ids), 1), REQUESTS).astype(np.int32),
        user_BD=rng.integers(0, sizes_D, (REQUESTS, len(sizes_D))).astype(np.int32),
        history_store_H=store_H.astype(np.int32),
        history_quantity_H=rng.integers(1, 4, events).astype(np.float32),
        history_price_H=price_H.astype(np.float32),
    )


def write_golden(directory: Path, networks: Networks | None) -> None:
    """Computes NAME by plain Python, then asks again as a server does. Raises ModelRefused where the two differ.

    Args:
        networks: those of the model as Keras runs them; None: it has none.
    """
    engine = Engine(directory, networks)
    batch = made_up(engine.catalog)
    with plain_python():
        answers = _answers(engine, batch)
    asked = {name: array for name, array in batch._asdict().items() if array is not None}
    np.savez(directory / NAME, **asked, **answers._asdict())
    check_golden(directory, Engine(directory))


def check_golden(directory: Path, engine: Engine, requests: int = REQUESTS) -> None:
    """Asks the first of them again. Raises ModelRefused on a wrong answer, or on none."""
    try:
        with np.load(directory / NAME, allow_pickle=False) as arrays:
            named = [name for name in Batch._fields if name in arrays or name not in Batch._field_defaults]
            batch = Batch(**{name: arrays[name] for name in named})
            golden = Ranking(*(arrays[name] for name in Ranking._fields))
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise ModelRefused(f"{directory / NAME}: expected golden answers, got none readable ({error})") from None
    events = int(np.searchsorted(batch.history_row_H, requests))
    asked = {n: a[: events if n.endswith("_H") else requests] for n, a in batch._asdict().items() if a is not None}
    batch = Batch(**asked)
    try:
        answer = _answers(engine, batch)
    except Exception as error:  # ONNX Runtime has no narrower class for inputs of another width
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ModelRefused(
            f"{directory}: expected networks of the features that this server computes, got others ({reason}); use the "
            "image that belongs to the model, or train it again"
        ) from error
    begin, begin_golden = 0, 0
    for row, (end, end_golden) in enumerate(zip(answer.end_B, golden.end_B, strict=False)):
        got = answer.item_N[begin:end], answer.score_N[begin:end]
        wanted = golden.item_N[begin_golden:end_golden], golden.score_N[begin_golden:end_golden]
        if not agree(got, wanted):
            raise ModelRefused(
                f"{directory}: golden answer {row} differs by more than {TOLERANCE:g}: this server's code or processor "
                "computes other scores than training did; use the image that belongs to the model, or train it again"
            )
        begin, begin_golden = end, end_golden


def agree(got: tuple[np.ndarray, np.ndarray], wanted: tuple[np.ndarray, np.ndarray]) -> bool:
    """Whether two lists of (item, falling score) are the same but for the order of scores that are near."""
    (item, score), (golden_item, golden_score) = got, wanted
    if len(item) != len(golden_item) or not np.allclose(score, golden_score, rtol=TOLERANCE, atol=TOLERANCE):
        return False
    score_of = dict(zip(golden_item.tolist(), golden_score.tolist(), strict=True))
    last = float(golden_score[-1]) if len(golden_score) else 0.0
    # What only one of the lists has must be as good as the last, where near scores are cut off.
    pairs = [(float(s), score_of.get(i, last)) for i, s in zip(item.tolist(), score.tolist(), strict=True)]
    return all(abs(s - g) <= TOLERANCE * max(1.0, abs(g)) for s, g in pairs)


def _answers(engine: Engine, batch: Batch) -> Ranking:
    ranked = min(engine.ranked, RANKED)
    retrieved_BR = engine.retrieve(batch, ranked)
    return engine.recommend(batch, retrieved_BR, Barred.none(len(batch.time_B)), ranked, LISTED)
