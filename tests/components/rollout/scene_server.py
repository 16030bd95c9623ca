"""The fake server with a model whose scores are shuffled: `python -m tests.components.rollout.scene_server`.

With `shuffled` in fake.json's fields, every shopper gets a list of their own from `items`, in an order that has nothing
to do with what they buy: personal, different every time, and worthless. With `garbage`, its answers break the contract;
with `refuses`, every request is a bad one to it.
"""

import dataclasses
import hashlib
import json
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from model import api
from model.errors import InputError
from model.serving.server import main
from tests.model.serving.fake_server import FakeModel


@dataclass(kw_only=True)
class SceneModel(FakeModel):
    shuffled: bool = False
    garbage: str = ""
    refuses: bool = False

    def recommend(self, requests: Sequence[api.Request], *arguments: Any, **options: Any) -> list[api.Answer]:
        if not self.shuffled:
            answers = super().recommend(requests, *arguments, **options)
            return [a if r.user_id == "warm-up" else self._broken(a) for r, a in zip(requests, answers, strict=True)]
        return [self._shuffled(request) for request in requests]

    def check(self, request: api.Request) -> None:
        if self.refuses:
            raise InputError("the scene refuses on purpose")
        super().check(request)

    def _broken(self, answer: api.Answer) -> api.Answer:
        """The answer as `garbage` has it."""
        count, items = len(answer.item_ids), answer.item_ids
        broken: dict[str, dict[str, Any]] = {
            "": {},
            "empty": {"item_ids": [], "scores": [], "reasons": []},
            "nan": {"scores": [math.nan] * count},
            "the same two": {"item_ids": (items[:2] * count)[:count]},
            "unknown": {"item_ids": [f"gold-{item}" for item in items]},
        }
        return dataclasses.replace(answer, **broken[self.garbage])

    def _shuffled(self, request: api.Request) -> api.Answer:
        def chance(item: str) -> bytes:
            return hashlib.sha256(f"{item} {request.user_id} {request.time_s}".encode()).digest()

        items = sorted(self.items, key=chance)[: request.k]
        return api.Answer(item_ids=items, scores=[1.0] * len(items), reasons=["popular"] * len(items))


def load(directory: Path) -> SceneModel:
    return SceneModel(**json.loads((directory / "fake.json").read_text()))


if __name__ == "__main__":
    sys.exit(main(load_model=load))
