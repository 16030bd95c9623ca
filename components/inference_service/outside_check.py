"""The answer contract (model/serving/contract.py), as far as it can be seen from outside a server."""

import math
from collections.abc import Sequence
from typing import Any


def listed(answer: Any) -> tuple[str, ...]:
    """Item ids of a v2 answer; raises LookupError, TypeError or ValueError where it is none."""
    outputs = {output["name"]: output["data"] for output in answer["outputs"]}
    return tuple(outputs["item_id"])


def problem(
    answer: Any, version: str, k: int, catalog: frozenset[str] | None = None, excluded: Sequence[str] = ()
) -> str:
    """What is wrong with a v2 answer, empty when nothing is; raises LookupError, TypeError or ValueError as `listed`.

    Args:
        version: that was asked.
        k: items that were asked for.
        catalog: None where it is not known, so that membership is not judged.
        excluded: items that the request leaves out.
    """
    items = listed(answer)
    outputs = {output["name"]: output["data"] for output in answer["outputs"]}
    scores = [float(score) for score in outputs["score"]]
    checks = {
        f"an answer of {answer.get('model_version')!s:.40}": answer.get("model_version") != version,
        "no item": not items,
        f"{len(items)} items of {k}": len(items) > k,
        "an item twice": len(set(items)) < len(items),
        "an item that is not in the catalog": catalog is not None and not catalog.issuperset(items),
        "an item that the request excludes": not set(excluded).isdisjoint(items),
        "a score that is not finite": len(scores) != len(items) or not all(map(math.isfinite, scores)),
    }
    return next((what for what, is_so in checks.items() if is_so), "")
