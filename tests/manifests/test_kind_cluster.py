"""`make kind-up` from nothing to a cluster, against fakes of docker, kind, kubectl and helm."""

import re
import subprocess
from pathlib import Path

import pytest

from pipelines.manifests.render import ROOT, versions
from tests.manifests.kind_machine import Machine

KFP_STACK = "manifests/kustomize/env/platform-agnostic"
LIGHT = ["cluster", "registry", "images", "metrics", "certificates"]
LIGHT += ["gateway", "kserve", "prometheus", "store", "aisle"]
VERSIONS = versions()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def _refused(machine: Machine, message: str, *arguments: str) -> None:
    """The script ends with 2 and this line, and nothing was made."""
    done = machine.cluster(*(arguments or ("up",)))
    assert (done.returncode, done.stderr) == (2, f"kind: {message}\n")
    assert machine.calls() == []


@pytest.mark.parametrize(
    ("program", "reported", "wanted", "address"),
    [
        ("docker", "20.10.24", "23.0.0", "docs.docker.com/engine/install"),
        ("kind", "0.29.0", "0.30.0", "kind.sigs.k8s.io/docs/user/quick-start"),
        ("kubectl", "1.9.4", "1.34.0", "kubernetes.io/docs/tasks/tools"),
        ("helm", "3.2.1", "3.16.3", "helm.sh/docs/intro/install"),
        ("git", "", "2.0.0", "git-scm.com/downloads"),
    ],
)
def test_a_program_that_is_too_old_or_missing_is_named_with_what_to_do(
    machine: Machine, program: str, reported: str, wanted: str, address: str
) -> None:
    machine.environment[f"V_{program.upper()}"] = reported
    _refused(machine, f"expected {program} {wanted} or later, found {reported or 'none'}; install it: {address}")


def test_a_docker_daemon_that_does_not_answer_is_named(machine: Machine) -> None:
    machine.breaks("docker info", 1)
    _refused(machine, "expected a running Docker daemon, none answers; start it, or join the group docker")


@pytest.mark.parametrize(
    ("profile", "disk_gb", "memory_gb", "cores", "message"),
    [
        ("light", 14.9, 32, 8, "expected 15 GB of free disk at /, found 14; free some, as with: docker system prune"),
        ("full", 44.9, 32, 8, "expected 45 GB of free disk at /, found 44; free some, as with: docker system prune"),
        ("light", 90, 5.9, 8, "expected 6 GB of free memory, found 5; "),
        ("full", 90, 13.9, 8, "expected 14 GB of free memory, found 13; "),
        ("light", 90, 32, 3, "expected 4 cores, found 3: "),
        ("full", 90, 32, 5, "expected 6 cores, found 5: "),
    ],
)
def test_too_little_room_is_named_before_anything_is_made(
    machine: Machine, profile: str, disk_gb: float, memory_gb: float, cores: int, message: str
) -> None:
    machine.environment |= {"DISK_KB": str(round(disk_gb * 1e6)), "CORES": str(cores)}
    machine.memory(memory_gb)
    done = machine.cluster("up", profile)
    assert done.returncode == 2 and done.stderr.startswith(f"kind: {message}")
    assert machine.calls() == []


def test_where_there_is_no_meminfo_the_memory_of_dockers_own_machine_counts(machine: Machine) -> None:
    (machine.root / "meminfo").unlink()
    _refused(machine, "expected 6 GB of free memory, found 4; end other programs; make demo needs 3 and no kind")


def test_the_light_profile_fits_eight_gigabytes_and_installs_no_kfp(machine: Machine) -> None:
    machine.memory(6)
    machine.environment |= {"DISK_KB": "15000000", "CORES": "4"}
    done = machine.cluster("up")
    assert done.returncode == 0, done.stderr
    assert machine.count("docker build") == 1 and machine.count("--target serve --tag") == 1
    assert machine.count(KFP_STACK) == machine.count("cluster-scoped-resources") == 0
    assert machine.count("manifests/kustomize/third-party/seaweedfs/base") == 1
    assert machine.count("python -m pipelines.kind secrets") == 1 and machine.count("-k manifests/overlays/kind") == 1
    assert machine.count("rollout status statefulset/aisle-redis -n aisle --timeout=300s") == 1


def test_the_full_profile_adds_the_images_of_the_steps_and_kfp(machine: Machine) -> None:
    assert machine.cluster("up", "full").returncode == 0
    targets = re.findall(r"docker build .*--target (\w+)", "\n".join(machine.calls()))
    assert targets == ["serve", "batch", "validate"]
    assert machine.count(KFP_STACK) == 1 and machine.count("cluster-scoped-resources") == 1


def test_each_step_reports_what_it_installs_its_time_and_the_steps_that_remain(machine: Machine) -> None:
    lines = machine.cluster("up").stdout.splitlines()
    needs = "needs 15 GB of free disk, 6 GB of free memory and 4 cores, and takes 15 minutes (estimates)"
    assert lines[0] == f"kind: profile light {needs}"
    for number, step in enumerate(LIGHT, start=1):
        begun, ended = (line for line in lines if line.startswith(f"kind: {number}/10 {step}: "))
        assert len(begun) > len(f"kind: {number}/10 {step}: ")
        remaining = " ".join(LIGHT[number:]) or "none"
        assert re.fullmatch(rf"kind: {number}/10 {step}: done in \d+ s; remaining: {remaining}", ended), ended
    assert re.fullmatch(r"kind: up in \d+ s; the service waits for its first model: make kind-demo", lines[-1])


def test_our_images_travel_through_a_registry_of_this_machine_that_the_node_asks_for_them(machine: Machine) -> None:
    machine.cluster("up")
    tag = VERSIONS["AISLE"]
    (started,) = [call for call in machine.calls() if call.startswith("docker run")]
    assert "--publish 127.0.0.1:5001:5000" in started and re.search(r" registry:[\d.]+@sha256:[0-9a-f]{64}$", started)
    pushed = machine.calls().index(f"docker push --quiet localhost:5001/serve:{tag}")
    pulled = machine.calls().index(f"docker exec aisle-control-plane crictl pull aisle.invalid/serve:{tag}")
    assert pushed < pulled and machine.count("kind load") == 0
    assert (machine.root / "hosts.toml").read_text() == '[host."http://aisle-registry:5000"]\n'
    config = (ROOT.parent / "kind-cluster.yaml").read_text()
    assert 'config_path = "/etc/containerd/certs.d"' in config
    file = "/etc/containerd/certs.d/aisle.invalid/hosts.toml"
    assert machine.count(f"exec -i aisle-control-plane cp /dev/stdin {file}") == 1


def test_every_call_names_kinds_cluster(machine: Machine) -> None:
    machine.cluster("up", "full")
    for call in machine.calls():
        if call.startswith("kubectl") and call != "kubectl config use-context kind-aisle":
            assert call.startswith("kubectl --context kind-aisle "), call
        if call.startswith("helm"):
            assert call.startswith("helm --kube-context kind-aisle "), call


def test_what_comes_from_the_network_has_a_version_and_a_clone_has_time(machine: Machine) -> None:
    machine.cluster("up", "full")
    calls = machine.calls()
    machine.cluster("crds")
    urls = re.findall(r"(?:https|oci)://\S+(?: --version \S+)?", "\n".join([*calls, *machine.calls()]))
    assert len(urls) == 13
    for url in urls:
        assert any(re.search(rf"(?<![\d.]){re.escape(version)}(?![\d.])", url) for version in VERSIONS.values()), url
        assert ("?ref=" in url) == url.endswith("&timeout=300s"), url
        assert "?ref=" not in url or re.fullmatch(r"https://github\.com/kubeflow/\w+//manifests/\S+", url), url


def test_a_network_that_fails_twice_is_tried_again(machine: Machine) -> None:
    machine.breaks("gateway-helm", 2)
    done = machine.cluster("up")
    assert done.returncode == 0, done.stderr
    assert machine.count("gateway-helm") == 3 and done.stderr.count("of 5 failed: helm ") == 2


def test_a_second_call_continues_where_the_first_stopped_regardless_of_what_the_cluster_uses(machine: Machine) -> None:
    machine.breaks("kserve-resources", 9)
    first = machine.cluster("up")
    assert first.returncode == 2 and machine.count("kserve-resources") == 5
    assert re.search(r"kind: expected exit 0 in 5 tries, got none: helm .*kserve-resources", first.stderr)
    assert first.stderr.endswith("kind: stopped in the step kserve; the same command continues there\n")

    machine.breaks("", 0)
    machine.memory(1)
    second = machine.cluster("up")
    assert second.returncode == 0, second.stderr
    assert f"certificates: cert-manager {VERSIONS['CERT_MANAGER']} is there" in second.stdout
    assert machine.count("kind create") == machine.count("cert-manager.yaml") == machine.count("docker run") == 0
    assert machine.count("kserve-resources") == 1 and machine.count("bundle.yaml") == 1

    machine.cluster("up")
    assert not [call for call in machine.calls() if "https://" in call or "oci://" in call]
    assert machine.count("-k manifests/overlays/kind") == 1, "our own manifests may have changed"


def test_another_version_in_the_list_is_installed_by_the_next_call_and_nothing_else(machine: Machine) -> None:
    machine.cluster("up")
    file = machine.root / "manifests" / "versions.env"
    file.write_text(file.read_text().replace(f"CERT_MANAGER={VERSIONS['CERT_MANAGER']}", "CERT_MANAGER=1.17.4"))
    machine.cluster("up")
    (url,) = [call for call in machine.calls() if "https://" in call or "oci://" in call]
    assert url.endswith("/cert-manager/cert-manager/releases/download/v1.17.4/cert-manager.yaml")


def test_a_light_cluster_becomes_a_full_one_where_there_is_room_and_stays_it(machine: Machine) -> None:
    machine.cluster("up")
    machine.memory(7)
    message = "expected 8 GB of free memory, found 7; end other programs; make demo needs 3 and no kind"
    _refused(machine, message, "up", "full")
    machine.memory(8)
    assert machine.cluster("up", "full").returncode == 0
    assert machine.count(KFP_STACK) == 1 and machine.count("cert-manager.yaml") == 0
    replaced = next(n for n, call in enumerate(machine.calls()) if "delete deployment seaweedfs" in call)
    assert replaced < next(n for n, call in enumerate(machine.calls()) if KFP_STACK in call)

    assert "profile full needs" in machine.cluster("up").stdout
    assert machine.count("docker build") == 3
    message = "expected the profile full, which the cluster has, got light; begin again: make kind-down"
    _refused(machine, message, "up", "light")
    machine.cluster("images")
    assert machine.count("docker build") == 3


def test_another_gateway_api_than_that_of_the_list_is_named(machine: Machine) -> None:
    machine.environment["V_GATEWAY_API"] = "v1.5.1"
    done = machine.cluster("up")
    assert done.returncode == 2
    assert "expected Gateway API v1.6.1, found v1.5.1; correct manifests/versions.env" in done.stderr


@pytest.mark.parametrize("command", ["images", "deploy", "crds"])
def test_no_step_but_up_makes_a_cluster(machine: Machine, command: str) -> None:
    (machine.root / "clusters").write_text("other\n")
    _refused(machine, "expected kind's cluster aisle, found none; run: make kind-up", command)


def test_a_cluster_of_which_nothing_is_noted_counts_as_light(machine: Machine) -> None:
    (machine.root / "clusters").write_text("aisle\n")
    assert machine.cluster("images").returncode == 0 and machine.count("docker build") == 1


def test_the_end_removes_cluster_and_registry_and_is_quiet_where_there_is_no_program(machine: Machine) -> None:
    machine.cluster("up")
    assert machine.cluster("down").returncode == 0
    assert machine.calls() == ["kind delete cluster --name aisle", "docker rm --force --volumes aisle-registry"]
    for name in ("docker", "kind"):
        (machine.root / "bin" / name).unlink()
    machine.environment["PATH"] = f"{machine.root / 'bin'}:/bin"
    assert machine.cluster("down").returncode == 0


@pytest.mark.parametrize("arguments", [(), ("load",), ("up", "heavy")])
def test_a_word_it_does_not_know_is_refused_with_those_it_knows(machine: Machine, arguments: tuple[str, ...]) -> None:
    done = machine.cluster(*arguments)
    assert done.returncode == 2 and "light" in done.stderr and machine.calls() == []


@pytest.mark.needs("shellcheck")
def test_the_script_is_free_of_what_shellcheck_knows() -> None:
    script = ROOT / "kind" / "cluster.sh"
    done = subprocess.run(["shellcheck", "-x", script], cwd=ROOT.parent, capture_output=True, text=True, check=False)
    assert done.stdout == ""


def test_every_target_calls_a_command_that_the_script_has() -> None:
    makefile = (ROOT.parent / "Makefile").read_text()
    called = set(re.findall(r"manifests/kind/cluster\.sh (\w+)", makefile))
    assert called == {"up", "images", "deploy", "crds", "down"}
