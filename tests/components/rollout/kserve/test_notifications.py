import json
from typing import Any

import pytest

from components.rollout.decision.states import State
from components.rollout.kserve.notifications import Message, Webhooks

MESSAGE = Message(
    namespace="shop",
    canary="v2",
    stable="v1",
    action="rollback",
    percent=0,
    state=State.ROLLED_BACK,
    reasons=("errors: 5 of 100 canary requests, over 1.0 %", "down: the canary does not pass its readiness check"),
    time_s=1_700_000_000.0,
)
LINE = (
    "aisle in shop: rollback of v2, now at 0 % (errors: 5 of 100 canary requests, over 1.0 %; "
    "down: the canary does not pass its readiness check)"
)


def test_a_chat_gets_a_line_and_programs_a_cloud_event() -> None:
    sent: list[tuple[str, Any, str]] = []
    hooks = Webhooks(
        chat="https://chat/secret",
        events="https://bus/",
        post=lambda url, body, kind: sent.append((url, json.loads(body), kind)),
    )
    hooks.send(MESSAGE)
    (chat, text, kind), (bus, event, event_kind) = sent
    assert (chat, text, kind) == ("https://chat/secret", {"text": LINE}, "application/json")
    assert (bus, event_kind) == ("https://bus/", "application/cloudevents+json")
    assert event.pop("id")
    assert event == {
        "specversion": "1.0",
        "type": "aisle.rollout.rollback",
        "source": "/namespaces/shop/inferenceservices/aisle",
        "subject": "v2",
        "time": "2023-11-14T22:13:20.000+00:00",
        "datacontenttype": "application/json",
        "data": {
            "stable": "v1",
            "canary": "v2",
            "percent": 0,
            "state": "rolled_back",
            "reasons": list(MESSAGE.reasons),
        },
    }


def test_a_pause_of_the_plan_asks_for_an_operator() -> None:
    paused = Message(**{**MESSAGE.__dict__, "action": "step", "percent": 50, "state": State.HELD, "reasons": ("ok",)})
    assert paused.line() == "aisle in shop: step of v2, now at 50 %; it waits for an operator (ok)"


def test_a_message_without_a_canary_names_none_and_its_event_has_no_subject() -> None:
    failed = Message(**{**MESSAGE.__dict__, "canary": "", "action": "error", "reasons": ("no service",)})
    assert failed.line() == "aisle in shop: error (no service)"
    assert "subject" not in failed.cloud_event()  # CloudEvents 1.0: not empty where it is present


def test_a_webhook_that_fails_stops_neither_the_other_nor_the_rollout_and_its_address_stays_secret(
    capsys: pytest.CaptureFixture[str],
) -> None:
    sent = []

    def post(url: str, body: bytes, kind: str) -> None:
        if "chat" in url:
            raise OSError("no route")
        sent.append(url)

    Webhooks(chat="https://chat.example/T0/secret", events="https://bus/", post=post).send(MESSAGE)
    assert sent == ["https://bus/"]
    output = capsys.readouterr().out
    assert "the webhook at chat.example took no message (no route)" in output and "secret" not in output
