"""The items table inside a model directory: which item has which value, for rules and diversity."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path

import pyarrow.parquet as pq

from model.errors import InputError
from tfx_configs.rerank import ITEM, Rule

COARSE_VALUES = 10
"""An attribute with fewer values is too coarse to measure how alike two items are."""


class ItemValues:
    """Reads a column when it is asked for. `path` may be missing: then no item has any attribute.

    Example:
        >>> import tempfile
        >>> import pyarrow as pa
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     table = pa.table({"item_id": ["wine", "milk"], "department": ["alcohol", "dairy"]})
        ...     pq.write_table(table, Path(folder) / "items.parquet")
        ...     values = ItemValues(Path(folder) / "items.parquet")
        ...     wine = values.items_with(Rule(action="restrict", attribute="department", values=("alcohol",)))
        >>> values.names, wine
        (('department',), frozenset({b'wine'}))
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._kinds: dict[str, Mapping[bytes, int]] = {}

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The attributes, in the table's order."""
        if not self._path.is_file():
            return ()
        return tuple(name for name in pq.read_schema(self._path).names if name != ITEM)

    def items_with(self, rule: Rule) -> frozenset[bytes]:
        """Ids, UTF-8, of the items that the rule is about; unknown item ids are kept, since they may come."""
        if rule.attribute == ITEM:
            return frozenset(value.encode() for value in rule.values)
        return frozenset(self.codes(rule.attribute, rule.values))

    def codes(self, attribute: str, wanted: Sequence[str]) -> Mapping[bytes, int]:
        """{item id, UTF-8: code of its value}, of items with a wanted value, or with any when none is named.

        Raises:
            InputError: there is no such attribute, or no item with one of the values.
        """
        if attribute not in self.names:
            attributes = ", ".join(self.names) or "none"
            raise InputError(f"rerank: expected an attribute of the items table ({attributes}), got {attribute!r}")
        table = pq.read_table(self._path, columns=[ITEM, attribute])
        encoded = table[attribute].combine_chunks().dictionary_encode()
        values = [str(value) for value in encoded.dictionary.to_pylist()]
        absent = sorted(set(wanted) - set(values))
        if absent:
            raise InputError(f"rerank: expected values of {attribute} that some item has, got {absent[0]!r}")
        codes = {code for code, value in enumerate(values) if not wanted or value in wanted}
        pairs = zip(table[ITEM].to_pylist(), encoded.indices.to_pylist(), strict=True)
        return {str(item).encode(): code for item, code in pairs if code in codes}

    def kinds(self, attribute: str) -> Mapping[bytes, int]:
        """`codes` of all values of the attribute, of the coarsest one if empty. They are read once: rules may change
        while a server answers. Raises InputError."""
        if attribute not in self._kinds:
            self._kinds[attribute] = self.codes(attribute or self.coarsest(), ())
        return self._kinds[attribute]

    def coarsest(self) -> str:
        """The attribute with the fewest values, at least COARSE_VALUES of them.

        Raises:
            InputError: there is none.
        """
        if self.names:
            table = pq.read_table(self._path, columns=list(self.names))
            sizes = {name: len(table[name].drop_null().unique()) for name in self.names}
            coarse = {name: size for name, size in sizes.items() if size >= COARSE_VALUES}
            if coarse:
                return min(coarse, key=coarse.__getitem__)
        raise InputError(
            f"rerank: expected an attribute with at least {COARSE_VALUES} values for diversity, got none; "
            "name one in diversity_attribute"
        )
