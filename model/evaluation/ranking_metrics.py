"""Ranking metrics, defined once; training, evaluation (TFMA's included), benchmarks and monitoring all use these.

For one trip with the basket B (distinct items) and the recommended list r_1, r_2, ... (best first, no duplicates):

    recall@k         |{r_1..r_k} & B| / |B|
    ndcg@k           sum over hits i <= k of 1/log2(i+1), over the same sum for a perfect list of min(k, |B|) hits
    phr@k            1 when any of r_1..r_k is in B, else 0 (personal hit ratio)
    explore_recall@k recall over the part of B that the shopper never bought before the trip
    repeat_recall@k  recall over the part of B that the shopper bought before the trip
    novelty@k        mean over r_1..r_k of log2(U / U_r), bits: U shoppers bought anything in the training span, U_r of
                     them bought r (at least 1). 0: everybody buys it; log2(U): one shopper or none does

Over all trips together, which have no value a trip:

    coverage@k          distinct items in anybody's r_1..r_k, over the number of active items
    calibration_error@k the pairs (score p, bought y) of every r_1..r_k of every trip, in the order of p cut into ten
                        bins of equal size: sum over bins of (pairs of the bin / all pairs) * |mean p - mean y|
    calibration_ratio@k sum of p over sum of y: above 1, the model promises more than is bought

The last two only for models whose score is a probability. A recall over an empty part and a novelty of an empty list
are undefined: NaN, and left out of the average.
Shape legend: T trips, K recommendations a trip.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

NO_ITEM = -1
"""Pads recommendation lists: never a hit, never covered."""


@dataclass(frozen=True, kw_only=True)
class Hits:
    """Which recommendations were right."""

    hit_TK: np.ndarray
    """[T, K] bool: the recommendation is in the basket."""
    new_hit_TK: np.ndarray
    """[T, K] bool: it is in the basket and the shopper had never bought it."""
    basket_T: np.ndarray
    """[T] int: distinct items in the basket."""
    new_T: np.ndarray
    """[T] int: those of them that the shopper had never bought."""
    information_TK: np.ndarray
    """[T, K] float: self-information of the recommendation, bits; NaN where there is none, or nothing known of it."""


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A relative difference with its 95 % bootstrap interval, percent; NaN when the reference's mean is zero."""

    delta_pct: float
    low_pct: float
    high_pct: float


@dataclass(frozen=True, kw_only=True)
class Bin:
    """A share of the recommendations with neighbouring scores."""

    expected: float
    """Their mean score."""
    bought: float
    """Share of them that was bought."""
    size: int


def find_hits(
    items_TK: np.ndarray,
    baskets: Sequence[np.ndarray],
    histories: Sequence[np.ndarray],
    information_I: np.ndarray | None = None,
) -> Hits:
    """Compares recommendations with what was bought.

    Args:
        items_TK: [T, K] item indices, best first, padded with NO_ITEM.
        baskets: T arrays of distinct item indices.
        histories: T arrays of the item indices bought before the trip, repeated or not.
        information_I: [I] self-information of every item; without it novelty is undefined.
    """
    new_baskets = [np.setdiff1d(basket, past) for basket, past in zip(baskets, histories, strict=True)]
    return Hits(
        hit_TK=_member(items_TK, baskets),
        new_hit_TK=_member(items_TK, new_baskets),
        basket_T=np.array([len(basket) for basket in baskets]),
        new_T=np.array([len(basket) for basket in new_baskets]),
        information_TK=np.full(items_TK.shape, np.nan)
        if information_I is None
        else np.where(items_TK == NO_ITEM, np.nan, information_I[items_TK]),
    )


def self_information(buyers_I: np.ndarray, shoppers: int) -> np.ndarray:
    """[I] float32 bits: log2(U / U_r) of every item, from the number of distinct shoppers who bought it."""
    return np.log2(max(shoppers, 1) / np.maximum(buyers_I, 1)).astype(np.float32)


def recall(hits: Hits, k: int) -> np.ndarray:
    """[T] recall@k."""
    return _ratio(hits.hit_TK[:, :k].sum(axis=1), hits.basket_T)


def ndcg(hits: Hits, k: int) -> np.ndarray:
    """[T] ndcg@k with binary gain; the ideal list has min(k, |B|) hits."""
    discount_k = 1.0 / np.log2(np.arange(2, k + 2))
    gain_TK = hits.hit_TK[:, :k] * discount_k[: hits.hit_TK.shape[1]]
    ideal = np.concatenate(([0.0], np.cumsum(discount_k)))
    return _ratio(gain_TK.sum(axis=1), ideal[np.minimum(k, hits.basket_T)])


def phr(hits: Hits, k: int) -> np.ndarray:
    """[T] 1.0 when any of the first k is a hit, else 0.0; NaN for an empty basket."""
    return np.where(hits.basket_T > 0, hits.hit_TK[:, :k].any(axis=1).astype(float), np.nan)


def explore_recall(hits: Hits, k: int) -> np.ndarray:
    """[T] recall@k over the items new to the shopper."""
    return _ratio(hits.new_hit_TK[:, :k].sum(axis=1), hits.new_T)


def repeat_recall(hits: Hits, k: int) -> np.ndarray:
    """[T] recall@k over the items the shopper had bought before."""
    repeated_TK = hits.hit_TK & ~hits.new_hit_TK
    return _ratio(repeated_TK[:, :k].sum(axis=1), hits.basket_T - hits.new_T)


def novelty(hits: Hits, k: int) -> np.ndarray:
    """[T] novelty@k, bits; NaN for an empty list."""
    known_TK = ~np.isnan(hits.information_TK[:, :k])
    return _ratio(np.where(known_TK, hits.information_TK[:, :k], 0.0).sum(axis=1, dtype=float), known_TK.sum(axis=1))


EXPLORE_RECALL = "explore_recall@10"
PER_TRIP: dict[str, tuple[Callable[[Hits, int], np.ndarray], int]] = {
    "recall@10": (recall, 10),
    "ndcg@10": (ndcg, 10),
    "phr@10": (phr, 10),
    "recall@20": (recall, 20),
    "ndcg@20": (ndcg, 20),
    EXPLORE_RECALL: (explore_recall, 10),
    "repeat_recall@10": (repeat_recall, 10),
    "novelty@10": (novelty, 10),
}
"""The reported per-trip metrics: {name: (function, k)}."""

COVERAGE = "coverage@10"
CALIBRATION_ERROR = "calibration_error@10"
CALIBRATION_RATIO = "calibration_ratio@10"
ACROSS_TRIPS = (COVERAGE, CALIBRATION_ERROR, CALIBRATION_RATIO)
"""The reported metrics that have no value a trip."""


def by_trip(hits: Hits) -> dict[str, np.ndarray]:
    """{name: [T] value, NaN where undefined} for every metric in PER_TRIP."""
    return {name: function(hits, k) for name, (function, k) in PER_TRIP.items()}


def mean_defined(values_T: np.ndarray) -> float:
    """Mean over the trips where the metric is defined; NaN when there are none."""
    defined = values_T[~np.isnan(values_T)]
    return float(defined.mean()) if len(defined) else float("nan")


def coverage(items_TK: np.ndarray, k: int, active_items: int) -> float:
    """Distinct items recommended in the first k places, over `active_items` (at least 1)."""
    shown = items_TK[:, :k]
    return len(np.unique(shown[shown != NO_ITEM])) / active_items


def reliability(score_TK: np.ndarray, hit_TK: np.ndarray, k: int, bins: int = 10) -> list[Bin]:
    """What was expected and what was bought, in bins of equal size, low scores first; equal scores stay in list order.

    Args:
        score_TK: [T, K] probabilities, NaN where there is no recommendation.
        hit_TK: [T, K] bool.
    """
    listed = ~np.isnan(score_TK[:, :k])
    score, bought = score_TK[:, :k][listed].astype(float), hit_TK[:, :k][listed]
    parts = np.array_split(np.argsort(score, kind="stable"), bins)
    return [
        Bin(expected=float(score[part].mean()), bought=float(bought[part].mean()), size=len(part))
        for part in parts
        if len(part)
    ]


def calibration_error(curve: Sequence[Bin]) -> float:
    """calibration_error@k of a reliability curve; NaN without recommendations."""
    total = sum(bin_.size for bin_ in curve)
    return sum(bin_.size * abs(bin_.expected - bin_.bought) for bin_ in curve) / total if total else float("nan")


def calibration_ratio(curve: Sequence[Bin]) -> float:
    """calibration_ratio@k of a reliability curve; NaN where nothing was bought."""
    bought = sum(bin_.size * bin_.bought for bin_ in curve)
    return sum(bin_.size * bin_.expected for bin_ in curve) / bought if bought else float("nan")


def mean_interval(values_T: np.ndarray, *, seed: int, rounds: int) -> dict[str, float]:
    """{mean, low, high} over the trips where the metric is defined, with its 95 % bootstrap interval over shoppers."""
    defined = values_T[~np.isnan(values_T)]
    if not len(defined):
        return dict.fromkeys(("mean", "low", "high"), float("nan"))
    drawn = np.random.default_rng(seed).integers(0, len(defined), (rounds, len(defined)))
    low, high = np.quantile(defined[drawn].mean(axis=1), [0.025, 0.975])
    return {"mean": float(defined.mean()), "low": float(low), "high": float(high)}


def paired_delta(candidate_T: np.ndarray, reference_T: np.ndarray, *, seed: int, rounds: int) -> Interval:
    """How much better the candidate's mean is on the same trips, percent of the reference's mean.

    Paired bootstrap: a round draws shoppers with replacement (each trip is another shopper's) and takes both means
    over the same draw; the interval is the 2.5 % and 97.5 % quantile over the rounds. Trips where either value is
    NaN are left out.
    """
    defined = ~(np.isnan(candidate_T) | np.isnan(reference_T))
    pair_T2 = np.stack([candidate_T[defined], reference_T[defined]], axis=1)
    if not len(pair_T2) or pair_T2[:, 1].sum() == 0:
        return Interval(delta_pct=float("nan"), low_pct=float("nan"), high_pct=float("nan"))
    rng = np.random.default_rng(seed)
    sums = np.array([pair_T2[rng.integers(0, len(pair_T2), len(pair_T2))].sum(axis=0) for _ in range(rounds)])
    sums = sums[sums[:, 1] > 0]
    low, high = np.quantile(_delta_pct(sums), [0.025, 0.975])
    return Interval(delta_pct=float(_delta_pct(pair_T2.sum(axis=0))), low_pct=float(low), high_pct=float(high))


def _delta_pct(pair: np.ndarray) -> np.ndarray:
    return 100.0 * (pair[..., 0] / pair[..., 1] - 1.0)


def _ratio(part_T: np.ndarray, whole_T: np.ndarray) -> np.ndarray:
    undefined = np.full(len(part_T), np.nan)
    return np.divide(part_T, whole_T, out=undefined, where=whole_T > 0)


def _member(items_TK: np.ndarray, sets: Sequence[np.ndarray]) -> np.ndarray:
    """[T, K] bool: is each item in its own row's set."""
    rows = [np.isin(row, wanted) & (row != NO_ITEM) for row, wanted in zip(items_TK, sets, strict=True)]
    return np.array(rows, dtype=bool).reshape(items_TK.shape)
