"""Columns as they lie in Parquet -> the values that TFDV and the checks see."""

import pandas as pd
import pyarrow as pa


def to_pandas(column: pa.ChunkedArray) -> pd.Series:
    """Numbers as such, times as float64 seconds since 1970, everything else as strings."""
    kind = column.type
    if pa.types.is_dictionary(kind) or not (
        pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_timestamp(kind) or pa.types.is_null(kind)
    ):
        column = column.cast(pa.string())
    if pa.types.is_timestamp(kind):
        column = column.cast(pa.timestamp("us"))
        return pd.Series(column.cast(pa.int64()).to_pandas() / 1e6, dtype="float64")
    return column.to_pandas()
