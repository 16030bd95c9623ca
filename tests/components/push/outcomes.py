"""What push did with a candidate, for tests of those who read it."""

from typing import Any

from components.artifacts.push_outcome import PushOutcome


def push_outcome(**changes: Any) -> PushOutcome:
    """Of a candidate `one` that was blessed and pushed beside `old`."""
    facts = {"pushed": True, "version": "one", "blessed": True, "stable": "old", "replaces": "old", "reason": "blessed"}
    return PushOutcome(**facts | changes)
