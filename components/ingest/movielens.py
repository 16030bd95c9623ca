"""MovieLens, in the file formats of the 100K and the 1M data set, as canonical tables.

A rating of 4 or 5 is the positive (event type purchase), a lower one a view: what was seen and not liked. 100K: u.data
(tab), u.item and u.user (|); 1M: ratings.dat, movies.dat and users.dat (::). All Latin-1, without header. Neither has
prices, stores or promotions; what one user rated on one UTC day is one trip.
"""

import itertools
from pathlib import Path

import ibis
from ibis import _
from ibis.expr.types import IntegerColumn, StringColumn, Table

from components.engines.engine import Engine
from components.ingest.cleaning import Source, calendar_day
from model.data import columns as c
from model.errors import InputError

LIKED = 4
RATINGS = ("user", "item", "rating", "seconds")
_GENRES = (
    "unknown|Action|Adventure|Animation|Children's|Comedy|Crime|Documentary|Drama|Fantasy|Film-Noir|Horror|Musical|"
    "Mystery|Romance|Sci-Fi|Thriller|War|Western"
)
GENRES = tuple(_GENRES.split("|"))
"""In the order of the 0/1 columns of u.item."""
AGES = (1, 18, 25, 35, 45, 50, 56)
"""First year of each age bracket of the 1M users; the 100K users' ages are put into the same brackets."""


def read(engine: Engine, folder: Path) -> Source:
    """The canonical tables as lazy expressions. Raises InputError when one of the three files is not there."""
    large = (folder / "ratings.dat").exists()
    ratings = _file(engine, folder, "ratings.dat" if large else "u.data", "::" if large else "\t", RATINGS)
    return Source(
        events=_events(ratings),
        items=_items(engine, folder, large),
        users=_users(engine, folder, large),
        promotions=None,
    )


def _file(engine: Engine, folder: Path, name: str, separator: str, names: tuple[str, ...]) -> Table:
    if not (folder / name).is_file():
        raise InputError(f"{folder}: expected {name} of MovieLens, not found; unpack the whole archive")
    return engine.read_text(folder / name, separator, names)


def _events(ratings: Table) -> Table:
    moment = _.seconds.try_cast("int64").as_timestamp("s").cast("timestamp(6)")
    liked = _.rating.try_cast("float64") >= LIKED
    return ratings.select(
        **{
            c.USER: _.user,
            c.ITEM: _.item,
            c.TIME: moment,
            c.BASKET: calendar_day(_.user, moment),
            c.EVENT_TYPE: ibis.cases((liked, c.PURCHASE), (~liked, "view")),
            c.QUANTITY: ibis.literal(1.0),
            c.PRICE: ibis.null("float64"),
            c.STORE: ibis.literal(""),
            c.REQUEST: ibis.null("string"),
        }
    )


def _items(engine: Engine, folder: Path, large: bool) -> Table:
    """All genres as one attribute, the first alone as another, and the year at the end of the title."""
    if large:
        movies = _file(engine, folder, "movies.dat", "::", ("id", "title", "genres"))
        genres = movies.genres
    else:
        head = ("id", "title", "release", "video_release", "url")
        movies = _file(engine, folder, "u.item", "|", (*head, *GENRES))
        marked = ibis.literal("")
        for genre in GENRES:
            marked = marked + ibis.ifelse(movies[genre] == "1", f"|{genre}", "")
        genres = marked.substr(1)
    return movies.select(
        **{
            c.ITEM: _.id,
            "genres": genres.nullif(""),
            "genre": genres.re_extract(r"^([^|]+)", 1).nullif(""),
            "year": _.title.re_extract(r"\((\d{4})\)\s*$", 1).nullif(""),
        }
    )


def _users(engine: Engine, folder: Path, large: bool) -> Table:
    if large:
        users = _file(engine, folder, "users.dat", "::", ("id", "gender", "age", "occupation", "zip"))
    else:
        users = _file(engine, folder, "u.user", "|", ("id", "age", "gender", "occupation", "zip"))
    return users.select(
        **{c.USER: _.id, "age": _bracket(_.age.try_cast("int64")), "gender": _.gender, "occupation": _.occupation}
    )


def _bracket(age: IntegerColumn) -> StringColumn:
    """The bracket as "25-34"; the youngest and the oldest are open."""
    spans = [(age < high, f"{low}-{high - 1}") for low, high in itertools.pairwise(AGES[1:])]
    return ibis.cases((age < AGES[1], f"under {AGES[1]}"), *spans, (age >= AGES[-1], f"{AGES[-1]} and over"))
