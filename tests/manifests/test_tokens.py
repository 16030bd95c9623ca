"""Which tokens overlay prod admits, by a real Envoy as Envoy Gateway configures it."""

import base64
import hashlib
import hmac
import http.client
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.manifests.rendered_gateway import HOST, bootstrap, faulty_pod, gateway, render
from tests.needs import EGCTL

pytestmark = pytest.mark.needs(EGCTL)

STABLE = "aisle-va-predictor"
SECRET = b"a secret of thirty-two characters"


def _text(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()


KEYS = json.dumps({"keys": [{"kty": "oct", "alg": "HS256", "k": _text(SECRET)}]})


def _token(secret: bytes = SECRET, **claims: Any) -> str:
    """Signed by HS256 (RFC 7515)."""
    signed = ".".join(_text(json.dumps(part).encode()) for part in ({"alg": "HS256", "typ": "JWT"}, claims))
    return f"{signed}.{_text(hmac.digest(secret, signed.encode(), hashlib.sha256))}"


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    scratch = tmp_path_factory.mktemp("tokens")
    with faulty_pod(200) as pod:
        configs = render({STABLE: 100}, scratch, signing_keys=KEYS)
        with gateway(bootstrap(configs, {STABLE: [pod.server_port]}), scratch) as opened:
            yield opened


@pytest.mark.parametrize(
    ("status", "changed"),
    [
        (200, {}),
        (403, {"exp": None}),
        (401, {"exp": time.time() - 3600}),
        (403, {"scope": "aisle.write"}),
        (403, {"scope": None}),
        (403, {"aud": "another"}),
        (401, {"iss": "https://elsewhere.example.com"}),
        (401, {"secret": b"x" * 32}),
    ],
)
def test_a_token_has_an_end_a_scope_an_audience_and_the_right_issuer(
    port: int, status: int, changed: dict[str, Any]
) -> None:
    claims = {
        "iss": "https://identity.example.com",
        "aud": "aisle",
        "sub": "shop",
        "scope": "aisle.ask",
        "exp": time.time() + 600,
    } | changed
    token = _token(**{name: value for name, value in claims.items() if value is not None})
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    headers = {"host": HOST, "authorization": f"Bearer {token}"}
    connection.request("POST", "/v2/models/aisle/infer", b"{}", headers)
    assert connection.getresponse().status == status
