"""A reason is true: what it names is taken away, and the model's own score and rank move as reported."""

import dataclasses
from dataclasses import replace

import numpy as np
import pytest
from jinja2 import UndefinedError

from model.api import Request
from pipelines.explore import counterfactuals as measured
from pipelines.explore.counterfactuals import Measured
from pipelines.explore.lists import Entry, Role
from pipelines.explore.load_world import World
from pipelines.explore.query_string import Ask
from pipelines.explore.reasons import Candidate, causes_of
from tests.pipelines.explore.small_run import KIND, MAILER, OVERDUE, POPULAR
from tests.worlds import CUT_DAY, seconds

PROMOTED = "i02"
"""In the mailer in every store (tests/worlds.py)."""


def _linear(world: World) -> Role:
    return world.lists.roles[1]


def _ask(world: World, shopper: str) -> Ask:
    moment = world.shoppers.moments(shopper)[0]
    return Ask(user_id=shopper, time_s=moment.time_s, store_id=moment.store_id)


def _place(world: World, ask: Ask, item: str) -> Entry:
    (entry,) = world.lists.listings(ask, item)[1].entries
    return entry


def _effect(world: World, ask: Ask, item: str, cause: str) -> Measured:
    return next(effect for effect in _place(world, ask, item).measured if effect.cause == cause)


def _values(world: World, ask: Ask, item: str) -> dict[str, float]:
    return world.reader(world.lists.request(ask), [item])[0]


def _score(world: World, request: Request, item: str) -> tuple[float, int]:
    """(score, place from 1) that the loaded model gives the item."""
    answer = _linear(world).model.everything([request])[0]
    at = answer.item_ids.index(item)
    return answer.scores[at], at + 1


def _favourite(world: World, ask: Ask) -> str:
    """What the shopper bought most, but not on the last trip, and which was not promoted."""
    request = world.lists.request(ask)
    last = max(request.history_time)
    recent = {i for i, t in zip(request.history_item, request.history_time, strict=True) if t == last}
    items, counts = np.unique([i for i in request.history_item if i not in recent], return_counts=True)
    return str(items[np.argmax(counts)])


def test_the_features_shown_are_those_that_the_model_scores_with(world: World) -> None:
    """The known scorer on the features of the page gives the exported model's score, for every candidate."""
    for shopper in ("u00", "u07", "u21"):
        ask = _ask(world, shopper)
        answer = _linear(world).model.everything([world.lists.request(ask)])[0]
        rows = world.reader(world.lists.request(ask), answer.item_ids)
        expected = [
            row["own_count"]
            + OVERDUE * row["own_overdue"]
            + MAILER * row["on_mailer"]
            + POPULAR * row["recent_popularity"]
            + KIND * row["department_share"]
            for row in rows
        ]
        assert answer.scores == pytest.approx(expected, rel=1e-5)


def test_without_its_promotion_an_item_loses_what_the_promotion_gave_it(world: World) -> None:
    effect = _effect(world, _ask(world, "u00"), PROMOTED, "promotion")
    assert effect.words.endswith("(mailer)") and effect.counts
    assert effect.score - effect.score_without == pytest.approx(MAILER, abs=1e-4)
    assert effect.rank_without is not None and effect.rank_without > effect.rank


def test_an_items_score_knows_no_other_items_promotion(world: World) -> None:
    """So that taking all of them away at once, and keeping the others' scores, is the same as ending one."""
    ask, model = _ask(world, "u00"), _linear(world).model
    request = world.lists.request(ask)
    position, store = world.products.position, world.reader.store(ask.store_id)
    base = model.everything([request])[0]
    rows = world.reader(request, base.item_ids)
    promoted = {item for item, row in zip(base.item_ids, rows, strict=True) if row["on_mailer"]}
    before = dict(zip(base.item_ids, base.scores, strict=True))
    assert len(promoted) == 3
    for ended in promoted:
        with model.nothing_promoted(np.array([position[ended]]), store, request.time_s):
            answer = model.everything([request])[0]
        changed = {i for i, score in zip(answer.item_ids, answer.scores, strict=True) if score != before[i]}
        assert changed == {ended}
    assert model.everything([request])[0] == base


def test_without_its_purchases_an_item_falls_to_where_the_model_puts_it_then(world: World) -> None:
    ask = _ask(world, "u03")
    item, request = _favourite(world, ask), world.lists.request(ask)
    never = request.only(np.array([place for place, bought in enumerate(request.history_item) if bought != item]))
    effect = _effect(world, ask, item, "bought")
    assert (effect.score_without, effect.rank_without) == pytest.approx(_score(world, never, item))
    assert effect.counts and effect.rank_without is not None and effect.rank_without > effect.rank


def test_what_is_overdue_is_no_longer_when_it_was_bought_on_the_last_trip(world: World) -> None:
    """The count stays and the mean gap too, so the score loses what the time since the last purchase gave it."""
    ask = _ask(world, "u03")
    item = _favourite(world, ask)
    values, effect = _values(world, ask, item), _effect(world, ask, item, "rhythm")
    overdue_then = values["last_trip_days"] / values["own_gap_days"]
    lost = OVERDUE * (values["own_overdue"] - overdue_then)
    department = KIND * 1.0  # a share can change by no more than all of it
    assert effect.score - effect.score_without == pytest.approx(lost, abs=department)
    assert effect.score_without < effect.score
    assert effect.rank_without is not None and effect.rank_without > effect.rank


def _without(request: Request, keep: list[bool]) -> Request:
    return request.only(np.flatnonzero(keep))


def test_without_its_last_purchase_an_item_of_the_last_basket_ranks_where_the_model_puts_it_then(world: World) -> None:
    moved = 0
    for shopper in (f"u{n:02d}" for n in range(8)):
        ask = _ask(world, shopper)
        request = world.lists.request(ask)
        last = int(np.max(request.history_time))
        item = [i for i, t in zip(request.history_item, request.history_time, strict=True) if t == last][-1]
        effect = _effect(world, ask, item, "last_trip")
        pairs = zip(request.history_item, request.history_time, strict=True)
        fewer = _without(request, [i != item or t < last for i, t in pairs])
        assert (effect.score_without, effect.rank_without) == pytest.approx(_score(world, fewer, item))
        moved += effect.rank_without != effect.rank
    assert moved > 0


def test_without_the_others_of_its_kind_an_item_ranks_where_the_model_puts_it_then(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measured, "MANY_ALIKE", 1.0)  # a small world has few departments
    ask = _ask(world, "u03")
    item, request = _favourite(world, ask), world.lists.request(ask)
    effect = _effect(world, ask, item, "alike_department")
    catalog, position = world.reader.catalog, world.products.position
    codes = catalog.attribute_IA[:, catalog.attribute_names.index("department")]
    kind = codes[position[item]]
    alone = _without(request, [i == item or codes[position[i]] != kind for i in request.history_item])
    assert len(alone.history_item) < len(request.history_item)
    assert (effect.score_without, effect.rank_without) == pytest.approx(_score(world, alone, item))


def test_what_the_model_does_not_read_is_never_a_reason(world: World) -> None:
    """The known scorer knows no households: without theirs nothing moves, and nothing is reported."""
    places = [place for u in range(0, 30, 3) for place in _household(world, f"u{u:02d}")]
    assert places and all(not effect.counts and effect.rank_without == effect.rank for effect in places)


def _household(world: World, shopper: str) -> list[Measured]:
    ask = _ask(world, shopper)
    effects = _place(world, ask, _favourite(world, ask)).measured
    return [effect for effect in effects if effect.cause == "household"]


def test_without_popularity_an_item_loses_exactly_that_and_the_model_is_as_before(world: World) -> None:
    ask = _ask(world, "u05")
    item = _favourite(world, ask)
    before = _score(world, world.lists.request(ask), item)
    effect = _effect(world, ask, item, "popular")
    bought = _values(world, ask, item)["recent_popularity"]
    assert effect.score - effect.score_without == pytest.approx(POPULAR * bought, abs=1e-4)
    assert effect.rank_without is not None and effect.rank_without >= effect.rank
    assert _score(world, world.lists.request(ask), item) == before


def test_the_words_match_a_hand_computed_count(world: World) -> None:
    ask = _ask(world, "u03")
    item, past = _favourite(world, ask), world.shoppers.past("u03", ask.time_s)
    times = [time for bought, time in zip(past.items, past.times, strict=True) if bought == item]
    gap = (times[-1] - times[0]) / 86_400 / (len(times) - 1)
    since = (ask.time_s - times[-1]) / 86_400
    assert _effect(world, ask, item, "bought").words.startswith(f"bought {len(times)} times, last {since:.0f} days ago")
    late = round(since - gap)
    expected = f"{late} day{'s' if late > 1 else ''} overdue" if late > 0 else "due today" if late == 0 else "due in"
    assert _effect(world, ask, item, "rhythm").words.startswith(f"bought every {gap:.0f} days, {expected}")


def test_every_reason_in_a_list_lowers_the_score_when_it_is_taken_away(world: World) -> None:
    reasons = 0
    for shopper in ("u00", "u05", "u11", "u29", "somebody-new"):
        moments = world.shoppers.moments(shopper)
        time_s = moments[0].time_s if moments else seconds(CUT_DAY + 1)
        for listing in world.lists.listings(Ask(user_id=shopper, time_s=time_s, store_id="s1")):
            for entry in listing.entries:
                for reason in entry.reasons:
                    reasons += 1
                    assert reason.score_without < reason.score == pytest.approx(entry.score)
                    assert reason.rank == entry.rank
    assert reasons > 60


def test_a_model_of_other_data_gets_no_reasons(world: World) -> None:
    role = dataclasses.replace(_linear(world), explained=False)
    lists = type(world.lists)([role], world.lists._examiner, world.shoppers, world.products)
    (listing,) = lists.listings(_ask(world, "u00"))
    assert listing.entries and not any(entry.measured for entry in listing.entries)


def test_a_cause_of_a_feature_that_does_not_exist_is_an_error(world: World) -> None:
    """So that a feature of another name is noticed: a reason does not vanish in silence."""
    values = dict.fromkeys((record.name for record in world.reader.records), 2.0)
    alike = {"brand": ("b1", frozenset({"i01"})), "department": ("d1", frozenset({"i01"}))}
    candidate = Candidate(item_id="i02", values=values, alike=alike, store_id="", last_trip_s=0, household="known")
    for cause in causes_of(("brand", "department")):
        in_last_trip = float(cause.kind == "last_trip")
        assert cause.words(replace(candidate, values=values | {"own_in_last_trip": in_last_trip})), cause.name
        if cause.kind not in ("promotion", "household"):
            with pytest.raises(UndefinedError):
                cause.words(replace(candidate, values={}))
