"""Messages of a rollout to webhooks: a line for a chat, and a CloudEvent for programs.

A webhook that fails stops nothing. The chat's body is what Slack's incoming webhooks take, and Mattermost's and
Rocket.Chat's.
"""

import json
import urllib.request
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from components.kfp_support.progress import progress
from components.rollout.decision.states import State

TIMEOUT_S = 5.0
EVENT_TYPE = "aisle.rollout"
Post = Callable[[str, bytes, str], None]
"""(URL, body, content type); raises OSError or ValueError where it is not taken."""


@dataclass(frozen=True, kw_only=True)
class Message:
    """What happened. Times are unix seconds."""

    namespace: str
    canary: str
    """Empty where there is none, as before the first push."""
    stable: str
    action: str
    """step, promote, rollback, hold (where an operator should check) or error."""
    percent: int
    """The canary's share now."""
    state: State
    reasons: tuple[str, ...]
    time_s: float

    def line(self) -> str:
        """For a chat."""
        waits = "; it waits for an operator" if self.state == State.HELD and self.action == "step" else ""
        canary = f" of {self.canary}, now at {self.percent} %{waits}" if self.canary else ""
        return f"aisle in {self.namespace}: {self.action}{canary} ({'; '.join(self.reasons)})"

    def cloud_event(self) -> dict[str, Any]:
        """CloudEvents 1.0, structured JSON; there a subject is never empty."""
        subject = {"subject": self.canary} if self.canary else {}
        return {
            "specversion": "1.0",
            "id": uuid.uuid4().hex,
            "type": f"{EVENT_TYPE}.{self.action}",
            "source": f"/namespaces/{self.namespace}/inferenceservices/aisle",
            **subject,
            "time": datetime.fromtimestamp(self.time_s, UTC).isoformat(timespec="milliseconds"),
            "datacontenttype": "application/json",
            "data": {
                "stable": self.stable,
                "canary": self.canary,
                "percent": self.percent,
                "state": str(self.state),
                "reasons": list(self.reasons),
            },
        }


def post(url: str, body: bytes, content_type: str) -> None:
    """Sends it (Post)."""
    request = urllib.request.Request(url, body, {"Content-Type": content_type})
    with urllib.request.urlopen(request, timeout=TIMEOUT_S):
        return


@dataclass(frozen=True, kw_only=True)
class Webhooks:
    """Where messages go; an empty URL is none."""

    chat: str = ""
    events: str = ""
    post: Post = post

    def send(self, message: Message) -> None:
        """To each of them, and to the log."""
        progress(message.line())
        bodies = (
            (self.chat, {"text": message.line()}, "application/json"),
            (self.events, message.cloud_event(), "application/cloudevents+json"),
        )
        for url, body, content_type in bodies:
            if not url:
                continue
            try:
                self.post(url, json.dumps(body).encode(), content_type)
            except (OSError, ValueError) as error:
                host = url.split("/")[2] if url.count("/") > 1 else url  # the rest of a webhook's URL is a secret
                progress(f"rollout: the webhook at {host} took no message ({error!s:.80})")
