"""Questions to a server from outside it, and the answer contract (model/serving/contract.py) as far as it can be seen
from there."""

import json
import math
import urllib.request
from collections.abc import Mapping, Sequence
from typing import Any

from components.inference_service.traffic import NAME


def url_of(base_url: str) -> str:
    """Where a server answers."""
    return f"{base_url}/v2/models/{NAME}/infer"


def ask(base_url: str, body: Mapping[str, Any], timeout_s: float, headers: Mapping[str, str] = {}) -> Any:
    """The JSON of a v2 answer; raises OSError or ValueError where there is none."""
    typed = {"Content-Type": "application/json", **headers}
    request = urllib.request.Request(url_of(base_url), json.dumps(body).encode(), typed)
    with urllib.request.urlopen(request, timeout=timeout_s) as reply:
        return json.load(reply)


def listed(answer: Any) -> tuple[str, ...]:
    """Item ids of a v2 answer; raises LookupError, TypeError or ValueError where it is none."""
    return tuple(_outputs(answer)["item_id"])


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
    outputs = _outputs(answer)
    items = tuple(outputs["item_id"])
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


def _outputs(answer: Any) -> dict[str, Any]:
    return {output["name"]: output["data"] for output in answer["outputs"]}
