"""How ids and attribute values became rows of embedding tables. A model stores it, so that a later catalog can be put
into the same codes: then the model's weights go on meaning what they meant.

Shape legend: I items, A item attributes, U shoppers with attributes, D shopper attributes, P promotion stretches.
"""

import dataclasses
from pathlib import Path
from typing import Annotated, Self

import numpy as np
import pandas as pd
from pydantic import BeforeValidator, PlainSerializer

from components.artifacts.artifact import Artifact
from components.artifacts.examples import Examples
from model.data import columns as c
from model.data.catalog import MISSING, RARE, Catalog, Promotions, hashed_rows
from model.errors import ModelRefused
from model.package.export import CODING

NOTHING_P = np.zeros(0, np.int32)
Attributes = Annotated[
    dict[str, tuple[str, ...]], BeforeValidator(dict), PlainSerializer(lambda values: list(values.items()))
]
"""{attribute: its values}; pairs in JSON, which keeps the order of lists only."""


class Coding(Artifact, file=CODING, stage="train"):
    """Of the catalog that a model was trained on."""

    item_rows: dict[str, int]
    """Embedding rows of the items that have one of their own."""
    buckets: int
    """The rows before those, shared by hash of the id."""
    attributes: Attributes
    """Item attributes in their order, each with the values that have a code of their own, by code."""
    user_attributes: Attributes
    promotions: tuple[str, ...]
    """Kinds, in their order."""

    @classmethod
    def of(cls, catalog: Catalog, examples: Examples) -> Self:
        """The catalog's own coding. `examples`: whose tables have the values as strings."""
        items = _rows(examples.items, c.ITEM, catalog.item_ids)
        own_I = catalog.vocabulary_I >= catalog.buckets
        return cls(
            item_rows=dict(zip(catalog.item_ids[own_I].tolist(), catalog.vocabulary_I[own_I].tolist(), strict=True)),
            buckets=catalog.buckets,
            attributes={
                name: _values(items.get(name), catalog.attribute_IA[:, a])
                for a, name in enumerate(catalog.attribute_names)
            },
            user_attributes=dict(zip(catalog.user_attribute_names, catalog.user_attribute_values, strict=True)),
            promotions=tuple(p.kind for p in catalog.promotions),
        )


def recoded(catalog: Catalog, coding: Coding, examples: Examples) -> Catalog:
    """The same snapshot in the codes of `coding`.

    Items, shoppers and values that it does not know take the place of the rare ones; kinds of promotion that it does
    not know are left out, and those that no longer run stay, empty. On its own catalog nothing changes.

    Raises:
        ModelRefused: the items table no longer has one of the attributes.
    """
    items = _rows(examples.items, c.ITEM, catalog.item_ids)
    users = _rows(examples.users, c.USER, catalog.user_ids)
    gone = [name for name in coding.attributes if name not in items]
    if gone:
        raise ModelRefused(f"expected the parent's attribute {gone[0]} in the items table, it has none; start: scratch")
    users_UD = _codes(users, coding.user_attributes)
    own_I = np.array([coding.item_rows.get(item, -1) for item in catalog.item_ids.tolist()], np.int32)
    running = {p.kind: p for p in catalog.promotions}
    return dataclasses.replace(
        catalog,
        attribute_names=tuple(coding.attributes),
        attribute_sizes=_sizes(coding.attributes),
        attribute_IA=_codes(items, coding.attributes),
        vocabulary_I=np.where(own_I >= 0, own_I, hashed_rows(catalog.item_ids, coding.buckets)).astype(np.int32),
        vocabulary_size=coding.buckets + len(coding.item_rows),
        buckets=coding.buckets,
        user_attribute_names=tuple(coding.user_attributes),
        user_attribute_sizes=_sizes(coding.user_attributes),
        user_attribute_values=tuple(coding.user_attributes.values()),
        user_attribute_UD=np.concatenate([np.full((1, users_UD.shape[1]), MISSING, np.int32), users_UD]),
        promotions=tuple(running.get(kind, _none_of(kind)) for kind in coding.promotions),
    )


def _rows(path: Path, key: str, ids: np.ndarray) -> pd.DataFrame:
    """The table's rows in the order of `ids`; without the file, no columns."""
    if not path.exists():
        return pd.DataFrame(index=ids)
    table = pd.read_parquet(path)
    return table.assign(**{key: table[key].astype(str)}).set_index(key).reindex(ids)


def _values(column: pd.Series | None, code_N: np.ndarray) -> tuple[str, ...]:
    """Values with a code of their own, by code; none where the table is not there."""
    if column is None:
        return ()
    own_N = code_N > RARE
    named = dict(zip(code_N[own_N].tolist(), column[own_N].astype(str).tolist(), strict=True))
    return tuple(named[code] for code in sorted(named))


def _sizes(attributes: Attributes) -> tuple[int, ...]:
    return tuple(RARE + 1 + len(values) for values in attributes.values())


def _codes(table: pd.DataFrame, attributes: Attributes) -> np.ndarray:
    """[N, A] int32 codes of the table's rows; a column that is not there is missing everywhere."""
    codes = np.full((len(table), len(attributes)), MISSING, np.int32)
    for a, (name, values) in enumerate(attributes.items()):
        if name in table:
            present = table[name].notna() & (table[name].astype(str) != "")
            place = pd.Index(values, dtype=object).get_indexer(pd.Index(table[name].astype(str), dtype=object))
            codes[:, a] = np.where(present, np.where(place >= 0, RARE + 1 + place, RARE), MISSING)
    return codes


def _none_of(kind: str) -> Promotions:
    return Promotions(kind=kind, store_P=NOTHING_P, item_P=NOTHING_P, start_hour_P=NOTHING_P, end_hour_P=NOTHING_P)
