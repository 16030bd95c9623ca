"""What a page is asked for, read from and written to its address: nothing is kept between pages."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlencode

from starlette.datastructures import QueryParams

from model.errors import InputError
from pipelines.explore.shoppers import Moment, Shoppers
from tfx_configs.units import HOUR_S

MINUTES = "%Y-%m-%dT%H:%M"
NOON_S = 12 * HOUR_S
MAX_BASKET = 50
MAX_ID = 200
MAX_WORDS = 100


@dataclass(frozen=True, kw_only=True)
class Ask:
    """One shopper at one moment, with what lies in the basket so far, first in first."""

    user_id: str
    time_s: int
    store_id: str
    new_only: bool = False
    """Lists of what the shopper never bought."""
    basket: tuple[str, ...] = ()

    def query(self, **more: str) -> str:
        """The part of an address after `?`."""
        return urlencode([*self.fields(), *more.items()])

    def fields(self, *without: str) -> list[tuple[str, str]]:
        """The same as (name, value) of a form's hidden fields."""
        pairs = [("user", self.user_id), ("at", minute(self.time_s)), ("store", self.store_id)]
        pairs += [("new", "1")] if self.new_only else []
        pairs += [("basket", item) for item in self.basket]
        return [(name, value) for name, value in pairs if name not in without]

    def with_item(self, item: str) -> "Ask":
        return dataclasses.replace(self, basket=(*(i for i in self.basket if i != item), item))

    def without_item(self, item: str) -> "Ask":
        return dataclasses.replace(self, basket=tuple(i for i in self.basket if i != item))


def minute(time_s: int) -> str:
    """As an address and a form's field have it: UTC, to the second where there are any."""
    moment = datetime.fromtimestamp(time_s, UTC)
    return moment.strftime(MINUTES + (":%S" if moment.second else ""))


def read_ask(parameters: QueryParams, shoppers: Shoppers, cut_s: int) -> Ask:
    """The shopper's first trip after the cut where no moment is given; the store of that trip where none is.

    Raises:
        InputError: the moment is none, or before the cut; the basket or an id is too long.
    """
    user = parameters.get("user", "").strip()
    if not user or len(user) > MAX_ID:
        raise InputError(f"expected a shopper's id of 1 to {MAX_ID} characters, got {user[:20]!r}; choose one below")
    moments = shoppers.moments(user)
    time_s = _time(parameters.get("at", ""), moments, cut_s)
    basket = tuple(dict.fromkeys(parameters.getlist("basket")))
    if len(basket) > MAX_BASKET or any(len(item) > MAX_ID for item in basket):
        raise InputError(f"expected at most {MAX_BASKET} products in the basket, got {len(basket)}; take some out")
    store = parameters.get("store", "")[:MAX_ID] if "store" in parameters else _store(user, time_s, moments, shoppers)
    new_only = parameters.get("new", "") == "1"
    return Ask(user_id=user, time_s=time_s, store_id=store, new_only=new_only, basket=basket)


def _time(text: str, moments: Sequence[Moment], cut_s: int) -> int:
    if not text:
        return moments[0].time_s if moments else cut_s + NOON_S
    try:
        moment = datetime.fromisoformat(text.removesuffix("Z")).replace(tzinfo=UTC)
    except ValueError:
        raise InputError(f"expected a moment like 2017-12-04T18:00, got {text[:40]!r}; choose one below") from None
    if moment.timestamp() < cut_s:
        cut = datetime.fromtimestamp(cut_s, UTC).date()
        raise InputError(f"expected a moment from {cut} on, got {text[:40]}: what came before is what the models know")
    return int(moment.timestamp())


def _store(user: str, time_s: int, moments: Sequence[Moment], shoppers: Shoppers) -> str:
    at = next((moment.store_id for moment in moments if moment.time_s == time_s), "")
    return at or next(iter(shoppers.stores(user)), "")
