"""Answers without ranking: the lower rungs of the ladder, taken also where a list breaks the contract."""

import time
from collections.abc import Sequence

import numpy as np

from model import api
from model.api import SOURCES, Rung
from model.data.personal_frequency import top_frequency
from model.errors import ModelRefused
from model.rerank.shelves import joined, shelves
from model.serving.contract import Contract, Violation
from model.serving.fallback.served_model import ServedModel
from model.serving.v2_inputs import MAX_K
from tfx_configs.units import DAY_S

FILL = 1e-6
"""Score below which the popular items follow the shopper's own."""
_OWN, _POPULAR = SOURCES[0], SOURCES[-1]


def answer_within(
    contract: Contract,
    model: ServedModel,
    request: api.Request,
    ranked: tuple[api.Answer, Rung] | None,
    popular: Sequence[str],
) -> tuple[api.Answer, Rung, Violation | None]:
    """The ranked answer where it holds the contract, else that of the next rung which does.

    Args:
        contract: of this request, made before the ranking began.
        ranked: the model's answer and its rung; None where there is none.
        popular: best first, for the last rung.

    Returns:
        The answer, its rung, and how the first answer that broke the contract did so. What is popular is the answer
        also where it breaks the contract: there is no other.
    """
    violation = None
    if ranked is not None:
        violation = contract.violation(ranked[0])
        if violation is None:
            return *ranked, None
    for personal in (True, False):
        answer, rung = unranked(model, request, popular, personal)
        broken = contract.violation(answer)
        violation = violation or broken
        if broken is None or rung is Rung.POPULAR:
            break
    return answer, rung, violation


def popular_items(model: ServedModel) -> list[str]:
    """What the model gives an unknown shopper now, best first.

    Raises ModelRefused where that breaks the contract.
    """
    newcomer = made_up(0, MAX_K)
    answer = model.recommend([newcomer])[0]
    if broken := Contract(model, newcomer).violation(answer):
        raise ModelRefused(f"{model.version}: its list of what is popular breaks the contract ({broken})")
    return answer.item_ids


def unranked(
    model: ServedModel, request: api.Request, popular: Sequence[str], personal: bool
) -> tuple[api.Answer, Rung]:
    """The answer without ranking, in well under a millisecond, under the same rules.

    Personal frequency: each purchase halves every `half_life_days` of the model, and popular items follow. A shopper
    without a history gets the popular items either way, as does a request for new items alone; the rung shows which.

    Args:
        popular: best first.
    """
    asked = shelves(request)
    answers = [_unranked(model, shelf, popular, personal) for shelf in asked]
    rungs = [rung for _, rung in answers]
    return joined([request], [answer for answer, _ in answers])[0], rungs[0]


def _unranked(
    model: ServedModel, request: api.Request, popular: Sequence[str], personal: bool
) -> tuple[api.Answer, Rung]:
    """Of one shelf."""
    own = _own_counts(request, model.half_life_days) if personal and not request.asks_for_new(model.new_only) else []
    rung = Rung.PERSONAL if own else Rung.POPULAR
    excluded = request.barred(model.new_only)
    ranked = [(FILL + count / (1 + count), item, _OWN) for item, count in own if item not in excluded]
    excluded.update(item for item, _ in own)
    ranked += [(FILL / (1 + place), item, _POPULAR) for place, item in enumerate(popular) if item not in excluded]
    score_C, item_C, reason_C = zip(*ranked, strict=True) if ranked else ((), (), ())
    answer = model.shown(
        request,
        np.array([item.encode() for item in item_C], dtype=np.object_),
        np.array(score_C, dtype=np.float32),
        np.array([reason.encode() for reason in reason_C], dtype=np.object_),
    )
    return answer, rung


def _own_counts(request: api.Request, half_life_days: float) -> list[tuple[str, float]]:
    """(item, decayed count) of the shopper's history, best first, equal counts by item id."""
    names = sorted(set(request.history_item))
    code = {name: n for n, name in enumerate(names)}
    item_H = np.array([code[name] for name in request.history_item], np.int64)
    age_H = (request.time_s - np.asarray(request.history_time, np.float64)) / DAY_S
    _, item_P, count_P = top_frequency(np.zeros_like(item_H), item_H, age_H, half_life_days)
    return [(names[item], count) for item, count in zip(item_P.tolist(), count_P.tolist(), strict=True)]


def made_up(length: int, k: int) -> api.Request:
    """A request of a shopper that no catalog has anything about, now."""
    now_s = int(time.time())
    return api.Request(
        user_id="warm-up",
        time_s=now_s,
        history_item=["warm-up"] * length,
        history_time=np.arange(now_s - length, now_s, dtype=np.int64),
        k=k,
    )
