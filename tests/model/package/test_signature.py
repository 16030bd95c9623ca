"""Signatures of models: what push and server take when they have a key."""

import base64
import shutil
from pathlib import Path

import pytest

from model.errors import InputError, ModelRefused
from model.files import read_json, write_json
from model.package.manifest import NAME, SIGNATURE, verify
from model.package.signature import PUBLIC, SECRET, PublicKey, sign
from model.registry.model_registry import Registry
from tests.model.model_directory import write_model
from tests.model.package.minisign import write_keys

# A key of minisign, and its signature of the file "test" with the content "test".
RECORDED_PUBLIC = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3"
RECORDED_SIGNATURE = """untrusted comment: signature from minisign secret key
RUQf6LRCGA9i559r3g7V1qNyJDApGip8MfqcadIgT9CuhV3EMhHoN1mGTkUidF/z7SrlQgXdy8ofjb7bNJJylDOocrCo8KLzZwo=
trusted comment: timestamp:1556193335\tfile:test
y/rUw2y8/hOUYjZU71eHp/Wo1KZ40fGy2VJEDl34XMJM+TX48Ss/17u3IvIfbVR1FkZZSNCisQbuQY+bHwhEBg==
"""


@pytest.fixture
def keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """This process signs, and takes signed models only."""
    public, secret = write_keys(tmp_path / "keys")
    monkeypatch.setenv(PUBLIC, str(public))
    monkeypatch.setenv(SECRET, str(secret))
    return tmp_path / "keys"


def test_a_recorded_signature_of_minisign_is_taken_and_no_other_content(tmp_path: Path) -> None:
    (tmp_path / "key.pub").write_text(f"untrusted comment: minisign public key\n{RECORDED_PUBLIC}\n")
    (tmp_path / "test").write_bytes(b"test")
    (tmp_path / "test.minisig").write_text(RECORDED_SIGNATURE)
    key = PublicKey.read(tmp_path / "key.pub")
    key.check(tmp_path / "test")
    (tmp_path / "test").write_bytes(b"Test")
    with pytest.raises(ModelRefused, match="does not hold"):
        key.check(tmp_path / "test")


def test_a_signed_model_is_taken_by_verification_and_by_the_registry_with_its_signature(
    keys: Path, tmp_path: Path
) -> None:
    version = write_model(tmp_path / "m", "1.0")
    assert verify(tmp_path / "m").version == version
    registry = Registry(tmp_path / "registry")
    assert registry.add(tmp_path / "m") == version
    assert (registry.path(version) / SIGNATURE).is_file()
    registry.set_stable(version)


def test_an_unsigned_model_is_refused_by_the_registry(keys: Path, tmp_path: Path) -> None:
    write_model(tmp_path / "m", "1.0")
    (tmp_path / "m" / SIGNATURE).unlink()
    with pytest.raises(ModelRefused, match="expected a signature"):
        Registry(tmp_path / "registry").add(tmp_path / "m")
    assert not (tmp_path / "registry" / "models").exists()


def test_a_model_signed_by_another_key_or_with_anothers_signature_is_refused(
    keys: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_model(tmp_path / "m", "1.0")
    write_model(tmp_path / "other", "2.0")
    shutil.copyfile(tmp_path / "other" / SIGNATURE, tmp_path / "m" / SIGNATURE)
    with pytest.raises(ModelRefused, match="does not hold"):
        verify(tmp_path / "m")
    _, stranger = write_keys(tmp_path / "stranger")
    sign(tmp_path / "m" / NAME, stranger, "same number, another key")
    with pytest.raises(ModelRefused, match="does not hold"):
        verify(tmp_path / "m")
    _, renamed = write_keys(tmp_path / "renamed", b"87654321")
    sign(tmp_path / "m" / NAME, renamed, "another number")
    with pytest.raises(ModelRefused, match="of another key"):
        verify(tmp_path / "m")


def test_the_trusted_comment_is_signed_too(keys: Path, tmp_path: Path) -> None:
    write_model(tmp_path / "m", "1.0")
    file = tmp_path / "m" / SIGNATURE
    file.write_text(file.read_text().replace("trusted comment: 2017", "trusted comment: 2018"))
    with pytest.raises(ModelRefused, match="does not hold"):
        verify(tmp_path / "m")


@pytest.mark.parametrize("damage", [b"", b"one line", b"a\nb\nc\nd\n", bytes(range(256))])
def test_a_damaged_signature_is_refused_in_one_line(damage: bytes, keys: Path, tmp_path: Path) -> None:
    write_model(tmp_path / "m", "1.0")
    (tmp_path / "m" / SIGNATURE).write_bytes(damage)
    with pytest.raises(ModelRefused, match="expected a signature") as refused:
        verify(tmp_path / "m")
    assert "\n" not in str(refused.value)


def test_who_rewrites_manifest_and_files_cannot_sign_them(
    keys: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everything else in the package agrees: the key alone is missing."""
    write_model(tmp_path / "m", "1.0")
    signature = (tmp_path / "m" / SIGNATURE).read_bytes()
    with monkeypatch.context() as attacker:
        attacker.delenv(SECRET)
        attacker.delenv(PUBLIC)
        write_model(tmp_path / "m", "6.66")
        (tmp_path / "m" / SIGNATURE).write_bytes(signature)
        verify(tmp_path / "m")
    with pytest.raises(ModelRefused, match="does not hold"):
        verify(tmp_path / "m")


def test_keys_that_are_none_are_bad_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_model(tmp_path / "m", "1.0")
    _, secret = write_keys(tmp_path / "keys")
    with_password = bytearray(base64.b64decode(secret.read_text().splitlines()[1]))
    with_password[2:4] = b"Sc"
    secret.write_text(f"untrusted comment\n{base64.b64encode(bytes(with_password)).decode()}\n")
    with pytest.raises(InputError, match="without a password"):
        sign(tmp_path / "m" / NAME, secret, "")
    monkeypatch.setenv(PUBLIC, str(tmp_path / "m" / NAME))
    with pytest.raises(InputError, match="expected a key file of minisign"):
        verify(tmp_path / "m")


def test_without_keys_nothing_is_signed_or_asked_for(tmp_path: Path) -> None:
    write_model(tmp_path / "m", "1.0")
    assert not (tmp_path / "m" / SIGNATURE).exists()
    fields = read_json(tmp_path / "m" / NAME)
    write_json(tmp_path / "m" / NAME, fields)
    verify(tmp_path / "m")
