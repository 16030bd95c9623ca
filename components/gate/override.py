"""A person overrules the gate: who, when, why. What was overruled stays in the verdict."""

MIN_REASON = 20
"""Characters that a reason must have: `ok` and `asked for` explain nothing to who reads them in a year."""


def refusal(reason: str, by: str) -> str:
    """Why such an override is not taken; empty when it is."""
    if len(reason.strip()) < MIN_REASON:
        return (
            f"override: expected a reason of at least {MIN_REASON} characters, got {reason.strip()!r}; "
            "explain why the failed checks do not count this time"
        )
    return "" if by.strip() else "override: expected the name of who decides, got none; give your name"
