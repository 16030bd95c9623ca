"""The larger catalogs of the serving benchmark, with hand-computed values."""

from pathlib import Path

import numpy as np

from benchmarks.serving.catalog import _repeated, _vectors, recall
from model.data.catalog import hashed_rows
from model.features.promotion_calendar import changes, with_calendar
from model.package.vector_index import RECALL_AT, ExactIndex
from tests.model.small_catalog import promotion, small_catalog


def test_new_items_are_like_real_ones_but_were_never_bought() -> None:
    mailer = promotion("mailer", ("s1", "b", 70, 77))
    real = with_calendar(small_catalog((mailer,)))
    like = np.array([1, 0, 1])
    catalog = _repeated(real, like)
    assert catalog.items == real.items + 3 and len(set(catalog.item_ids.tolist())) == catalog.items
    new = slice(real.items, None)
    assert catalog.attribute_IA[new].tolist() == real.attribute_IA[like].tolist()
    assert catalog.price_I[new].tolist() == real.price_I[like].tolist()
    assert catalog.vocabulary_I[new].tolist() == hashed_rows(catalog.item_ids[new], real.buckets).tolist()
    assert not catalog.decayed_WI[:, new].any() and not catalog.recent_WI[:, new].any()
    assert (catalog.decayed_WI[:, : real.items] == real.decayed_WI).all()
    assert catalog.calendar is not None
    assert catalog.calendar[0].tolist() == changes((mailer,), catalog.items)[0].tolist()
    assert catalog.active_items().tolist() == real.active_items().tolist()


def test_every_new_item_has_a_unit_vector_near_a_real_one(tmp_path: Path) -> None:
    real = np.eye(4, dtype=np.float32)
    ExactIndex(real, np.array([3, 5, 7, 9])).save(tmp_path / "index")
    vectors, items = _vectors(tmp_path / "index", 10, 310, np.random.default_rng(1))
    assert items.tolist() == [3, 5, 7, 9, *range(10, 310)] and (vectors[:4] == real).all()
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-6)
    assert (vectors @ real.T).max(axis=1).min() > 0.8


def test_recall_is_the_share_of_the_true_nearest() -> None:
    vectors = np.random.default_rng(2).normal(size=(1000, 8)).astype(np.float32)
    items, queries = np.arange(1000) + 5, vectors[:3] + 0.1
    index = ExactIndex(vectors, items)
    assert recall(index, vectors, items, queries) == 1.0

    class Half(ExactIndex):
        """Finds every second one."""

        def search(self, queries: np.ndarray, k: int) -> np.ndarray:
            listed = super().search(queries, k)
            listed[:, ::2] = -1
            return listed

    assert recall(Half(vectors, items), vectors, items, queries) == 0.5
    assert RECALL_AT % 2 == 0
