"""The checked-in TFDV schema agrees with model/data/schema.py."""

import pytest
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from components.validate import schemas
from model.data import schema


@pytest.mark.parametrize("table", schema.TABLES, ids=lambda t: t.name)
def test_the_checked_in_schema_is_the_derived_one(table: schema.Table) -> None:
    assert schemas.read(table) == schemas.derive(table), "run: python -m components.validate.schemas"


def test_a_request_lacks_the_label_and_the_price_but_has_shopper_store_and_time() -> None:
    features = schemas.derive(schema.EVENTS).feature
    serving = {feature.name for feature in features if schemas.SERVING not in feature.not_in_environment}
    assert serving == {"user_id", "event_time", "store_id", "hour", "weekday"}


def test_only_the_columns_that_may_be_empty_may_be_missing() -> None:
    features = schemas.derive(schema.EVENTS).feature
    assert {f.name for f in features if not f.HasField("presence")} == {"price", "log_price", "request_id"}


def test_merging_adds_undeclared_attributes_as_optional_and_keeps_the_canonical_feature() -> None:
    inferred = text_format.Parse(
        """
        feature { name: "item_id" type: INT }
        feature { name: "color" type: BYTES domain: "color" presence { min_fraction: 1 } shape { dim { size: 1 } } }
        string_domain { name: "color" value: "red" }
        """,
        schema_pb2.Schema(),
    )
    merged = schemas.merged(schemas.derive(schema.ITEMS), inferred)
    assert [(f.name, f.type) for f in merged.feature] == [("item_id", schema_pb2.BYTES), ("color", schema_pb2.BYTES)]
    assert not merged.feature[1].HasField("presence") and not merged.feature[1].HasField("shape")
    assert [d.name for d in merged.string_domain] == ["color"]
