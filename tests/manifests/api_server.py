"""A real API server for tests: the one of KUBECONFIG, or kube-apiserver and etcd from KUBEBUILDER_ASSETS.

The second has no nodes and no controllers: it checks and stores objects, which is what manifests need. Both listen on
loopback. The CRDs come from the directory AISLE_CRDS (docs/images.md names where they are published).
"""

import json
import os
import secrets
import shutil
import socket
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from model.system.programs import find_program

READY_S = 90
NAMESPACES = ("kserve", "kubeflow", "envoy-gateway-system")
"""Made by the installation of KServe, KFP and Envoy Gateway; some of our objects live there."""


@contextmanager
def api_server(scratch: Path) -> Iterator[Path]:
    """Yields the kubeconfig of a server with our CRDs and namespaces."""
    if "KUBECONFIG" in os.environ:
        yield Path(os.environ["KUBECONFIG"])
        return
    with bare_server(scratch) as kubeconfig:
        prepare(kubeconfig)
        yield kubeconfig


@contextmanager
def bare_server(scratch: Path) -> Iterator[Path]:
    """Yields the kubeconfig of a server of our own, without any CRD or namespace of ours."""
    if "KUBEBUILDER_ASSETS" not in os.environ:
        pytest.fail("expected KUBECONFIG or KUBEBUILDER_ASSETS, found neither; see docs/images.md")
    with _running(Path(os.environ["KUBEBUILDER_ASSETS"]), scratch) as kubeconfig:
        yield kubeconfig


def kubectl(kubeconfig: Path, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """One kubectl call; its exit code is the caller's to check."""
    command = [find_program("kubectl") or "kubectl", "--kubeconfig", str(kubeconfig), *arguments]
    return subprocess.run(command, input=stdin, capture_output=True, text=True, check=False, timeout=600)


def prepare(kubeconfig: Path) -> None:
    """CRDs and namespaces as the installation of KServe, KFP and the others leaves them."""
    crds = os.environ.get("AISLE_CRDS")
    if crds is None:
        pytest.fail("AISLE_CRDS: expected a directory with the CRDs of manifests/versions.env; see docs/images.md")
    done = kubectl(kubeconfig, "apply", "--server-side", "-f", crds)
    assert done.returncode == 0, done.stderr
    done = kubectl(kubeconfig, "wait", "--for=condition=Established", "--timeout=60s", "crd", "--all")
    assert done.returncode == 0, done.stderr
    for namespace in NAMESPACES:
        kubectl(kubeconfig, "create", "namespace", namespace)


@contextmanager
def _running(assets: Path, scratch: Path) -> Iterator[Path]:
    etcd_port, peer_port, port = free_ports(3)
    token = secrets.token_hex(16)
    (scratch / "tokens.csv").write_text(f"{token},admin,admin,system:masters\n")
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (scratch / "accounts.key").write_bytes(key.private_bytes(*pem))
    etcd, peer = f"http://127.0.0.1:{etcd_port}", f"http://127.0.0.1:{peer_port}"
    store = [_binary(assets, "etcd"), "--data-dir", str(scratch / "etcd"), "--unsafe-no-fsync"]
    store += [f"--listen-client-urls={etcd}", f"--advertise-client-urls={etcd}", f"--listen-peer-urls={peer}"]
    store += [f"--initial-advertise-peer-urls={peer}", f"--initial-cluster=default={peer}"]
    server = [_binary(assets, "kube-apiserver"), f"--etcd-servers={etcd}", "--bind-address=127.0.0.1"]
    server += [f"--secure-port={port}", f"--cert-dir={scratch / 'certificates'}", "--authorization-mode=RBAC"]
    server += [f"--token-auth-file={scratch / 'tokens.csv'}", "--service-cluster-ip-range=10.0.0.0/24"]
    server += [f"--service-account-key-file={scratch / 'accounts.key'}", "--service-account-issuer=https://localhost"]
    server += [f"--service-account-signing-key-file={scratch / 'accounts.key'}"]
    server += ["--disable-admission-plugins=ServiceAccount"]
    with process(store, scratch / "etcd.log"), process(server, scratch / "server.log"):
        _wait(f"https://127.0.0.1:{port}/readyz", token, scratch / "server.log")
        kubeconfig = scratch / "kubeconfig"
        cluster = {"server": f"https://127.0.0.1:{port}", "insecure-skip-tls-verify": True}
        config = {"apiVersion": "v1", "kind": "Config", "current-context": "test"}
        config |= {"clusters": [{"name": "test", "cluster": cluster}]}
        config |= {"contexts": [{"name": "test", "context": {"cluster": "test", "user": "admin"}}]}
        config |= {"users": [{"name": "admin", "user": {"token": token}}]}
        kubeconfig.write_text(json.dumps(config))
        yield kubeconfig


def _binary(assets: Path, name: str) -> str:
    program = assets / name if (assets / name).exists() else shutil.which(name)
    assert program, f"KUBEBUILDER_ASSETS: expected {name} in {assets}"
    return str(program)


@contextmanager
def process(command: list[str], log: Path, environment: Mapping[str, str] | None = None) -> Iterator[None]:
    """Runs the command until the block ends; its output goes into the log."""
    with log.open("wb") as out:
        child = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, env=environment)
    try:
        yield
    finally:
        child.terminate()
        try:
            child.wait(20)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _wait(url: str, token: str, log: Path) -> None:
    context = ssl._create_unverified_context()
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
    for _ in range(READY_S * 2):
        try:
            with urllib.request.urlopen(request, timeout=5, context=context) as reply:
                if reply.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.5)
    raise AssertionError(f"the API server is not ready after {READY_S} s: {log.read_text()[-800:]}")


def free_ports(count: int) -> list[int]:
    """Ports that no process listened on a moment ago."""
    sockets = [socket.socket() for _ in range(count)]
    for listener in sockets:
        listener.bind(("127.0.0.1", 0))
    ports = [listener.getsockname()[1] for listener in sockets]
    for listener in sockets:
        listener.close()
    return ports
