"""The fake server with a model whose scores are shuffled: `python -m tests.components.rollout.scene_server`.

With `shuffled` in fake.json's fields, every shopper gets a list of their own from `items`, in an order that has nothing
to do with what they buy: personal, different every time, and worthless.
"""

import hashlib
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from model import api
from model.serving.server import main
from tests.model.serving.fake_server import FakeModel


@dataclass(kw_only=True)
class SceneModel(FakeModel):
    shuffled: bool = False

    def recommend(self, requests: Sequence[api.Request], *arguments: Any, **options: Any) -> list[api.Answer]:
        if not self.shuffled:
            return super().recommend(requests, *arguments, **options)
        return [self._shuffled(request) for request in requests]

    def _shuffled(self, request: api.Request) -> api.Answer:
        def chance(item: str) -> bytes:
            return hashlib.sha256(f"{item} {request.user_id} {request.time_s}".encode()).digest()

        items = sorted(self.items, key=chance)[: request.k]
        return api.Answer(item_ids=items, scores=[1.0] * len(items), reasons=["popular"] * len(items))


def load(directory: Path) -> SceneModel:
    return SceneModel(**json.loads((directory / "fake.json").read_text()))


if __name__ == "__main__":
    sys.exit(main(load_model=load))
