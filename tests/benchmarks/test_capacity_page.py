"""The capacity table with hand-computed values."""

from benchmarks.harness.page import render

SERVING = {
    "aisle": {"max_rps_p99_25ms": 100.0, "cpu_ms_per_request": 5.0},
    "catalog_items": 50_000,
    "mean_history": 500.0,
    "catalog": [{"items": 50_000, "rss_mb": 100}, {"items": 1_050_000, "rss_mb": 500, "lists": 4099}],
}
DEMO = {"data": {"users": 2_000}}


def test_formulas_are_filled_in_for_this_shop_and_for_a_large_one() -> None:
    rows = {}
    for line in render("serving/capacity", SERVING, demo=DEMO).splitlines():
        cells = [cell.strip() for cell in line.split("|")[1:-1]]
        if len(cells) == 4:
            rows[cells[0]] = (cells[2], cells[3])
    # Half of 100 requests a second: 50 x 5 ms = a quarter of a core busy, on one core; 100,000 need 2,000.
    assert rows["CPU, all busy"] == ("0.2 cores", "500.0 cores")
    assert rows["serving cores"] == ("1", "2,000")
    assert rows["vectors"] == ("6.4 MB", "12.8 GB")  # 4 bytes, 32 wide
    assert rows["catalog and index in memory"] == ("20.0 MB", "40.0 GB")  # 400 MB for a million more
    assert rows["lists of the index"] == ("exact", "40,000")  # 4099 are 4 times the root of 1,050,000
    assert rows["state"] == ("26.0 MB", "780.0 GB")  # 2,000 x 500 x 26; 50 million x 600 x 26
    assert rows["Redis shards of 64 GB, 75% full"] == ("1, and replicas", "17, and replicas")
    assert rows["history read"] == ("650 kB/s", "1.6 GB/s")
    assert rows["request log"][1] == "3.3 TB a day, before compression"  # 380 bytes each
