"""Addresses of the servers that record versions and trials."""

import pytest

from tfx_configs.frozen import SettingsError
from tfx_configs.tracking import TrackingSettings


@pytest.mark.parametrize("address", ["", "http://mlflow.mlflow:5000", "https://shop.example.com/mlflow"])
def test_an_address_or_none_is_taken(address: str) -> None:
    assert TrackingSettings(mlflow=address, model_registry=address).mlflow == address


@pytest.mark.parametrize(
    "address",
    ["mlflow:5000", "file:///runs", "http://", "https://me:secret@mlflow", "http://mlflow:none", "http://mlflow?a=b"],
)
def test_what_is_no_address_or_has_a_password_is_refused(address: str) -> None:
    with pytest.raises(SettingsError, match=r"setting mlflow: expected str, http\(s\)://HOST"):
        TrackingSettings(mlflow=address)


@pytest.mark.parametrize("name", ["", "a b", "it's", "-x", "a/b"])
def test_a_name_is_one_that_both_servers_take(name: str) -> None:
    with pytest.raises(SettingsError, match="setting name: expected str, letters"):
        TrackingSettings(name=name)
