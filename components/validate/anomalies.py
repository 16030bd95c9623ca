"""TFDV anomalies -> findings: what the schema requires against what the statistics show."""

import tensorflow_data_validation as tfdv
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2, statistics_pb2

from components.artifacts.validation import Finding, Severity
from components.tfdv.statistics import Stats, common_of, name_of
from components.validate.load_tables import Loaded
from components.validate.schemas import TRAINING

_Type = anomalies_pb2.AnomalyInfo.Type

_WHAT_TO_DO = {
    "SCHEMA_MISSING_COLUMN": "restore the column in the source, or map it in ingest",
    "SCHEMA_NEW_COLUMN": "add it to model/data/schema.py if it is meant to be used, else drop it in ingest",
    "ENUM_TYPE_UNEXPECTED_STRING_VALUES": "map the new value in ingest, or add it to the domain in schema.py",
    "FEATURE_TYPE_LOW_FRACTION_PRESENT": "find out why values went missing, or fill them in ingest",
    "FLOAT_TYPE_SMALL_FLOAT": "drop or correct these rows in ingest",
    "FLOAT_TYPE_BIG_FLOAT": "drop or correct these rows in ingest",
}
_WARN_ONLY = {"SCHEMA_NEW_COLUMN"}
_TYPE_NAMES = {schema_pb2.BYTES: "strings", schema_pb2.FLOAT: "numbers (double)", schema_pb2.INT: "integers"}


def find(loaded: Loaded, stats: Stats, schema: schema_pb2.Schema) -> list[Finding]:
    """Every way in which the table's statistics break its schema in the TRAINING environment."""
    anomalies = tfdv.validate_statistics(stats, schema, environment=TRAINING)
    features = {feature.name: feature for feature in schema.feature}
    measured = {name_of(feature): feature for feature in stats.datasets[0].features}
    findings = []
    for info in anomalies.anomaly_info.values():
        column = name_of(info) or "(table)"
        for reason in info.reason:
            kind = _Type.Name(reason.type)
            severity: Severity = "warn" if kind in _WARN_ONLY else "stop"
            expected = _expected(features.get(column), kind, loaded)
            received = _received(loaded, measured.get(column), column, kind, reason.description)
            todo = _WHAT_TO_DO.get(kind, "store the column as model/data/schema.py defines it")
            findings.append(Finding(loaded.table.name, column, f"tfdv:{kind}", severity, expected, received, todo))
    return findings


def _expected(feature: schema_pb2.Feature | None, kind: str, loaded: Loaded) -> str:
    if feature is None:
        return f"only the columns {', '.join(loaded.table.names)}"
    type_name = _TYPE_NAMES.get(feature.type, "values")
    match kind:
        case "FEATURE_TYPE_LOW_FRACTION_PRESENT":
            return f"a value in at least {feature.presence.min_fraction:.0%} of the rows"
        case "FLOAT_TYPE_SMALL_FLOAT" | "FLOAT_TYPE_BIG_FLOAT":
            domain = feature.float_domain
            return f"values from {domain.min:g}" + (f" to {domain.max:g}" if domain.HasField("max") else " up")
        case "ENUM_TYPE_UNEXPECTED_STRING_VALUES":
            column = next((column for column in loaded.table.columns if column.name == feature.name), None)
            return f"one of {', '.join(column.domain)}" if column else "a value of the domain"
        case "SCHEMA_MISSING_COLUMN":
            return f"a column of {type_name}"
    return type_name


def _received(
    loaded: Loaded,
    measured: statistics_pb2.FeatureNameStatistics | None,
    column: str,
    kind: str,
    description: str,
) -> str:
    """What came, by the statistics of all rows; `loaded` may hold some of them."""
    if column in loaded.types and kind in ("FEATURE_TYPE_LOW_FRACTION_PRESENT", "SCHEMA_MISSING_COLUMN"):
        return f"a value in {_present(measured):.1%} of the rows"
    match kind:
        case "SCHEMA_MISSING_COLUMN":
            return f"no such column among {', '.join(loaded.types)}"
        case "FLOAT_TYPE_SMALL_FLOAT" | "FLOAT_TYPE_BIG_FLOAT":
            return description if measured is None else f"{measured.num_stats.min:g} to {measured.num_stats.max:g}"
        case "SCHEMA_NEW_COLUMN":
            return f"the extra column {column}"
        case "ENUM_TYPE_UNEXPECTED_STRING_VALUES":
            return description.removeprefix("Examples contain values missing from the schema: ").rstrip(". ")
    return f"the stored type {loaded.types.get(column, 'unknown')}"


def _present(measured: statistics_pb2.FeatureNameStatistics | None) -> float:
    """Share of the rows with a value; statistics leave out a column without any."""
    if measured is None:
        return 0.0
    common = common_of(measured)
    return common.num_non_missing / max(common.num_non_missing + common.num_missing, 1)
