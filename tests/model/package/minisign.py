"""Key files of minisign, made here: two lines each, the second in base64.

Secret: Ed, no password (two zero bytes), B2, salt 32, operations 8, memory 8, key number 8, seed 32, public key 32,
checksum 32.
"""

import base64
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat


def write_keys(folder: Path, number: bytes = b"12345678") -> tuple[Path, Path]:
    """(public key, secret key)"""
    key = Ed25519PrivateKey.generate()
    seed = key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    files = folder / "aisle.pub", folder / "aisle.key"
    blobs = b"Ed" + number + public, b"Ed\0\0B2" + bytes(48) + number + seed + public + bytes(32)
    for file, blob in zip(files, blobs, strict=True):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"untrusted comment: minisign key\n{base64.b64encode(blob).decode()}\n")
    return files
