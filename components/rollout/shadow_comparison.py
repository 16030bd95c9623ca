"""Two versions' answers to the same requests, out of the request log: stable's, and the shadow's to its copies."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from pydantic import computed_field

from components.artifacts.artifact import Artifact
from model.evaluation import clustered_errors as clusters

COLUMNS = ("request_id", "version", "user_id", "route", "rung", "latency_ms", "item_ids", "scores")
SHOWN = 5


class Comparison(Artifact, file="shadow.json", stage="shadow"):
    """Means are over the requests compared; None where there is nothing to compare, or nothing was replayed."""

    answered: int
    """Requests that shoppers got an answer to."""
    copies: int
    """Of them, those the shadow got a copy of: as the proxy counted, else as many as it answered."""
    compared: int
    """Copies that the shadow answered."""
    versions: dict[str, list[str]]
    """In the log, of `stable` and `shadow`."""
    same_list: float | None
    """Share of the answers with the same items in the same order."""
    overlap: dict[str, float] | None
    """Share of the shadow's items that stable's answer has too: mean, low, high (95 %, clustered by shopper)."""
    rank_correlation: float | None
    """Spearman's, over the items that both answers have, where these are two or more."""
    score_drift: dict[str, float] | None
    """The shadow's score less stable's of the same item: mean, p5, p95."""
    latency_ms: dict[str, dict[str, float]]
    """p50 and p99 of `stable` and `shadow`, as the servers measured."""
    list_overlap: dict[str, float]
    """How alike different shoppers' lists are (model/evaluation/clustered_errors.py), of `stable` and `shadow`."""
    rungs: dict[str, int]
    """{"stable's rung > shadow's rung": answers}."""
    least_alike: list[str]
    """Ids of the requests whose answers share the fewest items."""
    percent: int | None = None
    """Share of the replayed requests that the shadow was to get a copy of."""
    failed_requests: int | None = None
    """Replayed requests without a 200."""
    answered_by_shadow: int | None = None
    """Replayed requests that the shadow answered in stable's place."""

    @computed_field  # type: ignore[prop-decorator]
    @property
    def unanswered(self) -> int:
        """Copies without an answer: an error, a timeout, a crash, or no room left."""
        return self.copies - self.compared


@dataclass(frozen=True, kw_only=True)
class _Pair:
    """Two answers to one request. `drift`: score differences of the items that both have."""

    overlap: float
    same: bool
    rank: float | None
    drift: list[float]


def compare(rows: pd.DataFrame, copies: int | None = None) -> Comparison:
    """Compares answer by answer.

    Args:
        rows: COLUMNS of the request log, mirrored copies included. Of a request that was sent twice the first counts.
        copies: how many copies the proxy sent; None: as many as were answered.
    """
    first = rows.drop_duplicates(["request_id", "route"])
    stable, shadow = first[first["route"].isin(["split", "unsticky"])], first[first["route"] == "shadow"]
    both = stable.merge(shadow, on="request_id", suffixes=("", "_shadow"))
    answers = ("item_ids", "scores", "item_ids_shadow", "scores_shadow")
    pairs = [_pair(*map(list, four)) for four in zip(*(both[name] for name in answers), strict=True)]
    overlap = np.array([pair.overlap for pair in pairs])
    drift = [value for pair in pairs for value in pair.drift]
    sides = {"stable": "", "shadow": "_shadow"}
    return Comparison(
        answered=len(stable),
        copies=len(both) if copies is None else max(copies, len(both)),
        compared=len(both),
        versions={"stable": sorted(set(stable["version"])), "shadow": sorted(set(shadow["version"]))},
        same_list=_mean([pair.same for pair in pairs]),
        overlap=_clustered(overlap, both["user_id"].to_numpy()),
        rank_correlation=_mean([pair.rank for pair in pairs if pair.rank is not None]),
        score_drift={"mean": float(np.mean(drift))} | _percentiles(drift, 5, 95) if drift else None,
        latency_ms={
            side: _percentiles(both[f"latency_ms{suffix}"], 50, 99) for side, suffix in sides.items() if len(both)
        },
        list_overlap={
            side: clusters.list_overlap(
                {user: set(row) for user, row in zip(both["user_id"], both[f"item_ids{suffix}"], strict=True)}.values()
            )
            for side, suffix in sides.items()
        },
        rungs={str(way): int(n) for way, n in (both["rung"] + " > " + both["rung_shadow"]).value_counts().items()},
        least_alike=[str(name) for name in both["request_id"].iloc[np.argsort(overlap, kind="stable")[:SHOWN]]],
    )


def _pair(items: list[str], scores: list[float], other: list[str], other_scores: list[float]) -> _Pair:
    place, other_place = ({item: n for n, item in enumerate(row)} for row in (items, other))
    shared = [item for item in items if item in other_place]
    other_rank = np.argsort(np.argsort([other_place[item] for item in shared]))  # among the shared items alone
    return _Pair(
        overlap=len(shared) / len(other) if other else float(not items),
        same=items == other,
        rank=float(np.corrcoef(np.arange(len(shared)), other_rank)[0, 1]) if len(shared) > 1 else None,
        drift=[other_scores[other_place[item]] - scores[place[item]] for item in shared],
    )


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _clustered(overlap: np.ndarray, user: np.ndarray) -> dict[str, float] | None:
    if not len(overlap):
        return None
    mean = clusters.ratio(overlap, np.ones(len(overlap)), user)
    return {"mean": mean.value, "low": max(0.0, mean.low), "high": min(1.0, mean.high)}


def _percentiles(values: "list[float] | pd.Series[float]", *ranks: int) -> dict[str, float]:
    return {f"p{rank}": float(np.percentile(values, rank)) for rank in ranks}
