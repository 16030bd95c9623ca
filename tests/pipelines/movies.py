"""A MovieLens-shaped world: ratings and nothing else. No baskets, stores, prices, promotions or users; ids are words.

Every viewer rates each film at most once, so nothing is ever bought again, which is what grocery models live on.
"""

from pathlib import Path

import numpy as np
import pandas as pd

VIEWERS, RATINGS, FILMS = 150, 40, 200
GENRES = ("Drama", "Comedy", "Western", "Film-Noir")
FIRST_DAY = pd.Timestamp("2023-01-01")
DAYS = 365


def films(seed: int = 5) -> dict[str, pd.DataFrame]:
    """events (user_id, item_id, event_time) and items (item_id, genres): a viewer rates mostly one genre, any day."""
    rng = np.random.default_rng(seed)
    genre_I = np.arange(FILMS) % len(GENRES)
    film = np.concatenate(
        [
            rng.choice(FILMS, RATINGS, replace=False, p=_taste(genre_I, viewer % len(GENRES)))
            for viewer in range(VIEWERS)
        ]
    )
    viewer = np.repeat(np.arange(VIEWERS), RATINGS)
    time = FIRST_DAY + pd.to_timedelta(rng.integers(0, DAYS * 86_400, len(viewer)), unit="s")
    events = pd.DataFrame(
        {
            "user_id": [f"viewer {v:03d}" for v in viewer],
            "item_id": [f"film {f} (1994)" for f in film],
            "event_time": time,
        }
    )
    items = pd.DataFrame(
        {"item_id": [f"film {f} (1994)" for f in range(FILMS)], "genres": [f"{GENRES[g]}|Film" for g in genre_I]}
    )
    return {"events": events.sample(frac=1, random_state=seed), "items": items}


def _taste(genre_I: np.ndarray, favourite: int) -> np.ndarray:
    """[FILMS] probabilities that add up to 1: a film of the favourite genre is eight times as likely as another."""
    weight = np.where(genre_I == favourite, 8.0, 1.0)
    return weight / weight.sum()


def write_films(folder: Path) -> Path:
    """Writes the world as the user's own tables; returns the folder."""
    folder.mkdir(parents=True)
    for name, frame in films().items():
        frame.to_parquet(folder / f"{name}.parquet", index=False)
    return folder
