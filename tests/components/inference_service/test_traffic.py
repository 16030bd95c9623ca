"""Traffic between versions as fields of an InferenceService."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.inference_service.traffic import (
    SCHEMES,
    Traffic,
    Version,
    declared,
    merged,
    mode,
    on_runtime,
    promoted,
    read,
    record,
    rolled_back,
    s3_uri,
    with_canary,
)
from model.errors import InputError

FETCH = Path(__file__).resolve().parents[3] / "manifests" / "base" / "fetch.yaml"
OLD = Version(name="2017-11-06-aaaaaaaaaaaa", uri="s3://models/old")
NEW = Version(name="2017-12-04-bbbbbbbbbbbb", uri="s3://models/new", runtime="aisle-b")
"""A canary with newer code."""


def test_a_canary_is_beside_stable_with_its_share() -> None:
    part = declared(with_canary(Traffic(stable=OLD), NEW, 10), "Standard", "aisle")
    assert part["spec"] == {
        "predictor": {"name": "vaaaaaaaaaaaa", "model": {"runtime": "aisle", "storageUri": "s3://models/old"}},
        "canary": [
            {
                "trafficPercent": 10,
                "predictor": {
                    "name": "vbbbbbbbbbbbb",
                    "model": {
                        "name": "",
                        "modelFormat": {"name": "aisle", "version": "1"},
                        "runtime": "aisle-b",
                        "storageUri": "s3://models/new",
                    },
                },
            }
        ],
    }


def test_a_promotion_gives_the_stable_predictor_the_name_of_the_canary() -> None:
    part = declared(promoted(with_canary(Traffic(stable=OLD), NEW, 50)), "Standard", "aisle")
    model = {"runtime": "aisle-b", "storageUri": "s3://models/new"}
    assert part["spec"] == {"predictor": {"name": "vbbbbbbbbbbbb", "model": model}}
    assert "annotations" not in part["metadata"]


def test_a_rollback_leaves_what_was_there_before_the_canary() -> None:
    stable = Traffic(stable=OLD)
    assert rolled_back(with_canary(stable, NEW, 10)) == stable
    assert rolled_back(stable) == stable


def test_in_knative_mode_the_spec_names_the_canary_and_its_percent_and_after_a_rollback_the_stable_version() -> None:
    canary = with_canary(Traffic(stable=OLD), NEW, 10)
    spec = declared(canary, "Knative", "aisle")["spec"]
    model = {"runtime": "aisle-b", "storageUri": "s3://models/new"}
    assert spec == {"predictor": {"canaryTrafficPercent": 10, "model": model}}
    spec = declared(rolled_back(canary), "Knative", "aisle")["spec"]
    assert spec == {"predictor": {"model": {"runtime": "aisle", "storageUri": "s3://models/old"}}}


@pytest.mark.parametrize("traffic", [Traffic(stable=OLD), Traffic(stable=OLD, canary=NEW, percent=50, previous=NEW)])
def test_what_is_recorded_can_be_read_back(traffic: Traffic) -> None:
    assert read(record(traffic, "aisle")) == traffic


def test_a_record_from_before_runtimes_were_recorded_means_the_one_of_the_manifests() -> None:
    data = {"stable-version": OLD.name, "stable-uri": OLD.uri}
    assert read({"data": data}) == Traffic(stable=replace(OLD, runtime="aisle"))


@pytest.mark.parametrize(
    ("traffic", "version", "named", "expected"),
    [
        (Traffic(), NEW, "", "aisle"),
        (Traffic(), NEW, "aisle-c", "aisle-c"),
        (Traffic(stable=OLD), NEW, "aisle-c", "aisle-c"),
        (Traffic(stable=NEW), OLD, "", "aisle-b"),
        (Traffic(stable=NEW, previous=OLD), OLD, "", "aisle-b"),
        (Traffic(stable=OLD, canary=NEW), NEW, "", "aisle-b"),
        (Traffic(stable=OLD, canary=NEW), NEW, "aisle-b", "aisle-b"),
    ],
    ids=["first", "first, named", "named", "inherited", "pushed again", "canary already", "canary already, named"],
)
def test_a_version_gets_the_runtime_that_is_named_else_the_one_that_serves(
    traffic: Traffic, version: Version, named: str, expected: str
) -> None:
    assert on_runtime(traffic, replace(version, runtime="unset"), named) == replace(version, runtime=expected)


@pytest.mark.parametrize("traffic", [Traffic(stable=NEW), Traffic(stable=OLD, canary=NEW, percent=10)])
def test_a_version_that_serves_is_not_moved_to_another_runtime(traffic: Traffic) -> None:
    with pytest.raises(InputError, match="expected runtime aisle-b, on which it serves, got aisle-c"):
        on_runtime(traffic, NEW, "aisle-c")


def test_a_service_that_was_never_pushed_to_has_no_stable_version() -> None:
    assert read({"metadata": {}}) == read({"data": None}) == Traffic(stable=None)


@pytest.mark.parametrize(("name", "expected"), [("RawDeployment", "Standard"), ("Serverless", "Knative")])
def test_the_older_names_of_the_modes_are_known(name: str, expected: str) -> None:
    assert mode({"metadata": {"annotations": {"serving.kserve.io/deploymentMode": name}}}) == expected


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: with_canary(Traffic(stable=OLD), OLD, 10),
        lambda: with_canary(Traffic(stable=OLD), NEW, 101),
        lambda: promoted(Traffic(stable=OLD)),
        lambda: declared(Traffic(stable=None), "Standard", "aisle"),
        lambda: mode({"metadata": {}}),
        lambda: s3_uri("ftp://models/new"),
        lambda: s3_uri("models/new"),
    ],
)
def test_what_makes_no_sense_is_refused(wrong: Any) -> None:
    with pytest.raises(InputError, match="expected"):
        wrong()


def test_kfps_address_of_an_artifact_becomes_one_that_kserve_reads() -> None:
    assert s3_uri("minio://mlpipeline/v2/artifacts/run/model") == "s3://mlpipeline/v2/artifacts/run/model"
    assert s3_uri("gs://bucket/model") == "gs://bucket/model"


def test_merging_replaces_values_keeps_the_rest_and_mutates_nothing() -> None:
    service = {"spec": {"predictor": {"minReplicas": 2, "model": {"storageUri": "a"}}}}
    assert merged(service, {"spec": {"predictor": {"model": {"storageUri": "b"}}}}) == {
        "spec": {"predictor": {"minReplicas": 2, "model": {"storageUri": "b"}}}
    }
    assert service["spec"]["predictor"]["model"] == {"storageUri": "a"}


def test_what_a_models_address_may_be_is_what_kserve_takes() -> None:
    fetch = yaml.safe_load(FETCH.read_text())
    assert [uri["prefix"] for uri in fetch["spec"]["supportedUriFormats"]] == [f"{scheme}://" for scheme in SCHEMES]
