"""A real server process around a model without TensorFlow: `python -m tests.model.serving.fake_server`.

The model directory holds one file, fake.json, with FakeModel's fields. The answer is the shopper's own items, the most
recent first (unless `own` is false), then `items`; `fail` makes every answer an error; without the file it is refused.
Where `closed`, the catalog is `items`, and a list without enough of them is short; else every item is in it.
"""

import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from model import api
from model.data.personal_frequency import HALF_LIFE_DAYS
from model.errors import InputError, ModelRefused
from model.rerank.shelves import joined, shelves
from model.serving.server import main


@dataclass(frozen=True)
class FakeTerms:
    """model.serving.contract.Terms without rules. `catalog`: None where every item is in it."""

    catalog: frozenset[str] | None
    rules: None = None

    def codes(self, item_ids: Sequence[str]) -> np.ndarray:
        "".join(item_ids)  # raises on what is no text, as the packaged model's does
        return np.array([1 if self.catalog is None or item in self.catalog else -1 for item in item_ids], np.int32)

    def offers(self, barred: set[str], most: int) -> int:
        return min(most, len((self.catalog or frozenset()) - barred))


@dataclass(kw_only=True)
class FakeModel:
    version: str
    items: tuple[str, ...] = ()
    own: bool = True
    fail: bool = False
    closed: bool = False
    sleep_s: float = 0.0
    fewer_sleep_s: float = 0.0
    score_is_probability: bool = False
    half_life_days: float = HALF_LIFE_DAYS
    new_only: bool = False

    def recommend(self, requests: Sequence[api.Request], fewer: bool = False) -> list[api.Answer]:
        real = any(request.user_id != "warm-up" for request in requests)
        if real:
            time.sleep(self.fewer_sleep_s if fewer else self.sleep_s)
        if real and self.fail:
            raise RuntimeError("the fake model fails on purpose")
        return joined(requests, [self._answer(shelf) for request in requests for shelf in shelves(request)])

    def check(self, request: api.Request) -> None:
        if request.within:
            raise InputError(f"within: expected an attribute of the items table (none), got {request.within[0][0]!r}")

    def terms(self, request: api.Request) -> "FakeTerms":
        return FakeTerms(frozenset(self.items) if self.closed else None)

    def shown(self, request: api.Request, item_C: np.ndarray, score_C: np.ndarray, reason_C: np.ndarray) -> api.Answer:
        k = request.k
        items, reasons = ([value.decode() for value in values[:k]] for values in (item_C, reason_C))
        return api.Answer(item_ids=items, scores=[float(score) for score in score_C[:k]], reasons=reasons)

    def _answer(self, request: api.Request) -> api.Answer:
        ranked = list(dict.fromkeys([*(reversed(request.history_item) if self.own else ()), *self.items]))
        shelf = set(request.history_item) if request.k_new else {*ranked}
        items = [item for item in ranked if item in shelf and item not in request.barred()][: request.k]
        reasons = ["bought_before" if item in request.history_item else "popular" for item in items]
        return api.Answer(item_ids=items, scores=[1.0 / (1 + i) for i in range(len(items))], reasons=reasons)


def write_model(directory: Path, version: str, **fields: object) -> Path:
    """A model directory for this server."""
    directory.mkdir(parents=True)
    (directory / "fake.json").write_text(json.dumps({"version": version, **fields}))
    return directory


def load(directory: Path) -> FakeModel:
    try:
        return FakeModel(**json.loads((directory / "fake.json").read_text()))
    except FileNotFoundError:
        raise ModelRefused(f"{directory}: expected fake.json, got none; write it") from None


if __name__ == "__main__":
    sys.exit(main(load_model=load))
