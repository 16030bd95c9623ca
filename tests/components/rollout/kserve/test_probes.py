from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from pyarrow import fs

from components.inference_service.traffic import Version
from components.rollout.kserve import probes
from components.rollout.kserve.observers import Moment
from components.rollout.kserve.probes import EACH_TIME, REMEMBERED, Panel, Probes, Shopper, panel
from model.request_log.reader import read
from tests.components.inference_service.test_traffic import NEW, OLD
from tests.components.rollout.decision.test_state_machine import evidence_of
from tests.model.items_table import write_items
from tests.model.rerank.test_policy import exported
from tests.model.serving.live_server import live_server
from tests.model.small_catalog import ITEMS
from tfx_configs.rerank import RerankSettings

CATALOG = frozenset(f"i{n}" for n in range(20))
PANEL = Panel(shoppers=(Shopper(name="p0", history=("i1", "i19")), Shopper(name="p1")), catalog=CATALOG)
MOMENT = Moment(namespace="shop", stable=OLD, canary=NEW, percent=10, since_s=0.0, now_s=60.0)
GOOD = [f"i{n}" for n in range(10)]


def _answer(version: str, items: list[Any] = GOOD, score: float = 0.5) -> dict[str, Any]:
    outputs = [{"name": "item_id", "data": items}, {"name": "score", "data": [score] * len(items)}]
    return {"model_version": version, "outputs": outputs}


def _probes(canary: Any) -> Probes:
    """Stable answers well; the canary what `canary` is, or raises it."""

    def ask(url: str, _: Mapping[str, Any]) -> Any:
        if url == "stable":
            return _answer(OLD.name)
        if isinstance(canary, Exception):
            raise canary
        return canary

    return Probes(url_of=lambda _, is_canary: "canary" if is_canary else "stable", panel_of=lambda _: PANEL, ask=ask)


BROKEN: dict[str, Any] = {
    "no item": _answer(NEW.name, []),
    "4 items, stable's answer has 10": _answer(NEW.name, GOOD[:4]),
    "11 items of 10": _answer(NEW.name, [*GOOD, "i10"]),
    "an item twice": _answer(NEW.name, [*GOOD[:9], "i0"]),
    "an item that is not in the catalog": _answer(NEW.name, [*GOOD[:9], "gold"]),
    "an item that the request excludes": _answer(NEW.name, [*GOOD[:9], "i19"]),
    "a score that is not finite": _answer(NEW.name, score=float("nan")),
    f"an answer of {OLD.name}": _answer(OLD.name),
    "not a v2 answer (KeyError)": {"model_version": NEW.name},
    "not a v2 answer (TypeError)": ["nothing"],
}


@pytest.mark.parametrize("problem", BROKEN)
def test_an_answer_that_breaks_the_contract_is_a_failure(problem: str) -> None:
    assert _probes(BROKEN[problem])(MOMENT, evidence_of()).probe_failures == (problem,)


def test_good_answers_are_none_and_agree_with_stables_as_far_as_they_share_items() -> None:
    evidence = _probes(_answer(NEW.name, [*GOOD[:5], "i11", "i12", "i13", "i14", "i15"]))(MOMENT, evidence_of())
    assert (evidence.probe_failures, evidence.agreement) == ((), 0.5)


def test_one_request_without_an_answer_is_no_failure_three_in_a_row_are() -> None:
    probe = _probes(OSError("refused"))
    assert EACH_TIME == 2
    assert probe(MOMENT, evidence_of()).probe_failures == ()
    assert probe(MOMENT, evidence_of()).probe_failures == ("3 requests in a row without an answer (refused)",)
    probe.ask = lambda url, _: _answer(OLD.name if url == "stable" else NEW.name)
    assert probe(MOMENT, evidence_of()).probe_failures == ()


def test_a_broken_answer_is_forgotten_after_as_many_good_ones_and_with_another_canary() -> None:
    probe = _probes(BROKEN["an item twice"])
    assert probe(MOMENT, evidence_of()).probe_failures
    probe.ask = lambda url, _: _answer(OLD.name if url == "stable" else NEW.name)
    last = [probe(MOMENT, evidence_of()).probe_failures for _ in range(REMEMBERED // EACH_TIME)]
    assert [bool(failures) for failures in last] == [True] * (len(last) - 1) + [False]


def test_the_shoppers_of_a_packaged_model_ask_with_their_histories(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = exported(tmp_path / "model", write_items(tmp_path, list(ITEMS)), RerankSettings(), probability=False)
    monkeypatch.setattr(probes.object_store, "open_url", lambda _: (fs.LocalFileSystem(), str(model)))
    made = panel(Version(name="v", uri="s3://models/v"))
    assert made.catalog == frozenset(ITEMS)
    assert len(made.shoppers) == 100
    assert made.shoppers[0].history == () and 0 < len(made.shoppers[1].history) <= 60
    assert set(made.shoppers[1].history) <= set(ITEMS)


def test_where_the_model_is_not_readable_from_here_strangers_ask() -> None:
    assert panel(Version(name="v", uri="pvc://claim/v")) == probes.STRANGERS


def test_a_real_server_answers_and_neither_counts_nor_logs_them(tmp_path: Path) -> None:
    with live_server(tmp_path, NEW.name, items=sorted(CATALOG)) as server:
        url = f"http://127.0.0.1:{server.port}"
        probe = Probes(url_of=lambda *_: url, panel_of=lambda _: PANEL)
        for _ in range(3):
            assert probe(MOMENT, evidence_of()).probe_failures == ()
        metrics = server.call("GET", "/metrics")[1]
        assert f'aisle_requests_total{{outcome="ok",rung="full",version="{NEW.name}"}} 0.0' in metrics
    assert len(read(server.log)) == 0
