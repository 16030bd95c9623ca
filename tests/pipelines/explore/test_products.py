"""What products are called, and how they are found."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from pipelines.explore.products import Product, Products
from tests.model.items_table import write_items

IDS = ["1", "2", "3"]


def _products(path: Path, **columns: Sequence[str | None]) -> Products:
    file = write_items(path, ["3", "1", "2"], **columns)
    return Products(file, np.array(IDS, object), np.array([5.0, 9.0, 9.0]))


def test_a_product_is_called_by_its_title_and_distinguished_by_the_rest(tmp_path: Path) -> None:
    products = _products(
        tmp_path, department=["DAIRY", "Bakery", None], title=["MILK 1L", "Bread", "Roll"], maker_id=["77", "5", "5"]
    )
    assert products["3"] == Product(item_id="3", title="Milk 1l", detail="Dairy")
    assert products["2"] == Product(item_id="2", title="Roll", detail="")
    assert products.attribute("department", "1") == "Bakery"
    assert products["nowhere"].title == "unknown product nowhere" and "nowhere" not in products


def test_without_a_title_the_column_with_most_values_is_it_and_without_any_the_id(tmp_path: Path) -> None:
    named = _products(tmp_path / "a", kind=["x", "x", "y"], sort=["p", "q", "r"])
    assert [named[item].title for item in IDS] == ["q", "r", "p"]
    bare = _products(tmp_path / "b")
    assert [bare[item].title for item in IDS] == IDS and bare.search("2")[0].item_id == "2"


@pytest.mark.parametrize(
    ("words", "matches"),
    [("", []), ("  ", []), ("bread", ["2", "3"]), ("BREAD white", ["3"]), ("3", ["3"]), ("cheese", [])],
)
def test_a_search_wants_every_word_and_lists_the_most_popular_first(
    words: str, matches: list[str], tmp_path: Path
) -> None:
    products = _products(tmp_path, title=["White bread", "Butter", "Dark bread"], shelf=["a", "b", "a"])
    assert [product.item_id for product in products.search(words)] == matches
    assert [product.item_id for product in products.search("b", limit=2)] == ["2", "3"]
