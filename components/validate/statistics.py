"""Frames -> TFDV statistics. n_jobs stays 1: every further worker would import TensorFlow again (about 10 s each)."""

from typing import TypeAlias

import pandas as pd
import tensorflow_data_validation as tfdv
from tensorflow_metadata.proto.v0 import statistics_pb2

Stats: TypeAlias = statistics_pb2.DatasetFeatureStatisticsList


def compute(frame: pd.DataFrame) -> Stats:
    """Statistics of a frame with at least one row. Columns without any value are left out: TFDV cannot type them."""
    usable = frame.dropna(axis=1, how="all").reset_index(drop=True)
    return tfdv.generate_statistics_from_dataframe(usable, n_jobs=1)
