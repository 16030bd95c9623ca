"""A later catalog in the codes of an earlier one, with hand-computed values."""

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from components.artifacts.examples import Examples
from components.train.vocabulary import Coding, recoded
from model.data import columns as c
from model.data.catalog import MISSING, RARE, Catalog, hashed_rows
from model.errors import ModelRefused
from model.files import read_json
from tests.model.small_catalog import promotion, small_catalog

COLOURS = {"a": "red", "b": "red", "d": "blue", "e": None, "z": None}
LATER = {"a": "red", "b": "red", "c": "green", "d": "blue", "e": "blue", "f": None, "z": None}
"""c and f are new, e has got a colour."""


def examples(folder: Path, colours: dict[str, str | None], ages: dict[str, str]) -> Examples:
    """The tables of an examples artifact; the parent's second attribute comes first here."""
    items = pd.DataFrame({c.ITEM: list(colours), "size": "l", "colour": list(colours.values())})
    items.to_parquet(Examples(folder).items)
    pd.DataFrame({c.USER: list(ages), "age": list(ages.values())}).to_parquet(Examples(folder).users)
    return Examples(folder)


@pytest.fixture
def catalog() -> Catalog:
    """a, b and d have rows of their own, 2 to 4; e and z share rows 0 and 1 by hash."""
    rows = np.array([2, 3, 4, *hashed_rows(np.array(["e", "z"]), 2)], np.int32)
    kinds = (promotion("display", ("s1", "a", 60, 80)), promotion("mailer", ("s2", "b", 60, 80)))
    return dataclasses.replace(small_catalog(kinds), vocabulary_I=rows, buckets=2)


@pytest.fixture
def coding(catalog: Catalog, tmp_path: Path) -> Coding:
    return Coding.of(catalog, examples(tmp_path, COLOURS, {"u1": "40"}))


@pytest.fixture
def later(catalog: Catalog) -> Catalog:
    """As the examples stage makes it: two items more, other codes, another shopper, a kind gone and a kind come."""
    item_ids = np.array(list(LATER), dtype=object)
    return dataclasses.replace(
        catalog,
        item_ids=item_ids,
        attribute_names=("size", "colour"),
        attribute_sizes=(3, 5),
        attribute_IA=np.array([[2, 4], [2, 4], [2, 3], [2, 2], [2, 2], [2, 0], [2, 0]], np.int32),
        vocabulary_I=np.arange(7, dtype=np.int32),
        vocabulary_size=7,
        buckets=1,
        user_ids=np.array(["u1", "u2", "u3"], dtype=object),
        user_attribute_sizes=(4,),
        user_attribute_values=(("40", "50"),),
        user_attribute_UD=np.array([[0], [3], [2], [3]], np.int32),
        promotions=(promotion("coupon", ("s1", "a", 60, 80)), promotion("mailer", ("s1", "d", 60, 90))),
    )


def test_a_coding_lists_the_code_of_each_value(coding: Coding) -> None:
    assert coding.item_rows == {"a": 2, "b": 3, "d": 4}
    assert coding.attributes == {"colour": ("red", "blue")}
    assert coding.user_attributes == {"age": ("40",)}
    assert coding.promotions == ("display", "mailer")


def test_a_catalog_in_its_own_codes_is_itself(catalog: Catalog, coding: Coding, tmp_path: Path) -> None:
    again = recoded(catalog, coding, Examples(tmp_path))
    for field in dataclasses.fields(Catalog):
        before, after = getattr(catalog, field.name), getattr(again, field.name)
        assert np.array_equal(before, after) if isinstance(before, np.ndarray) else before == after, field.name


def test_known_items_keep_their_row_by_id_and_new_ones_share_one_by_hash(
    later: Catalog, coding: Coding, tmp_path: Path
) -> None:
    catalog = recoded(later, coding, examples(tmp_path, LATER, {}))
    rows = dict(zip(catalog.item_ids.tolist(), catalog.vocabulary_I.tolist(), strict=True))
    assert (rows["a"], rows["b"], rows["d"]) == (2, 3, 4)
    shared = hashed_rows(np.array(["c", "e", "f", "z"]), 2).tolist()
    assert [rows[item] for item in "cefz"] == shared and set(shared) <= {0, 1}
    assert catalog.vocabulary_size == 5


def test_attributes_are_the_parents_and_values_it_did_not_know_are_rare(
    later: Catalog, coding: Coding, tmp_path: Path
) -> None:
    catalog = recoded(later, coding, examples(tmp_path, LATER, {"u2": "40", "u3": "50"}))
    assert catalog.attribute_names == ("colour",) and catalog.attribute_sizes == (4,)
    assert catalog.attribute_IA[:, 0].tolist() == [2, 2, RARE, 3, 3, MISSING, MISSING]
    # u1 is not in the table any more.
    assert catalog.user_attribute_sizes == (3,) and catalog.user_attribute_values == (("40",),)
    assert catalog.user_attribute_UD[:, 0].tolist() == [MISSING, MISSING, 2, RARE]


def test_kinds_of_promotion_are_the_parents_with_what_runs_now(later: Catalog, coding: Coding, tmp_path: Path) -> None:
    display, mailer = recoded(later, coding, examples(tmp_path, LATER, {})).promotions
    assert (display.kind, len(display.item_P)) == ("display", 0)
    assert (mailer.kind, mailer.item_P.tolist()) == ("mailer", [2])


def test_a_coding_comes_back_from_json_in_its_order(coding: Coding, tmp_path: Path) -> None:
    two = coding.model_copy(update={"attributes": {"size": ("l",), "colour": ("red", "blue")}})
    two.save(tmp_path)
    assert Coding.load(tmp_path) == two
    assert list(Coding.load(tmp_path).attributes) == ["size", "colour"]
    assert read_json(tmp_path / "coding.json")["attributes"] == [["size", ["l"]], ["colour", ["red", "blue"]]]


def test_an_attribute_that_is_gone_is_refused(later: Catalog, coding: Coding, tmp_path: Path) -> None:
    tables = examples(tmp_path, LATER, {})
    pd.read_parquet(tables.items).drop(columns="colour").to_parquet(tables.items)
    with pytest.raises(ModelRefused, match="parent's attribute colour in the items table"):
        recoded(later, coding, tables)
