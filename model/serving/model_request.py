"""What the model is asked: a query with the shopper's state, the same for one request and for lists in bulk."""

from dataclasses import replace

from model import api
from model.serving.history.lookup import State
from model.serving.v2_inputs import Query


def model_request(query: Query, state: State, new_only: bool, detailed: bool = False) -> tuple[Query, api.Request]:
    """The query as answered, and the request of the model.

    The query as answered is at the moment of the state. Where new items are asked for it excludes what was bought
    before the first event of the history.

    Args:
        new_only: whether the model leaves the history out where the query leaves it open.
        detailed: the answer also reports what was ranked.

    Example:
        >>> import numpy as np
        >>> from model.serving.history.lookup import Source
        >>> from model.serving.history.store import History
        >>> history = History(["milk"], np.array([100]), earlier=["tea"])
        >>> state = State(history=history, source=Source.FOUND, time_s=101)
        >>> query, request = model_request(Query(user_id="ann", time_s=90), state, new_only=True)
        >>> query.time_s, request.history_item, request.exclude
        (101, ['milk'], ('tea',))
    """
    history = state.history
    if state.time_s != query.time_s:
        query = replace(query, time_s=state.time_s)
    request = api.Request(
        user_id=query.user_id,
        time_s=query.time_s,
        history_item=history.items,
        history_time=history.times,
        history_store=history.stores,
        history_quantity=history.quantities,
        history_price=history.prices,
        store_id=query.store_id,
        attributes=history.attributes,
        k=query.k,
        k_new=query.k_new,
        exclude=query.exclude,
        within=query.within,
        new_only=query.new_only,
        detail=detailed,
    )
    if history.earlier and (query.k_new or request.asks_for_new(new_only)):
        earlier = dict.fromkeys(history.earlier).keys() - set(history.items)
        query = replace(query, exclude=(*query.exclude, *sorted(earlier)))
        request = replace(request, exclude=query.exclude)
    return query, request
