"""The endpoints for purchases and for forgetting, on a store that may fail."""

import json

from fastapi import FastAPI
from fastapi.testclient import TestClient
from prometheus_client import REGISTRY

from model.serving.http.events import BATCH
from model.serving.http.routes import add_routes
from tests.model.serving.history.fake_store import FakeStore

DATA = {"user_id": "u", "item_id": "milk", "event_time": "2020-01-01T10:00:00Z"}
EVENT = {"specversion": "1.0", "type": "aisle.purchase", "source": "till", "id": "7", "data": DATA}


def _client(store: FakeStore) -> TestClient:
    app = FastAPI()
    add_routes(app, store)
    return TestClient(app)


def test_a_shopper_is_forgotten_on_request_and_may_be_asked_about_again() -> None:
    store = FakeStore(items={"u/1 é": ["milk"], "v": ["milk"]})
    client = _client(store)
    first = client.delete("/shoppers/u%2F1%20%C3%A9")
    assert (first.status_code, first.json()) == (200, {"deleted": True})
    assert client.delete("/shoppers/u%2F1%20%C3%A9").json() == {"deleted": False}
    assert list(store.items) == ["v"]


def test_while_the_store_is_down_purchases_and_deletions_are_a_503_with_retry_after() -> None:
    store = FakeStore(down=True)
    client = _client(store)
    sent = client.post("/events", content=json.dumps([EVENT]), headers={"content-type": BATCH})
    for answer in (sent, client.delete("/shoppers/u")):
        assert (answer.status_code, answer.json()) == (503, {"error": "store: down on purpose"})
        assert answer.headers["retry-after"] == "1"
    assert store.items == {}


def test_a_purchase_is_taken_once_the_store_is_back() -> None:
    client = _client(FakeStore())
    sent = client.post("/events", content=json.dumps([EVENT]), headers={"content-type": BATCH})
    assert (sent.status_code, sent.json()) == (202, {"accepted": 1, "added": 1})


def test_purchases_are_counted_by_what_became_of_them_with_how_late_they_came() -> None:
    def count(name: str, **labels: str) -> float:
        return REGISTRY.get_sample_value(name, labels) or 0.0

    def counts() -> tuple[float, float, float]:
        taken, lost = (count("aisle_events_total", result=result) for result in ("added", "unavailable"))
        return taken, lost, count("aisle_event_lag_seconds_bucket", le="604800.0")

    before = counts()
    for store in (FakeStore(), FakeStore(down=True)):
        _client(store).post("/events", content=json.dumps([EVENT, EVENT]), headers={"content-type": BATCH})
    assert counts() == (before[0] + 2, before[1] + 2, before[2])  # of 2020, so in no bucket of a week
