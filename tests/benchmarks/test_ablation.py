"""Parts of the ablation on small worlds: which negatives are mined, what attention sums, which labels samples have."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from model.features.graph import feature_records
from model.networks.recommender import Recommender

from benchmarks.ablation import ranking as ablation_ranking
from benchmarks.ablation import towers as ablation_towers
from benchmarks.ablation.ranking import RANKERS, Attention
from benchmarks.ablation.towers import MINED, MINED_FROM, MINED_TO, TOWERS, Lists, Mined, mine
from benchmarks.harness.page import render
from benchmarks.harness.samples import Samples, collect, recent
from benchmarks.harness.study import Measured, Study, measure
from components.train.ranker import no_scorer
from components.train.trip_split import TrainingTrips
from model.data.batch import Batch, TripReader
from model.data.trips import Trips
from model.system.legacy_keras import tf
from tests.components.train.test_towers import inputs
from tests.model.small_catalog import ITEMS, STORES, small_catalog
from tests.pencil_world import trips_of
from tfx_configs.recipes import fast

COLUMN = {item: i for i, item in enumerate(ITEMS)}


def world() -> Trips:
    """Trips 0 and 1 have no history, 2 and 3 are of u, who had a and then b; 4 is the judged one."""
    trips = [("u", 60, "a"), ("v", 60, "d"), ("u", 63, "b e"), ("u", 66, "d"), ("u", 101, "a")]
    return trips_of(*trips, letters=ITEMS, stores=STORES)


def reader() -> TripReader:
    return TripReader(world(), small_catalog())


def test_mined_negatives_are_listed_and_neither_bought_on_the_trip_nor_before() -> None:
    """On trip 2 u, who had a, buys b and e; on trip 3 everything but z is known."""
    every = [COLUMN[item] for item in "zdbae"]
    listed = np.array([every, every, [-1] * 5], np.int32)
    mined = mine(reader(), np.array([2, 3, 3]), listed, seed=7, k=3)
    picked = ["".join(sorted(ITEMS[i] for i in row if i >= 0)) for row in mined]
    assert picked == ["dz", "z", ""]
    assert (mined[0] >= 0).tolist() == [True, True, False]


def test_a_mined_negative_counts_for_its_own_trip_by_how_likely_it_was_drawn() -> None:
    """Two positives, b on trip 0 and d on trip 1; trip 0 has a mined z, trip 1 none."""
    tf.keras.utils.set_random_seed(1)
    settings = fast().train.replace(dimension=4, temperature=0.5, uniform_negatives=0)
    towers = Mined(small_catalog(), settings)
    tensors = {name: tf.constant(value) for name, value in inputs().items()}
    none = np.full((2, MINED), -1, np.int32)
    mined = none.copy()
    mined[0, 0] = COLUMN["z"]
    plain, empty, with_mined = (
        float(towers.compute_loss(tensors | more))
        for more in ({}, {"retrieved_BR": tf.constant(none)}, {"retrieved_BR": tf.constant(mined)})
    )
    assert empty == pytest.approx(plain, rel=1e-5)
    share_I = (np.array([6.0, 5.0, 1.0, 3.0, 0.0]) + 1) / 20
    query_d = towers.queries(Batch(*(tensors[n] for n in Batch._fields))).numpy()[0]
    item_M = [COLUMN["b"], COLUMN["d"], COLUMN["z"]]
    logit_M = towers.items(tf.constant(item_M)).numpy() @ query_d / 0.5
    logit_M -= np.log((2 * share_I[item_M] + np.array([0, 0, MINED / (MINED_TO - MINED_FROM)])) / 2)
    rise = np.log(np.exp(logit_M).sum()) - np.log(np.exp(logit_M[:2]).sum())
    assert with_mined - plain == pytest.approx(rise / 2, rel=1e-4)


def test_attention_sums_the_purchases_that_are_there() -> None:
    """A purchase further back than there are any changes nothing; without purchases the sum is zero."""
    tf.keras.utils.set_random_seed(1)
    attention = Attention(small_catalog())
    item_C, row_C = tf.constant([0, 1, 2]), tf.constant([0, 0, 1])
    short = attention(item_C, row_C, tf.constant([[3], [-1]]), tf.constant([[2.0], [0.0]])).numpy()
    padded = attention(item_C, row_C, tf.constant([[3, -1], [-1, -1]]), tf.constant([[2.0, 9.0], [9.0, 9.0]])).numpy()
    assert short.shape == (3, attention.width)
    np.testing.assert_allclose(short, padded, rtol=1e-6)
    assert not short[2].any() and short[0].any()


def test_recent_purchases_come_last_first() -> None:
    item_nL, age_nL = recent(reader(), np.array([0, 3]), most=2)
    assert [["?" if i < 0 else ITEMS[i] for i in row] for row in item_nL] == [["?", "?"], ["e", "b"]]
    assert age_nL.tolist() == [[0, 0], [3, 3]]


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Samples:
    path = tmp_path_factory.mktemp("samples") / "samples"
    recommender = Recommender(small_catalog(), fast(), no_scorer)
    collect(recommender, reader(), np.array([2, 3]), np.full((2, 1), COLUMN["z"], np.int32), path)
    return Samples.load(path)


def test_samples_hold_the_candidates_of_every_trip_and_labels_by_any_trips(samples: Samples) -> None:
    """Trip 2: u had a, z is retrieved, d popular; trip 3: u also had b and e."""
    trips = [("u", 60, "a"), ("v", 60, "d"), ("u", 63, "d"), ("u", 66, "a e"), ("u", 101, "a")]
    others = trips_of(*trips, letters=ITEMS, stores=STORES)
    parts = [slice(*samples.begin_n[n : n + 2]) for n in (0, 1)]
    listed = ["".join(sorted(ITEMS[i] for i in samples.item_C[part])) for part in parts]
    assert listed == ["adz", "abdez"]
    for which, bought in ((world(), ["", "d"]), (others, ["d", "ae"])):
        label = samples.bought_C(which)
        labelled = ["".join(sorted(ITEMS[i] for i in samples.item_C[part][label[part]])) for part in parts]
        assert labelled == bought
    names = [feature.name for feature in feature_records(small_catalog(), fast().features)]
    at = samples.begin_n[1] + samples.item_C[samples.begin_n[1] :].tolist().index(COLUMN["b"])
    assert samples.dense_CF[at, names.index("own_last_days")] == pytest.approx(np.log1p(3.0))


@pytest.mark.parametrize("name", ["no item id", "+ attention over the last purchases"])
def test_rankers_train_and_list_all_candidates(name: str, samples: Samples) -> None:
    names = [feature.name for feature in feature_records(small_catalog(), fast().features)]
    bought = samples.bought_C(world())
    items = ablation_ranking.train_and_list(
        RANKERS[name], small_catalog(), names, samples, bought, samples, fast().train
    )
    assert items.shape == (2, ablation_ranking.K)
    assert [sorted(row[row >= 0]) for row in items] == [
        sorted(samples.item_C[slice(*samples.begin_n[n : n + 2])]) for n in (0, 1)
    ]


@pytest.mark.parametrize(
    "name", ["no logQ correction", "ids only, no attributes", "recent purchases summed once", "+ mined hard negatives"]
)
def test_towers_train_and_list(name: str) -> None:
    learning = TrainingTrips(early=np.array([0, 1, 2]), ranking=np.array([2, 3]), valid=np.array([3]))
    asked = Lists(early=np.array([3]), judged=np.array([4]))
    settings = fast().train.replace(dimension=4, uniform_negatives=8)
    lists = ablation_towers.train_and_list(TOWERS[name], small_catalog(), reader(), learning, settings, asked, 3)
    assert lists.early.shape == lists.judged.shape == (1, 3)


def test_variants_are_compared_with_the_reference_on_the_same_trips(tmp_path: Path) -> None:
    made = {"as it is": [0.5, 0.5], "+ more": [1.0, 0.5], "less": [0.0, 0.0]}

    def variant(name: str) -> Measured:
        return {"recall": np.array(made[name])}, {}

    variants = {name: partial(variant, name) for name in made}
    of = Study(folder=tmp_path, variants=variants, reference="as it is", seed=7)
    assert of.compared() == []
    measure({"one": of}, most=2)
    assert of.missing() == ["less"]
    first, second = of.compared()
    assert first["means"] == {"recall": 0.5} and first["over"] == {} and first["seconds"] >= 0.0
    assert second["over"]["recall"]["delta_pct"] == pytest.approx(50.0)
    assert (second["over"]["recall"]["low_pct"], second["over"]["recall"]["high_pct"]) == pytest.approx((0.0, 100.0))


def test_the_page_tells_changes_against_the_first_row() -> None:
    change = {"delta_pct": -2.04, "low_pct": -3.0, "high_pct": -1.0}
    towers = ("recall@200", "recall@600", "explore_recall@200", "union_recall", "union_explore_recall")
    rankers = ("ndcg@10", "recall@10", "explore_recall@10")
    kinds: dict[str, list[dict[str, Any]]] = {
        kind: [
            {"name": name, "means": dict.fromkeys(metrics, 0.5), "over": over, "coverage@200": 0.25, "coverage@10": 0.1}
            for name, over in (("as it is", {}), ("no price", dict.fromkeys(metrics, change)))
        ]
        for kind, metrics in (("towers", towers), ("rankers", rankers))
    }
    about = {
        "hardware": {"cores": 2},
        "cut": "2017-12-04",
        "trips": 2000,
        "ranking_days": 70,
        "epochs": 1,
        "union": 600,
    }
    about["candidates"] = 200
    text = render("ablation/ablation", about | kinds)
    assert "| as it is | 0.5000 |  | 0.5000 |  | 0.5000 | 0.100 |" in text
    assert "| no price | 0.5000 | -2.0 (-3.0 to -1.0) | 0.5000 | -2.0 (-3.0 to -1.0) | 0.5000 | 0.100 |" in text
    assert (
        "| no price | 0.5000 | 0.5000 | 0.5000 | -2.0 (-3.0 to -1.0) | 0.5000 | -2.0 (-3.0 to -1.0) | 0.5000 | 0.250 |"
        in text
    )
    assert "| no price | 0.5000 | -2.0 (-3.0 to -1.0) |" in render(
        "robustness/noise", about | {"rankers": kinds["rankers"], "models": []}
    )
