"""Signatures of a model's manifest, in the format of minisign: what `minisign -S` writes and `minisign -V` checks.

A manifest names the digest of every file, so its signature is one of the whole model. Keys are files; where they are
comes from the environment of the process, since settings of a run are stored with the model:

    AISLE_PUBLIC_KEY_FILE   push and server then take signed models only
    AISLE_SECRET_KEY_FILE   export then signs; a key without a password (`minisign -G -W`)

Format: https://jedisct1.github.io/minisign/
"""

import base64
import binascii
import hashlib
import os
from pathlib import Path
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from model.errors import InputError, ModelRefused
from model.files import write_text

SUFFIX = ".minisig"
PUBLIC, SECRET = "AISLE_PUBLIC_KEY_FILE", "AISLE_SECRET_KEY_FILE"
_PLAIN, _HASHED = b"Ed", b"ED"
"""What is signed: the file, or its BLAKE2b digest, as all minisign of today does."""
_NO_PASSWORD, _CHECKSUM = b"\0\0", b"B2"
_COMMENT = "trusted comment: "


class PublicKey(NamedTuple):
    """Whose signatures are taken.

    Example:
        A key of minisign, and its signature of the text "test".

        >>> import tempfile
        >>> text = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3"
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     _ = (Path(folder) / "aisle.pub").write_text(f"untrusted comment: minisign public key\\n{text}\\n")
        ...     PublicKey.read(Path(folder) / "aisle.pub").number.hex()
        '1fe8b442180f62e7'
    """

    number: bytes
    """8 bytes that name the key in a signature."""
    key: Ed25519PublicKey

    @classmethod
    def read(cls, file: Path) -> "PublicKey":
        """That of minisign's .pub file. Raises InputError where it is none."""
        parts = _decoded(file, 42)
        if parts[:2] != _PLAIN:
            raise InputError(f"{file}: expected a public key of minisign, got another file")
        return cls(parts[2:10], Ed25519PublicKey.from_public_bytes(parts[10:42]))

    def check(self, file: Path) -> None:
        """Raises ModelRefused where the file has no signature of this key beside it, or is not what was signed."""
        signature = file.with_name(file.name + SUFFIX)
        try:
            _, encoded, comment, together = signature.read_text(encoding="utf-8").splitlines()[:4]
            blob, whole = base64.b64decode(encoded, validate=True), base64.b64decode(together, validate=True)
            if len(blob) != 74 or not comment.startswith(_COMMENT):
                raise ValueError("not of minisign's form")
            if blob[2:10] != self.number:
                raise ValueError("of another key")
            self.key.verify(blob[10:], _message(blob[:2], file))
            self.key.verify(whole, blob[10:] + comment.removeprefix(_COMMENT).encode())
        except (OSError, ValueError, InvalidSignature) as error:
            reason = "it does not hold" if isinstance(error, InvalidSignature) else f"{error!s:.80}"
            raise ModelRefused(f"{file}: expected a signature in {signature.name} ({reason}); sign the model") from None


def trusted_key() -> PublicKey | None:
    """The public key of this process; None: signatures are not asked for. Raises InputError where it is none."""
    return PublicKey.read(Path(os.environ[PUBLIC])) if os.environ.get(PUBLIC) else None


def sign_if_asked(file: Path, comment: str) -> None:
    """Writes the signature beside the file where this process has a secret key. Raises InputError where it is none.

    Args:
        comment: one line, signed as well.
    """
    if os.environ.get(SECRET):
        sign(file, Path(os.environ[SECRET]), comment)


def sign(file: Path, secret_key: Path, comment: str) -> None:
    """Writes the signature beside the file."""
    blob = _decoded(secret_key, 158)
    algorithm, kdf, checksum_of, number, seed = blob[:2], blob[2:4], blob[4:6], blob[54:62], blob[62:94]
    if (algorithm, kdf, checksum_of) != (_PLAIN, _NO_PASSWORD, _CHECKSUM):
        raise InputError(f"{secret_key}: expected a secret key of minisign without a password (minisign -G -W)")
    key = Ed25519PrivateKey.from_private_bytes(seed)
    signature = key.sign(_message(_HASHED, file))
    whole = base64.b64encode(key.sign(signature + comment.encode())).decode()
    encoded = base64.b64encode(_HASHED + number + signature).decode()
    lines = ["untrusted comment: model of aisle", encoded, f"{_COMMENT}{comment}", whole]
    write_text(file.with_name(file.name + SUFFIX), "\n".join(lines) + "\n")


def _message(algorithm: bytes, file: Path) -> bytes:
    if algorithm == _HASHED:
        return hashlib.blake2b(file.read_bytes()).digest()
    if algorithm == _PLAIN:
        return file.read_bytes()
    raise ValueError("of an unknown algorithm")


def _decoded(file: Path, size: int) -> bytes:
    """The second line of a file of minisign."""
    try:
        decoded = base64.b64decode(file.read_text(encoding="utf-8").splitlines()[1], validate=True)
    except (OSError, ValueError, IndexError, binascii.Error):
        decoded = b""
    if len(decoded) != size:
        raise InputError(f"{file}: expected a key file of minisign, got none readable")
    return decoded
