"""A shop where a model can show a large lead within minutes: two baskets of favourites, bought in turn.

Every shopper has twenty favourites: ten are bought in one week, the other ten in the next. Counts of purchases, decayed
or not, do not reveal which ten are due, and as favourites are drawn at random, neither popularity nor what goes
together in a basket helps much. What was in the last basket is not bought in the next: that takes a model that learns.
"""

from pathlib import Path

import numpy as np
import pandas as pd

SHOPPERS, ITEMS, WEEKS = 220, 120, 26
HALF, MISSED = 10, 0.15
"""Favourites a basket; the share of them that is left out each time."""
FIRST_DAY = pd.Timestamp("2023-01-02")


def alternating(seed: int = 3) -> dict[str, pd.DataFrame]:
    """events (user_id, item_id, event_time) and items (item_id, department): a trip a week, any hour of any day."""
    rng = np.random.default_rng(seed)
    rows = []
    for shopper in range(SHOPPERS):
        halves = rng.choice(ITEMS, 2 * HALF, replace=False).reshape(2, HALF)
        day = rng.integers(0, 7)
        for week in range(WEEKS):
            moment = FIRST_DAY + pd.Timedelta(days=7 * week + int(day), seconds=int(rng.integers(8 * 3600, 20 * 3600)))
            half = halves[(week + shopper) % 2]
            bought = half[rng.random(HALF) >= MISSED]
            rows += [(f"shopper {shopper:03d}", f"item {item:03d}", moment) for item in bought]
    events = pd.DataFrame(rows, columns=["user_id", "item_id", "event_time"])
    items = pd.DataFrame(
        {"item_id": [f"item {i:03d}" for i in range(ITEMS)], "department": [f"shelf {i % 6}" for i in range(ITEMS)]}
    )
    return {"events": events.sample(frac=1, random_state=seed), "items": items}


def write_alternating(folder: Path) -> Path:
    """Writes the world as the user's own tables; returns the folder."""
    folder.mkdir(parents=True)
    for name, frame in alternating().items():
        frame.to_parquet(folder / f"{name}.parquet", index=False)
    return folder
