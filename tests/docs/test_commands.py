"""Every command in README and docs is executed by a test, or marked here with what it needs.

TESTED: the beginning of a command, and the test that runs it. NEEDS: the beginning, and what this machine may lack; it
is not run by any test. A command that begins like none of them fails, and so does a line here that no page uses.
"""

import re
import shlex
from pathlib import Path

import pytest

from tests.pipelines.command_line import parse, subcommands

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
AISLE = ".venv/bin/aisle"
TESTED = {
    "make demo": "tests/pipelines/test_demo.py",
    f"{AISLE} demo": "tests/pipelines/test_own_data.py",
    f"{AISLE} serve": "tests/pipelines/test_demo.py",
    f"{AISLE} explore": "tests/pipelines/explore/test_command.py",
    f"{AISLE} report": "tests/pipelines/report/test_report.py",
    f"{AISLE} rollout": "tests/pipelines/local/test_rollout_operator.py",
    f"{AISLE} rollout shadow": "tests/pipelines/local/test_shadow.py",
    f"{AISLE} experiment": "tests/pipelines/local/test_experiment_analysis.py",
    f"{AISLE} submit": "tests/pipelines/test_submission.py",
    f"{AISLE} --help": "tests/pipelines/test_cli.py",
    "curl -s 127.0.0.1:8080/v2": "tests/model/serving/test_server.py",
    "curl -s http://127.0.0.1:8080/events": "tests/model/serving/http/test_events.py",
    "curl -s -X DELETE 127.0.0.1:8080/shoppers": "tests/pipelines/reference/test_http_page.py",
    f"{AISLE} compare": "tests/pipelines/compare/test_compare.py",
    f"{AISLE} recommend": "tests/pipelines/test_recommend_command.py",
    f"{AISLE} replay": "tests/model/package/test_request_replay.py",
    f"{AISLE} monitor": "tests/components/monitor/test_command.py",
    ".venv/bin/python -m components.validate.schemas": "tests/components/validate/test_schemas.py",
    ".venv/bin/python -m pipelines.manifests.images": "tests/pipelines/manifests/test_images.py",
    "kubectl kustomize manifests/overlays": "tests/pipelines/manifests/test_runtime.py",
    ".venv/bin/python -m pipelines.reference": "tests/pipelines/reference/test_reference.py",
    f"{AISLE} forget": "tests/pipelines/forget/test_forget.py",
    f"{AISLE} settings": "tests/pipelines/test_settings_command.py",
    f"{AISLE} inspect": "tests/pipelines/test_inspect_command.py",
    f"{AISLE} tune": "tests/pipelines/tuning/test_tune.py",
    "make compile": "tests/manifests/test_versions.py",
    "kubectl aisle status": "tests/pipelines/test_kubectl_aisle.py",
}
WHOLE = {"runbook.md": "tests/manifests/test_api_server.py"}
"""Pages of commands for a cluster: the test runs the blocks that are marked for it, on an API server. Of the others,
tests/pipelines/manifests/observability/test_runbook.py checks queries, objects and subcommands."""
NEEDS = {
    "make test": "itself",
    "make bench-shops": "the files of the shops, and an hour; tests/benchmarks/test_shops.py has what it computes",
    "make setup": "PyPI: both environments are there before any test",
    "make kind": "docker, kind, kubectl, helm, 6 GB of memory; tests/manifests/test_kind_cluster.py has fakes of them",
    "make test-cluster": "a cluster",
    "kubectl apply --server-side -f aisle-0-2-0.yaml": "a cluster; tests/manifests/test_controller.py applies one",
    "kubectl port-forward": "a cluster with KFP; tests/pipelines/kind/test_cluster_demo.py has one of fakes",
    "key=$(kubectl get secret": "a cluster with the gateway; its curl is that of the model server",
    "uv export": "nothing but the lock; what it writes is read by no program here",
    "uvx pip-audit": "PyPI's advisories",
    f"{AISLE} train": "some minutes: it is what `aisle demo` runs before its rollout, which tests run",
}


def _commands(page: Path) -> list[str]:
    """Each statement of the page's bash blocks, comments left out; one ends with its line unless a quote is open."""
    commands, pending = [], ""
    for block in re.findall(r"^```bash\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL):
        for line in block.replace("\\\n", " ").splitlines():
            pending += line + "\n"
            try:
                words = shlex.split(pending, comments=True)
            except ValueError:  # an open quotation
                continue
            pending = ""
            if words and words[0] != "#":
                whole = " ".join(shlex.quote(word) if " " in word else word for word in words)
                commands.append(re.sub(r"^(\w+=[^ $]+ )+", "", whole))
        assert not pending, f"{page.name}: an open quotation in {pending!r}"
    return commands


COMMANDS = {page: _commands(page) for page in PAGES if page.name not in WHOLE}
ALL = sorted({(page.name, command) for page, commands in COMMANDS.items() for command in commands})
BENCHES = {
    f"bench-{name}"
    for names in re.findall(r"^BENCHES := \$\(addprefix bench-,(.+)\)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for name in names.split()
}
SUBCOMMANDS = set(subcommands())
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)) | {"bench-NAME"}


def _listed(command: str) -> str:
    """The longest beginning that is listed here; empty where none is."""
    return max((listed for listed in (*TESTED, *NEEDS) if command.startswith(listed)), key=len, default="")


@pytest.mark.parametrize(("page", "command"), ALL, ids=[f"{page}: {command[:60]}" for page, command in ALL])
def test_a_command_is_run_by_a_test_or_names_what_it_needs(page: str, command: str) -> None:
    assert _listed(command), f"{page}: {command!r}: name the test that runs it, or what it needs, in this file"


@pytest.mark.parametrize("listed", [*TESTED, *NEEDS])
def test_a_line_of_this_list_is_about_a_command_of_a_page(listed: str) -> None:
    assert any(_listed(command) == listed for _, command in ALL)


@pytest.mark.parametrize("test", sorted({*TESTED.values(), *WHOLE.values()}))
def test_a_test_that_is_named_here_exists(test: str) -> None:
    assert (ROOT / test).is_file()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_commands_of_make_and_aisle_in_a_page_exist(page: Path) -> None:
    """Also between backticks: targets of make, commands and options of aisle."""
    text = page.read_text(encoding="utf-8")
    commands = COMMANDS.get(page, []) + re.findall(r"`((?:make|aisle|\.venv/bin/aisle) [^`\n]+)`", text)
    for command in commands:
        words = shlex.split(command)
        if words[0] == "make":
            words = [word for word in words if word != "..."]
            assert {word for word in words[1:] if "=" not in word} <= TARGETS | BENCHES, command
        elif words[0] not in (AISLE, "aisle"):
            continue
        elif command in COMMANDS.get(page, []):
            parse(words[1:])
        else:
            assert words[1] in SUBCOMMANDS or words[1].startswith("-"), command


NAMED = re.compile(r"`((?:\.ci|benchmarks|components|docs|manifests|model|pipelines|tests|tfx_configs)/[\w./-]*\w)/?`")


ELSEWHERE = {"manifests/kustomize/base/crds"}
"""In KFP's repository."""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_file_or_module_that_a_page_names_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    named = {path for path in NAMED.findall(text) if "NAME" not in path} - ELSEWHERE
    assert {path for path in named if not (ROOT / path).exists()} == set()
    modules = re.findall(r"python -m ((?:benchmarks|components|model|pipelines)[\w.]+)", text)
    files = {name: ROOT / name.replace(".", "/") for name in modules}
    assert [n for n, p in files.items() if not (p.with_suffix(".py").exists() or (p / "__main__.py").exists())] == []
