"""The corruptions of the data benchmark break a small shop as those of the validation's own tests do."""

from pathlib import Path

import pandas as pd
import pytest

from benchmarks.data.corruptions import CORRUPTIONS, Corruption
from tests.components.validate.corruptions import CORRUPTIONS as TESTED
from tests.components.validate.corruptions import write_corrupted
from tests.components.validate.world import clean_shop

TESTED_BY_NAME = {tested.name: tested for tested in TESTED}


@pytest.mark.parametrize("corruption", CORRUPTIONS, ids=lambda corruption: corruption.name)
def test_it_leaves_the_same_files(corruption: Corruption, tmp_path: Path) -> None:
    frames, tested = clean_shop(), TESTED_BY_NAME[corruption.name]
    pd.testing.assert_frame_equal(corruption.change(frames["events"]), tested.change(frames["events"]))
    ours, theirs = corruption.write(frames, tmp_path / "a"), write_corrupted(tested, frames, tmp_path / "b")
    names = sorted(path.relative_to(ours) for path in ours.rglob("*.parquet"))
    assert names == sorted(path.relative_to(theirs) for path in theirs.rglob("*.parquet"))
    assert all((ours / name).read_bytes() == (theirs / name).read_bytes() for name in names)


@pytest.mark.parametrize("corruption", CORRUPTIONS, ids=lambda corruption: corruption.name)
def test_it_is_handled_by_the_same_findings(corruption: Corruption) -> None:
    tested = TESTED_BY_NAME[corruption.name]
    assert (corruption.column, corruption.severity, corruption.received) == (
        tested.column,
        tested.severity,
        tested.received,
    )
    caught = [{"column": corruption.column, "severity": "stop", "received": f"is {corruption.received}"}]
    warned = [caught[0] | {"severity": "warn"}]
    assert corruption.handled(caught, []) is (corruption.severity == "stop")
    assert corruption.handled(warned, []) is (corruption.severity in ("warn", None))
    assert corruption.handled(warned, warned) is (corruption.severity is None)
