"""MovieLens in both file formats: the same three ratings of two films, written as 100K and as 1M write them."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from components.examples.run import build_examples
from components.ingest.movielens import GENRES
from components.ingest.run import ingest
from model.data import columns as c
from model.data.trips import Trips
from model.errors import InputError
from tests.worlds import run_settings
from tfx_configs import recipes

DAY_1, DAY_2 = 1_577_836_800, 1_588_291_200  # 2020-01-01 and 2020-05-01: on both sides of the cut
RATINGS = (("1", "10", "5", DAY_1), ("1", "11", "3", DAY_1 + 60), ("2", "10", "4", DAY_2))


def write_100k(folder: Path) -> Path:
    folder.mkdir()
    (folder / "u.data").write_text("".join("\t".join(map(str, row)) + "\n" for row in RATINGS))
    films = [
        ("10", 'Café "Noir" (1995)', "01-Jan-1995", "", "http://x", *_marks("Comedy", "Drama")),
        ("11", "unknown", "", "", "", *_marks()),
    ]
    (folder / "u.item").write_bytes("".join("|".join(film) + "\n" for film in films).encode("latin-1"))
    (folder / "u.user").write_text("1|25|M|technician|85711\n2|7|F|student|01002\n")
    return folder


def write_1m(folder: Path) -> Path:
    folder.mkdir()
    (folder / "ratings.dat").write_text("".join("::".join(map(str, row)) + "\n" for row in RATINGS))
    films = 'Café "Noir" (1995)::Comedy|Drama', "unknown::"
    lines = (f"{number}::{film}\n" for number, film in enumerate(films, start=10))
    (folder / "movies.dat").write_bytes("".join(lines).encode("latin-1"))
    (folder / "users.dat").write_text("1::M::25::technician::85711\n2::F::1::student::01002\n")
    return folder


def _marks(*genres: str) -> list[str]:
    return [str(int(genre in genres)) for genre in GENRES]


FORMATS = {"100K": write_100k, "1M": write_1m}
both = pytest.mark.parametrize("write", FORMATS.values(), ids=FORMATS)


def tables(write: Callable[[Path], Path], folder: Path) -> Path:
    ingest(data=run_settings(write(folder / "in")).data, tables_dir=folder / "out")
    return folder / "out"


@both
def test_a_folder_of_movielens_is_recognised_by_its_files(tmp_path: Path, write: Callable[[Path], Path]) -> None:
    assert recipes.full(str(write(tmp_path / "in"))).data.source == "movielens"
    assert recipes.full(str(tmp_path)).data.source == "canonical"


@both
def test_four_stars_are_a_purchase_and_three_a_view(tmp_path: Path, write: Callable[[Path], Path]) -> None:
    events = pd.read_parquet(tables(write, tmp_path) / "events").sort_values(c.TIME)
    assert events[[c.USER, c.ITEM, c.EVENT_TYPE, c.BASKET]].values.tolist() == [
        ["1", "10", "purchase", "1|2020-01-01"],
        ["1", "11", "view", "1|2020-01-01"],
        ["2", "10", "purchase", "2|2020-05-01"],
    ]
    assert events[c.TIME].tolist() == [pd.Timestamp(row[3], unit="s") for row in RATINGS]


@both
def test_genres_year_and_demographics_are_attributes(tmp_path: Path, write: Callable[[Path], Path]) -> None:
    out = tables(write, tmp_path)
    films, users = pd.read_parquet(out / "items.parquet"), pd.read_parquet(out / "users.parquet")
    assert films.fillna("-").to_dict("list") == {
        c.ITEM: ["10", "11"],
        "genres": ["Comedy|Drama", "-"],
        "genre": ["Comedy", "-"],
        "year": ["1995", "-"],
    }
    assert users.to_dict("list") == {
        c.USER: ["1", "2"],
        "age": ["25-34", "under 18"],
        "gender": ["M", "F"],
        "occupation": ["technician", "student"],
    }


@both
def test_only_what_was_liked_makes_trips(tmp_path: Path, write: Callable[[Path], Path]) -> None:
    settings = run_settings(write(tmp_path / "in"))
    ingest(data=settings.data, tables_dir=tmp_path / "tables")
    build_examples(run=settings, tables_dir=tmp_path / "tables", examples_dir=tmp_path / "examples")
    trips = Trips.load(tmp_path / "examples" / "trips")
    assert trips.time_T.tolist() == [DAY_1, DAY_2]
    assert [trips.item_ids[trips.basket(t)].tolist() for t in range(2)] == [["10"], ["10"]]


def test_a_half_written_last_line_is_dropped_and_counted(tmp_path: Path) -> None:
    folder = write_100k(tmp_path / "in")
    with (folder / "u.data").open("a") as ratings:
        ratings.write("2\t11\t")
    report = ingest(data=run_settings(folder, max_dropped_percent=50).data, tables_dir=tmp_path / "out")
    assert report.dropped == {"event_time missing": 1}


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    folder = write_1m(tmp_path / "in")
    (folder / "users.dat").unlink()
    with pytest.raises(InputError, match=r"in: expected users\.dat of MovieLens, not found"):
        ingest(data=run_settings(folder).data, tables_dir=tmp_path / "out")
    assert not (tmp_path / "out").exists()
