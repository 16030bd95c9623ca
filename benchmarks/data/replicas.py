"""The Complete Journey several times over: each replica has shoppers, baskets and products of its own.

Stores, weeks and times stay as they are, so a replica is as busy as the original.
"""

from pathlib import Path

import duckdb

APART = {"household_id": 10**6, "basket_id": 10**12, "product_id": 10**9}
"""Id columns, and how far a replica's ids lie from those of the one before: more than any id of the source."""
NEEDED = {
    "transactions": ("household_id", "basket_id", "product_id"),
    "products": ("product_id",),
    "demographics": ("household_id",),
    "promotions": ("product_id",),
}
"""{file: its id columns}."""


def replicate(source: Path, target: Path, copies: int) -> dict[str, int]:
    """Writes the source's files `copies` times over into `target`, streaming; returns {file: rows}."""
    target.mkdir(parents=True)
    rows = {}
    with duckdb.connect(config={"memory_limit": "2GB", "preserve_insertion_order": False}) as engine:
        for name, ids in NEEDED.items():
            moved = ", ".join(f"{column} + copy * {APART[column]} AS {column}" for column in ids)
            everything = f"read_parquet('{source / name}.parquet'), range({copies}) AS copies(copy)"
            select = f"SELECT * EXCLUDE (copy) REPLACE ({moved}) FROM {everything}"
            file = target / f"{name}.parquet"
            engine.execute(f"COPY ({select}) TO '{file}' (FORMAT parquet)")
            rows[name] = int(engine.execute(f"SELECT count(*) FROM '{file}'").fetchall()[0][0])
    return rows
