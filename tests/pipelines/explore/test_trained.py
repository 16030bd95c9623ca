"""The same on a trained model that was promoted: what a list names as a reason, taken away here by other means."""

import dataclasses
from pathlib import Path

import numpy as np

from model.api import Request
from model.package.loaded_model import load
from pipelines.explore.load_world import World, open_world
from pipelines.explore.query_string import Ask
from pipelines.explore.run_selection import chosen_run
from pipelines.local.run_directory import Paths
from tests.pipelines.conftest import Run


def test_the_reasons_of_a_trained_model_hold(promoted_run: Run) -> None:
    check_reasons(open_world(chosen_run(promoted_run.out)), promoted_run.out.resolve())


def check_reasons(world: World, run: Path) -> None:
    """Every item shown for its purchases falls when they go, in a model loaded apart as a server loads it."""
    role = next(role for role in world.lists.roles if role.model.kind == "aisle")
    served = load(Paths(out=run).registry / "models" / role.model.version)
    number = world.lists.roles.index(role)
    checked = 0
    for example in world.shoppers.examples()[:3]:
        for moment in world.shoppers.moments(example.user_id)[:2]:
            ask = Ask(user_id=example.user_id, time_s=moment.time_s, store_id=moment.store_id)
            request = dataclasses.replace(world.lists.request(ask), k=4096)
            base = served.recommend([request])[0]
            for entry in world.lists.listings(ask)[number].entries:
                item = entry.product.item_id
                assert base.item_ids[entry.rank - 1] == item and base.scores[entry.rank - 1] == entry.score
                for reason in entry.reasons:
                    assert reason.score_without < reason.score
                    if reason.cause == "bought":
                        checked += 1
                        after = served.recommend([_never_bought(request, item)])[0]
                        rank = after.item_ids.index(item) + 1 if item in after.item_ids else None
                        assert rank == reason.rank_without
                        assert rank is None or rank > entry.rank
    assert checked >= 5


def _never_bought(request: Request, item: str) -> Request:
    others = np.flatnonzero(np.array(request.history_item, object) != item)
    return request.only(others)
