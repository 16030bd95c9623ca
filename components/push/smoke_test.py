"""One question to a fresh predictor over v2, past the gateway: does the right version recommend anything?"""

import json
import time
import urllib.request
from typing import Any

from components.inference_service.traffic import NAME
from model.errors import CheckFailed

TRIES = 15
"""Half a minute: a fresh Service reaches every name server and proxy a little after its pods are ready."""
WAIT_S = 2.0
TIMEOUT_S = 10.0
QUESTION = {"inputs": [{"name": "user_id", "shape": [1], "datatype": "BYTES", "data": ["smoke-test"]}]}
"""An unknown shopper: every model has an answer for that one."""


def ask(base_url: str, version: str, wait_s: float = WAIT_S) -> list[str]:
    """Asks until there is an answer, a few times; returns the recommended items.

    Raises CheckFailed when there is none, when it recommends nothing, or when another version gave it.
    """
    url = f"{base_url}/v2/models/{NAME}/infer"
    body, headers = json.dumps(QUESTION).encode(), {"Content-Type": "application/json"}
    problem = ""
    for attempt in range(TRIES):
        try:
            with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=TIMEOUT_S) as reply:
                return _checked(json.load(reply), version)
        except (OSError, ValueError) as error:
            problem = str(error)
            if attempt + 1 < TRIES:
                time.sleep(wait_s)
    raise CheckFailed(f"{version}: expected an answer from {url}, got none in {TRIES} tries ({problem[:160]})")


def _checked(answer: Any, version: str) -> list[str]:
    if not isinstance(answer, dict):
        raise CheckFailed(f"{version}: expected a v2 answer, got {str(answer)[:80]!r}")
    outputs = {output["name"]: output["data"] for output in answer.get("outputs", [])}
    if not outputs.get("item_id"):
        raise CheckFailed(f"{version}: expected recommendations, got none; check the model's catalog")
    if answer.get("model_version") != version:
        raise CheckFailed(f"expected an answer of {version}, got one of {answer.get('model_version')}; see storageUri")
    items: list[str] = outputs["item_id"]
    return items
