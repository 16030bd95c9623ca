"""The answer contract: what every answer must hold, whichever model and rung made it.

A list has min(k, what can surely be listed) items, each once, all in the catalog, with finite scores, and none that the
request or a rule leaves out. The server checks every answer, so that a version is judged by what it answers; what
breaks the contract is counted by kind, and the next rung of the ladder makes the answer instead.

The shelf "buy again" may be short: what the shopper bought competes for its candidates with everything else.
"""

import math
from collections.abc import Sequence
from enum import StrEnum
from typing import Any, Protocol

import numpy as np

from model import api
from model.candidates.barred import AGAIN, NEVER
from model.rerank.shelves import shelves


class Violation(StrEnum):
    """How an answer breaks the contract; the first in this order that is found.

    Example:
        >>> Violation("duplicate") is Violation.DUPLICATE
        True
    """

    SHAPE = "shape"
    """Items, scores and reasons of different lengths, ids that are no text, or another number of shelves."""
    LONG = "long"
    """More items than were asked for."""
    DUPLICATE = "duplicate"
    """An item twice, also on two shelves."""
    SCORE = "score"
    """A score that is not finite."""
    UNKNOWN_ITEM = "unknown_item"
    """An item that is not in the catalog."""
    EXCLUDED = "excluded"
    """An item that the request leaves out: named, bought before where only new ones are wanted, or never bought on the
    shelf of what was."""
    RULE = "rule"
    """An item that a rule, or the values that the request asks for, leave out."""
    SHORT = "short"
    """Fewer items than were asked for, though there are more that could be listed."""


class Terms(Protocol):
    """What may be listed for one request (model.package.eligibility.Terms)."""

    @property
    def rules(self) -> Any:
        """Another object once other rules are current."""
        ...

    def codes(self, item_ids: Sequence[str]) -> np.ndarray:
        """[n] int: negative where an item is not in the catalog, else one of model.candidates.barred's codes."""
        ...

    def offers(self, barred: set[str], most: int) -> int:
        """How many items, `most` at most, can surely be listed beside those barred."""
        ...


class HasTerms(Protocol):
    """What is asked for the terms of a request (model.package.loaded_model.LoadedModel)."""

    new_only: bool

    def terms(self, request: api.Request) -> Terms:
        """Those of the current rules."""
        ...


class Contract:
    """Checks answers to one request, under the rules that were current when it began.

    Example:
        >>> from types import SimpleNamespace
        >>> terms = SimpleNamespace(rules=None, codes=lambda items: np.ones(len(items)), offers=lambda barred, most: 5)
        >>> model = SimpleNamespace(new_only=False, terms=lambda request: terms)
        >>> request = api.Request(user_id="ann", time_s=9, history_item=[], history_time=np.empty(0), k=2)
        >>> contract = Contract(model, request)
        >>> contract.violation(api.Answer(item_ids=["tea", "tea"], scores=[0.5, 0.5], reasons=["popular"] * 2)).value
        'duplicate'
        >>> contract.violation(api.Answer(item_ids=["tea", "milk"], scores=[0.5, 0.5], reasons=["popular"] * 2))
    """

    def __init__(self, model: HasTerms, request: api.Request) -> None:
        self._model, self._request = model, request
        self._terms = model.terms(request)

    def violation(self, answer: api.Answer) -> Violation | None:
        """How the answer breaks the contract; None where it holds.

        An answer made while the rules changed is held to the old or the new ones, whichever it respects.
        """
        broken = self._under(self._terms, answer)
        if broken in (Violation.RULE, Violation.SHORT):
            current = self._model.terms(self._request)
            if current.rules is not self._terms.rules:
                return self._under(current, answer)
        return broken

    def _under(self, terms: Terms, answer: api.Answer) -> Violation | None:
        request = self._request
        if (answer.new is not None) != bool(request.k_new):
            return Violation.SHAPE
        if answer.new is None:
            return _of_list(terms, request, answer, request.asks_for_new(self._model.new_only))
        again, new = shelves(request)
        broken = _of_list(terms, again, answer, False) or _of_list(terms, new, answer.new, True)
        if broken:
            return broken
        listed = set(answer.item_ids)
        if not listed.isdisjoint(answer.new.item_ids):
            return Violation.DUPLICATE
        return None if listed.issubset(request.history_item) else Violation.EXCLUDED


def _of_list(terms: Terms, request: api.Request, answer: api.Answer, new_only: bool) -> Violation | None:
    """Of one shelf; the shelf "buy again" is the request that has a second one."""
    items, count = answer.item_ids, len(answer.item_ids)
    if len(answer.scores) != count or len(answer.reasons) != count:
        return Violation.SHAPE
    if count > request.k:
        return Violation.LONG
    try:
        listed = set(items)
        codes = terms.codes(items)
        finite = math.isfinite(sum(answer.scores))
    except (TypeError, OverflowError):
        return Violation.SHAPE
    if len(listed) < count:
        return Violation.DUPLICATE
    if not finite:
        return Violation.SCORE
    if count:
        lowest = codes.min()
        if lowest < 0:
            return Violation.UNKNOWN_ITEM
        if not listed.isdisjoint(request.exclude) or (new_only and not listed.isdisjoint(request.history_item)):
            return Violation.EXCLUDED
        if lowest == NEVER:
            return Violation.RULE
        if codes.max() == AGAIN:
            again = [item for item, code in zip(items, codes.tolist(), strict=True) if code == AGAIN]
            if not set(again).issubset(request.history_item):
                return Violation.RULE
    if count < request.k and not request.k_new:
        barred = {*request.exclude, *request.history_item} if new_only else set(request.exclude)
        if count < terms.offers(barred, request.k):
            return Violation.SHORT
    return None
