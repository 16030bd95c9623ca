"""The export's names for columns and event types, mapped to ours by the settings; suggestions where they are not."""

import json
import re
import shlex
from collections.abc import Collection, Iterable, Mapping

from model.data import columns as c
from model.data.schema import Table
from model.errors import InputError
from tfx_configs.settings import EVENT_WORDS, IGNORE

_SHOWN = 20
_LONGEST = 40
COMMON_NAMES = {
    c.USER: "userid customerid customer user visitorid clientid client shopperid memberid householdid accountid uid "
    "reviewerid custid",
    c.ITEM: "itemid stockcode productid product item sku articleid article asin parentasin movieid itemcode "
    "productcode",
    c.TIME: "eventtime invoicedate timestamp time datetime date orderdate orderedat createdat purchasedate "
    "transactiondate tdat ts unixreviewtime",
    c.BASKET: "basketid invoice invoiceno orderid orderno transactionid receiptid sessionid",
    c.EVENT_TYPE: "eventtype event action behavior behaviortype type",
    c.QUANTITY: "quantity qty units pieces",
    c.PRICE: "price unitprice saleprice",
    c.STORE: "storeid store branch shop shopid",
    c.START: "start startdate validfrom begin",
    c.END: "end enddate validto until",
}
"""{our column: names that exports have for it, without case and punctuation}, the likeliest first."""
COMMON_WORDS = {
    "purchase": "transaction buy bought purchased order ordered sale sold checkout pay paid",
    "cart": "addtocart add cartadd basket incart atc",
    "view": "click clicked pageview viewed detail detailview impression visit see pv",
    "return": "refund refunded returned cancel cancelled canceled chargeback",
}
"""{our event type: words that exports have for it}"""
BUILT_IN = {"click": "view"}
"""Words that need no setting."""


def plain(word: str) -> str:
    """The word in lower case, letters and digits alone."""
    return re.sub(r"[\W_]+", "", word).lower()


def setting(name: str, value: Mapping[str, str]) -> str:
    """The option that sets a mapping, as it is typed in a shell."""
    return "--set " + shlex.quote(f"data.{name}={json.dumps(dict(value), ensure_ascii=False)}")


def shown(words: Iterable[str]) -> str:
    """The first words, each at most 40 characters long and on one line."""
    every = list(words)
    short = [word if len(word) <= _LONGEST else f"{word[:_LONGEST]}..." for word in every[:_SHOWN]]
    listed = ", ".join(word if word.isprintable() else repr(word)[1:-1] for word in short)
    return listed + (f" and {len(every) - _SHOWN:,} more" if len(every) > _SHOWN else "")


def canonical_name(table: Table, name: str, columns: Mapping[str, str]) -> str:
    """Our name of an export's column; `columns`: the setting `data.columns`, where a key with the table holds first."""
    return columns.get(f"{table.name}.{name}", columns.get(name, name))


def renamed(table: Table, names: Collection[str], columns: Mapping[str, str], where: str) -> dict[str, str]:
    """{the export's name: ours} of all columns of one table.

    Args:
        columns: the setting `data.columns`; a key like items.id holds for that table and over one without.

    Raises:
        InputError: two columns would get one name, one would get a name with ${, or a required one is not there; with
            the setting to start from.
    """
    ours = {name: canonical_name(table, name, columns) for name in names}
    for name, target in ours.items():
        others = [other for other in names if ours[other].lower() == target.lower() and other != name]
        if others:
            raise InputError(
                f"{where}: expected a name of its own for each column, got {target} for {shown([name, *others])} "
                f"(upper and lower case are the same); rename one, for example with "
                + setting("columns", {name: "other"})
            )
        if "${" in target:  # Hadoop, which Spark writes with, puts its own settings in the place of ${NAME}
            raise InputError(
                f"{where}: expected names of columns without ${{, got {shown([target])}; rename it, for example with "
                + setting("columns", {name: "other"})
            )
    missing = [column.name for column in table.columns if column.required and column.name not in ours.values()]
    if missing:
        start = _suggested(missing, names) or {f"a column of {where.rsplit('/', 1)[-1]}": missing[0]}
        raise InputError(
            f"{where}: expected column {' and '.join(missing)}, found {shown(ours.values())}; rename or add it, or "
            f"map the names with {setting('columns', dict(columns) | start)}"
        )
    return ours


def check_used(columns: Mapping[str, str], names: Mapping[str, Collection[str]]) -> None:
    """Raises InputError for a key of the setting `data.columns` that no table has; `names`: {table: its columns}."""
    every = {name for table in names.values() for name in table}
    every |= {f"{table}.{name}" for table, own in names.items() for name in own}
    for name in columns:
        if name not in every:
            raise InputError(
                f"setting data.columns: expected a column of the tables, got {shown([name])}; they have "
                + "; ".join(f"{table}: {shown(own)}" for table, own in names.items())
            )


def event_words(counts: Mapping[str, int], words: Mapping[str, str], where: str) -> dict[str, str]:
    """{the export's word: our event type} of all words.

    Args:
        counts: {word: rows}.
        words: the setting `data.event_types`.

    Raises:
        InputError: words that neither the setting nor we know, with their rows and the setting to start from.
    """
    own = {word: word for word in EVENT_WORDS if word != IGNORE} | BUILT_IN
    ours = {word: words.get(word, own.get(word.strip().lower(), "")) for word in counts}
    unknown = sorted((word for word in counts if not ours[word]), key=lambda word: (-counts[word], word))
    if unknown:
        start = {word: _common_word(word) for word in unknown[:_SHOWN]}
        listed = shown(f"{shown([word])} ({counts[word]:,} rows)" for word in unknown)
        raise InputError(
            f"{where}: expected {', '.join(own)} in {c.EVENT_TYPE}, got {listed}; map each to one of "
            f"{', '.join(EVENT_WORDS)}, starting from {setting('event_types', dict(words) | start)}"
        )
    return ours


def suggested_columns(table: Table, names: Collection[str], columns: Mapping[str, str]) -> dict[str, str]:
    """{the export's name: ours} for columns of the table that only a common name of theirs shows."""
    mapped = {canonical_name(table, name, columns) for name in names}
    free = [name for name in names if name not in table.names and not {name, f"{table.name}.{name}"} & columns.keys()]
    return _suggested([name for name in table.names if name not in mapped], free)


def suggested_words(words: Iterable[str], mapped: Mapping[str, str]) -> dict[str, str]:
    """{the export's word: our event type} for words that are neither ours nor mapped; `ignore` where none is common."""
    unknown = (word for word in words if word not in mapped and word.strip().lower() not in {*EVENT_WORDS, *BUILT_IN})
    return {word: _common_word(word) for word in unknown}


def _suggested(missing: Iterable[str], names: Collection[str]) -> dict[str, str]:
    """{the export's name: ours} for missing columns that the export has under a common name."""
    by_word = {plain(name): name for name in reversed(list(names))}
    start = {}
    for column in missing:
        name = next((by_word[word] for word in COMMON_NAMES.get(column, "").split() if word in by_word), None)
        if name is not None and name not in start:
            start[name] = column
    return start


def _common_word(word: str) -> str:
    return next((ours for ours, words in COMMON_WORDS.items() if plain(word) in words.split()), IGNORE)
