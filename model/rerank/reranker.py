"""From ranked candidates to the list that is shown: rules, boost, diversity, exploration. A pure function of both.

Shape legend: C candidates of one request, best first; G capped or diversified attributes; k answers.
"""

import hashlib
import math
from collections.abc import Mapping, Sequence

import numpy as np

from model.api import SOURCES, Answer, Request
from model.errors import InputError
from model.rerank.item_attributes import ItemValues
from tfx_configs.rerank import RerankSettings, Rule

BOUGHT_BEFORE = SOURCES[0].encode()
NO_VALUE = -1
"""Code of an item that lacks the attribute: never capped, like nothing else."""
SMALLEST = 1e-7
"""Scores are kept this far from 0 and 1 when their log-odds are taken."""


class Reranker:
    """Settings and rules, ready for requests. Stateless, so threads may share it.

    Raises:
        InputError: a rule, or the diversity, is about an attribute or value that no item has.

    Example:
        Wine is out of stock, so that the two others move up.

        >>> from pathlib import Path
        >>> rule = Rule(action="exclude", values=("wine",))
        >>> reranker = Reranker(RerankSettings(), [rule], ItemValues(Path("items.parquet")))
        >>> request = Request(user_id="ann", time_s=0, history_item=[], history_time=np.empty(0), k=2)
        >>> items, reasons = np.array([b"wine", b"milk", b"tea"], object), np.array([b"popular"] * 3, object)
        >>> reranker(request, items, np.array([0.5, 0.25, 0.125], np.float32), reasons).item_ids
        ['milk', 'tea']
    """

    def __init__(self, settings: RerankSettings, rules: Sequence[Rule], values: ItemValues) -> None:
        self._settings = settings
        self._bans = [(rule, values.items_with(rule)) for rule in rules if rule.action != "cap"]
        self._caps = [(rule, values.codes(rule.attribute, rule.values)) for rule in rules if rule.action == "cap"]
        alike = settings.diversity_attribute
        self._kinds: Mapping[bytes, int] = {}
        self._newcomer_diversity = max(settings.newcomer_diversity, settings.diversity)
        if self._newcomer_diversity:
            try:
                self._kinds = values.kinds(alike)
            except InputError:
                if settings.diversity or alike:
                    raise
                self._newcomer_diversity = 0.0
        self.stores = frozenset(rule.store_id for rule in rules if rule.store_id)
        """Those that a rule names."""
        self.caps = bool(self._caps)
        """Whether a list may need more than the best candidates."""
        self._always = bool(rules or settings.explore_boost or settings.diversity or settings.explore_percent)

    def active(self, request: Request) -> bool:
        """False when the list stays as it is."""
        return self._always or bool(self._newcomer_diversity and not request.history_item)

    def __call__(self, request: Request, item_C: np.ndarray, score_C: np.ndarray, reason_C: np.ndarray) -> Answer:
        """The answer.

        Args:
            item_C, reason_C: bytes. score_C: float32, falling; a probability where settings read it.
        """
        order = self._order(request, item_C, score_C, reason_C == BOUGHT_BEFORE)
        shown, propensities = _drawn(order, request, self._settings)
        return Answer(
            item_ids=[item.decode() for item in item_C[shown]],
            scores=[float(score) for score in score_C[shown]],
            reasons=[reason.decode() for reason in reason_C[shown]],
            propensities=propensities,
        )

    def bans(self, store_id: str) -> tuple[tuple[Rule, frozenset[bytes]], ...]:
        """The rules that leave out or restrict something in this store, each with the items that it is about."""
        return tuple((rule, items) for rule, items in self._bans if rule.store_id in ("", store_id))

    def _order(self, request: Request, item_C: np.ndarray, score_C: np.ndarray, own_C: np.ndarray) -> np.ndarray:
        """Positions of what may be shown, best first: as many as the answer and the draw need."""
        settings = self._settings
        wanted = max(request.k, settings.explore_place + settings.explore_pool if settings.explore_percent else 0)
        order = np.flatnonzero(self._allowed_C(request, item_C, own_C))
        relevance = score_C[order]
        if settings.explore_boost:
            relevance = boosted(relevance, ~own_C[order], settings.explore_boost)
            by_relevance = np.argsort(-relevance, kind="stable")
            order, relevance = order[by_relevance], relevance[by_relevance]
        caps = [(codes, rule.most) for rule, codes in self._caps if rule.store_id in ("", request.store_id)]
        diversity = settings.diversity if request.history_item else self._newcomer_diversity
        if not caps and not diversity:
            return order[:wanted]
        item = item_C[order].tolist()
        coded = [(np.array([codes.get(i, NO_VALUE) for i in item]), most) for codes, most in caps]
        kind_C = np.array([self._kinds.get(i, NO_VALUE) for i in item])
        return order[chosen(relevance, kind_C, diversity, coded, wanted)]

    def _allowed_C(self, request: Request, item_C: np.ndarray, own_C: np.ndarray) -> np.ndarray:
        """[C] bool. A restricted item is shown to those who bought it before, an excluded one to none."""
        allowed_C = np.ones(len(item_C), bool)
        for rule, items in self.bans(request.store_id):
            banned_C = np.fromiter((item in items for item in item_C), bool, len(item_C))
            allowed_C &= ~banned_C | (own_C if rule.action == "restrict" else False)
        return allowed_C


def boosted(score_C: np.ndarray, new_C: np.ndarray, boost: float) -> np.ndarray:
    """[C] float64 probabilities, the odds of what is new to the shopper multiplied by exp(boost)."""
    clear = np.clip(score_C.astype(np.float64), SMALLEST, 1 - SMALLEST)
    odds = clear / (1 - clear) * np.where(new_C, math.exp(boost), 1.0)
    return np.asarray(odds / (1 + odds))


def chosen(
    relevance_C: np.ndarray, kind_C: np.ndarray, diversity: float, caps: Sequence[tuple[np.ndarray, int]], wanted: int
) -> list[int]:
    """Positions of at most `wanted` candidates, one after the other by maximal marginal relevance, within the caps.

    Carbonell and Goldstein, "The Use of MMR" (SIGIR 1998): the next is the one with the largest
    (1 - diversity) * relevance / largest relevance - diversity * largest similarity to what is chosen,
    where two items are similar (1) when they are of one kind, else not (0). Ties go to the better ranked.

    Args:
        relevance_C: falling. kind_C: [C] codes, NO_VALUE like nothing else.
        caps: ([C] codes, most items of a code); NO_VALUE is never capped.
    """
    if not len(relevance_C):
        return []
    gain_C = (1 - diversity) * relevance_C / max(relevance_C.max(), SMALLEST)
    placed: set[int] = set()
    counts: list[dict[int, int]] = [{} for _ in caps]
    picked: list[int] = []
    while len(picked) < wanted:
        best = int(np.argmax(gain_C))
        if gain_C[best] == -np.inf:
            break
        picked.append(best)
        gain_C[best] = -np.inf
        kind = int(kind_C[best])
        if diversity and kind != NO_VALUE and kind not in placed:
            placed.add(kind)
            gain_C[kind_C == kind] -= diversity
        for (code_C, most), count in zip(caps, counts, strict=True):
            code = int(code_C[best])
            count[code] = count.get(code, 0) + 1
            if code != NO_VALUE and count[code] == most:
                gain_C[code_C == code] = -np.inf
    return picked


def explored(candidates: int, k: int, settings: RerankSettings) -> np.ndarray:
    """[candidates] probability that each rank, best first, is among the k shown, rules and diversity aside.

    With the set share, one of the `explore_pool` that follow the place moves up to it, each as likely. So what ranks
    above k is always there, what ranks at k unless a draw from below pushes it out, what ranks below only when drawn.
    """
    shown_C = (np.arange(candidates) < k).astype(float)
    place, pool = settings.explore_place, _pool(candidates, settings)
    if not settings.explore_percent or k < place or not pool:
        return shown_C
    share = settings.explore_percent / 100
    below = max(place + pool - k, 0) / pool
    shown_C[k - 1 : k] = 1 - share * below
    shown_C[k : place + pool] = share / pool
    return shown_C


def _pool(candidates: int, settings: RerankSettings) -> int:
    """How many candidates there are to draw from."""
    return min(max(candidates - settings.explore_place, 0), settings.explore_pool)


def _drawn(order: np.ndarray, request: Request, settings: RerankSettings) -> tuple[np.ndarray, list[float]]:
    """The k positions shown, and the probability with which each was to be among them; none without exploration."""
    k, place, pool = request.k, settings.explore_place, _pool(len(order), settings)
    if not settings.explore_percent or k < place or not pool:
        return order[:k], []
    chance, pick = _uniforms(settings.seed, request)
    rank = np.arange(len(order))
    if chance < settings.explore_percent / 100:
        drawn = place + int(pick * pool)
        rank = np.insert(np.delete(rank, drawn), place - 1, drawn)
    return order[rank[:k]], explored(len(order), k, settings)[rank[:k]].tolist()


def _uniforms(seed: int, request: Request) -> tuple[float, float]:
    """Two numbers in [0, 1) that only the seed, the shopper and the second decide."""
    digest = hashlib.blake2b(f"{seed}\0{request.user_id}\0{request.time_s}".encode(), digest_size=16).digest()
    return int.from_bytes(digest[:6]) / 2**48, int.from_bytes(digest[8:14]) / 2**48
