"""Which events are positive: the same rows in pandas, Ibis and Arrow."""

import ibis
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from model.data import columns as c
from model.data.labels import is_positive, positives
from tfx_configs.labels import LabelSettings

EVENTS = pd.DataFrame(
    [
        ("bought", "purchase", 1.0, {"purchase", "both"}),
        ("several", "purchase", 0.5, {"purchase", "both"}),
        ("none of it", "purchase", 0.0, set()),
        ("less than none", "purchase", -1.0, set()),
        ("no quantity", "purchase", None, set()),
        ("returned", "return", 1.0, set()),
        ("seen", "view", 1.0, {"both"}),
        ("seen, none of it", "view", 0.0, set()),
        ("no type", None, 1.0, set()),
    ],
    columns=[c.ITEM, c.EVENT_TYPE, c.QUANTITY, "positive in"],
)
POLICIES = {
    "purchase": LabelSettings(),
    "both": LabelSettings(positive_types=("purchase", "view")),
}


def in_pandas(events: pd.DataFrame, settings: LabelSettings) -> list[str]:
    return positives(events, settings)[c.ITEM].tolist()


def in_ibis(events: pd.DataFrame, settings: LabelSettings) -> list[str]:
    table = ibis.memtable(events)
    return table.filter(is_positive(table.__getitem__, settings)).execute()[c.ITEM].tolist()


def in_arrow(events: pd.DataFrame, settings: LabelSettings) -> list[str]:
    table = pa.Table.from_pandas(events, preserve_index=False)
    return table.filter(is_positive(pc.field, settings))[c.ITEM].to_pylist()


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("rendering", [in_pandas, in_ibis, in_arrow])
def test_every_engine_finds_the_same_positives(rendering, policy: str) -> None:
    expected = [row[c.ITEM] for _, row in EVENTS.iterrows() if policy in row["positive in"]]
    assert sorted(rendering(EVENTS.drop(columns="positive in"), POLICIES[policy])) == sorted(expected)
