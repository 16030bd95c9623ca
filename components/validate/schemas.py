"""The TFDV schema, derived from model/data/schema.py; tfx_configs/schema/*.pbtxt is its checked-in, reviewed form.

`python -m components.validate.schemas` writes the files; a test fails when they and model/data/schema.py disagree.
TRAINING holds for stored tables. SERVING holds for requests: what is only known after the trip is absent there.
"""

from pathlib import Path

from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from components.tfdv.derived_columns import HOUR, LOG_PRICE, LOG_QUANTITY, WEEKDAY, WEEKDAYS
from model.data import schema
from model.files import write_text

DIRECTORY = Path(__file__).resolve().parents[2] / "tfx_configs" / "schema"
TRAINING, SERVING = "TRAINING", "SERVING"

_NUMBERS = (schema.Type.NUMBER, schema.Type.TIME)
"""Types that TFDV sees as floats; times are seconds since 1970."""
_DERIVED = (
    schema.Column(
        name=HOUR, type=schema.Type.NUMBER, low=0.0, high=23.0, request="request_time", doc="Hour of event_time, UTC."
    ),
    schema.Column(
        name=WEEKDAY,
        type=schema.Type.CATEGORY,
        domain=WEEKDAYS,
        request="request_time",
        doc="Weekday of event_time, UTC.",
    ),
    schema.Column(name=LOG_PRICE, type=schema.Type.NUMBER, nullable=True, low=0.0, doc="log(1 + price)."),
    schema.Column(name=LOG_QUANTITY, type=schema.Type.NUMBER, low=0.0, doc="log(1 + quantity)."),
)


def derive(table: schema.Table) -> schema_pb2.Schema:
    """The TFDV schema of a canonical table; of events with the derived columns that drift is measured on."""
    is_events = table is schema.EVENTS
    out = schema_pb2.Schema(default_environment=[TRAINING, SERVING])
    for column in table.columns + (_DERIVED if is_events else ()):
        out.feature.append(_feature(column))
        if is_events and not column.request:  # the label, and what is known only when the trip ends
            out.feature[-1].not_in_environment.append(SERVING)
        if column.domain:
            out.string_domain.add(name=column.name, value=column.domain)
    return out


def _feature(column: schema.Column) -> schema_pb2.Feature:
    kind = schema_pb2.FLOAT if column.type in _NUMBERS else schema_pb2.BYTES
    feature = schema_pb2.Feature(name=column.name, type=kind)
    feature.annotation.comment.append(f"{column.doc} [{column.unit}]" if column.unit else column.doc)
    feature.value_count.min = feature.value_count.max = 1
    if not column.nullable:
        feature.presence.min_fraction = 1.0
        feature.presence.min_count = 1
    if column.domain:
        feature.domain = column.name
    if column.low is not None:
        feature.float_domain.min = column.low
    if column.high is not None:
        feature.float_domain.max = column.high
    return feature


def read(table: schema.Table) -> schema_pb2.Schema:
    """The checked-in schema of a canonical table."""
    path = DIRECTORY / f"{table.name}.pbtxt"
    return text_format.Parse(path.read_text(encoding="utf-8"), schema_pb2.Schema())


def merged(canonical: schema_pb2.Schema, inferred: schema_pb2.Schema) -> schema_pb2.Schema:
    """The canonical schema plus the features that only the data has: the attributes of an open table, all optional."""
    out = schema_pb2.Schema()
    out.CopyFrom(canonical)
    canonical_names = {feature.name for feature in canonical.feature}
    domains = {domain.name: domain for domain in inferred.string_domain}
    for feature in inferred.feature:
        if feature.name in canonical_names:
            continue
        feature.ClearField("shape")
        feature.ClearField("presence")
        out.feature.append(feature)
        if feature.domain in domains:
            out.string_domain.append(domains[feature.domain])
    return out


def refresh(directory: Path = DIRECTORY) -> None:
    """Writes the pbtxt of every canonical table."""
    for table in schema.TABLES:
        write_text(directory / f"{table.name}.pbtxt", text_format.MessageToString(derive(table)))


if __name__ == "__main__":
    refresh()
