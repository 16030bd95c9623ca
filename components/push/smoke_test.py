"""One question to a fresh predictor over v2, past the gateway: does the right version recommend anything?"""

import time
from typing import Any

from components.inference_service import outside_check
from components.inference_service.outside_check import listed, problem, url_of
from model.errors import CheckFailed

TRIES = 15
"""Half a minute: a fresh Service reaches every name server and proxy a little after its pods are ready."""
WAIT_S = 2.0
TIMEOUT_S = 10.0
K = 10
QUESTION = {
    "inputs": [
        {"name": "user_id", "shape": [1], "datatype": "BYTES", "data": ["smoke-test"]},
        {"name": "k", "shape": [1], "datatype": "INT32", "data": [K]},
    ]
}
"""An unknown shopper: every model has an answer for that one."""


def ask(base_url: str, version: str, wait_s: float = WAIT_S) -> list[str]:
    """Asks until there is an answer, a few times; returns the recommended items.

    Raises CheckFailed when there is none, when it breaks the answer contract, or when another version gave it.
    """
    trouble = ""
    for attempt in range(TRIES):
        try:
            return _checked(outside_check.ask(base_url, QUESTION, TIMEOUT_S), version)
        except (OSError, ValueError) as error:
            trouble = str(error)
            if attempt + 1 < TRIES:
                time.sleep(wait_s)
    raise CheckFailed(
        f"{version}: expected an answer from {url_of(base_url)}, got none in {TRIES} tries ({trouble[:160]})"
    )


def _checked(answer: Any, version: str) -> list[str]:
    try:
        items, wrong = listed(answer), problem(answer, version, K)
    except (LookupError, TypeError, AttributeError, ValueError):
        raise CheckFailed(f"{version}: expected a v2 answer, got {str(answer)[:80]!r}") from None
    if wrong:
        raise CheckFailed(f"{version}: expected recommendations, got {wrong}; check its catalog and storageUri")
    return list(items)
