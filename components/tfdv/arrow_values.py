"""Columns as they lie in Parquet -> the values that TFDV and the checks see."""

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc


def to_arrow(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Numbers as such, times as float64 seconds since 1970, all else as strings, be they codes; NaN is no value."""
    kind = column.type
    if pa.types.is_floating(kind):
        return pc.if_else(pc.is_nan(column), None, column)
    if pa.types.is_timestamp(kind):
        micros = column.cast(pa.timestamp("us")).cast(pa.int64())
        return pc.divide(micros.cast(pa.float64()), 1e6)
    as_it_is = pa.types.is_integer(kind) or pa.types.is_null(kind) or pa.types.is_dictionary(kind)
    return column if as_it_is else column.cast(pa.string())


def to_pandas(column: pa.ChunkedArray) -> pd.Series:
    """The same for pandas, where a time or number that is missing is NaN."""
    if pa.types.is_floating(column.type):
        return column.to_pandas()
    values = to_arrow(column).to_pandas()
    return values.astype("float64") if pa.types.is_timestamp(column.type) else values
