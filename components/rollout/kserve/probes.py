"""Requests of made-up shoppers to both versions, from outside: a canary's image is not the only judge of its answers.

The shoppers are those of the golden answers in the canary's model directory (model/package/golden.py), with their
histories sent along; where the directory is not readable from here, they have none. Their answers are held to the
contract (model/serving/contract.py) as far as it can be seen from outside. Servers neither count nor log these
requests.
"""

import io
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from components.inference_service import outside_check
from components.inference_service.outside_check import listed, problem
from components.inference_service.traffic import Version
from components.kfp_support.progress import progress
from components.rollout.decision.evidence import Evidence
from components.rollout.kserve.observers import Moment
from model.errors import InputError
from model.package.golden import NAME as GOLDEN
from model.request_log.routing_headers import PROBE_HEADER, USER_HEADER
from model.system import object_store

K = 10
EACH_TIME = 2
"""Shoppers that ask at each evaluation; the next ones ask at the next."""
REMEMBERED = 30
"""Answers that a verdict is taken from, the last ones."""
UNANSWERED = 3
"""So many of the last requests in a row without an answer are a failure; one is not."""
TIMEOUT_S = 1.0
ITEM_IDS = "catalog/item_ids.parquet"
"""Of a model directory."""


@dataclass(frozen=True, kw_only=True)
class Shopper:
    """A made-up one. `history`: item ids, oldest first."""

    name: str
    history: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Panel:
    """The shoppers of one model, and the catalog their answers come from; None: it is not known here."""

    shoppers: tuple[Shopper, ...]
    catalog: frozenset[str] | None


STRANGERS = Panel(shoppers=tuple(Shopper(name=f"aisle-probe-{n}") for n in range(10)), catalog=None)
Ask = Callable[[str, Mapping[str, Any]], Any]
"""(URL, body) -> the JSON of the answer; raises OSError or ValueError when there is none."""


def panel(version: Version) -> Panel:
    """The made-up shoppers of a model in an object store; STRANGERS where it is not one that can be read."""
    try:
        store, path = object_store.open_url(version.uri)
        ids = pq.read_table(f"{path}/{ITEM_IDS}", filesystem=store)["item_ids"].to_pylist()
        with (
            store.open_input_file(f"{path}/{GOLDEN}") as file,
            np.load(io.BytesIO(file.read()), allow_pickle=False) as golden,
        ):
            item_H, row_H, requests = golden["history_item_H"], golden["history_row_H"], len(golden["time_B"])
    except (InputError, OSError, KeyError, ValueError, pa.ArrowException) as error:
        progress(f"rollout: made-up shoppers of {version.uri} are not readable, strangers ask ({error!s:.120})")
        return STRANGERS
    histories = (tuple(ids[item] for item in item_H[row_H == row].tolist()) for row in range(requests))
    shoppers = tuple(Shopper(name=f"aisle-probe-{n}", history=history) for n, history in enumerate(histories))
    return Panel(shoppers=shoppers, catalog=frozenset(ids))


def ask(url: str, body: Mapping[str, Any]) -> Any:
    """Asks a server (Ask)."""
    headers = {PROBE_HEADER: "1", USER_HEADER: body["inputs"][0]["data"][0]}
    return outside_check.ask(url, body, TIMEOUT_S, headers)


@dataclass(frozen=True, kw_only=True)
class _Reply:
    """What a version answered. `problem`: empty where the contract holds; `items` None: no answer."""

    items: tuple[str, ...] | None
    problem: str = ""


@dataclass(kw_only=True)
class Probes:
    """An observer (components/rollout/kserve/observers.py) that asks. Not frozen: it remembers the last answers."""

    url_of: Callable[[Version, bool], str]
    """(version, whether it is the canary) -> where it is reached."""
    panel_of: Callable[[Version], Panel] = panel
    ask: Ask = ask
    _canary: str = field(default="", init=False)
    _panel: Panel = field(default=STRANGERS, init=False)
    _asked: int = field(default=0, init=False)
    _replies: deque[_Reply] = field(default_factory=lambda: deque(maxlen=REMEMBERED), init=False)
    _shared: deque[float] = field(default_factory=lambda: deque(maxlen=REMEMBERED), init=False)

    def __call__(self, moment: Moment, evidence: Evidence) -> Evidence:
        """Adds what is wrong with the canary's last answers, and how much they share with stable's."""
        if self._canary != moment.canary.name:
            self._canary, self._panel = moment.canary.name, self.panel_of(moment.canary)
            self._replies.clear()
            self._shared.clear()
        for _ in range(EACH_TIME):
            shopper = self._panel.shoppers[self._asked % len(self._panel.shoppers)]
            self._asked += 1
            canary, stable = self._reply(moment.canary, shopper, True), self._reply(moment.stable, shopper, False)
            if canary.items and stable.items and not canary.problem and 2 * len(canary.items) < len(stable.items):
                canary = replace(canary, problem=f"{len(canary.items)} items, stable's answer has {len(stable.items)}")
            self._replies.append(canary)
            if canary.items and stable.items:
                self._shared.append(len({*canary.items} & {*stable.items}) / len(canary.items))
        agreement = sum(self._shared) / len(self._shared) if self._shared else evidence.agreement
        return replace(evidence, probe_failures=self._failures(), agreement=agreement)

    def _failures(self) -> tuple[str, ...]:
        broken = dict.fromkeys(reply.problem for reply in self._replies if reply.items is not None and reply.problem)
        last = list(self._replies)[-UNANSWERED:]
        if len(last) == UNANSWERED and all(reply.items is None for reply in last):
            broken[f"{UNANSWERED} requests in a row without an answer ({last[-1].problem})"] = None
        return tuple(broken)

    def _reply(self, version: Version, shopper: Shopper, is_canary: bool) -> _Reply:
        excluded = shopper.history[-1:]
        try:
            answer = self.ask(self.url_of(version, is_canary), question(shopper, excluded))
        except (OSError, ValueError) as error:
            return _Reply(items=None, problem=f"{error!s:.80}")
        try:
            catalog = self._panel.catalog if is_canary else None
            return _Reply(items=listed(answer), problem=problem(answer, version.name, K, catalog, excluded))
        except (LookupError, TypeError, AttributeError, ValueError) as error:
            return _Reply(items=(), problem=f"not a v2 answer ({type(error).__name__})")


def question(shopper: Shopper, excluded: Sequence[str]) -> dict[str, Any]:
    """The v2 request of a made-up shopper."""
    inputs: list[dict[str, Any]] = [
        {"name": "user_id", "shape": [1], "datatype": "BYTES", "data": [shopper.name]},
        {"name": "k", "shape": [1], "datatype": "INT32", "data": [K]},
        {"name": "new_only", "shape": [1], "datatype": "BOOL", "data": [False]},
    ]
    for name, items in (("recent_items", shopper.history), ("exclude", excluded)):
        if items:
            inputs.append({"name": name, "shape": [len(items)], "datatype": "BYTES", "data": list(items)})
    return {"inputs": inputs}
