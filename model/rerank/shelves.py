"""Two shelves in one answer: "buy again", and "new for you".

What a shopper buys again and what they could discover are two tasks: in one list, ordered by the chance of a purchase,
the first takes nearly all places. Each shelf has its own length, scores and reasons.
"""

from collections.abc import Sequence
from dataclasses import replace

from model.api import Answer, Request


def shelves(request: Request) -> tuple[Request, ...]:
    """The request itself, or where it asks for a second shelf, one for each.

    Example:
        >>> import numpy as np
        >>> request = Request(user_id="ann", time_s=9, history_item=["milk"], history_time=np.array([3]), k=5, k_new=2)
        >>> [(shelf.k, shelf.new_only) for shelf in shelves(request)]
        [(5, False), (2, True)]
    """
    if not request.k_new:
        return (request,)
    return replace(request, new_only=False), replace(request, k=request.k_new, k_new=0, new_only=True, detail=False)


def joined(asked: Sequence[Request], answers: Sequence[Answer]) -> list[Answer]:
    """One answer for each request, from those of all their shelves in order."""
    made = iter(answers)
    return [replace(next(made), new=next(made)) if request.k_new else next(made) for request in asked]
