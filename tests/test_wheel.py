"""The wheel: what is in it, and that its command starts in an environment with the base dependencies alone."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
import venv
import zipfile
from importlib.metadata import Distribution, distribution
from pathlib import Path

import pytest

from tfx_configs.version import VERSION

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("tfx_configs", "model", "components", "pipelines")
NOT_PACKAGED = "pipelines/compiled/"
"""Goldens: `aisle compile` writes them."""
BUILD = "import setuptools.build_meta as build, sys; build.build_wheel(sys.argv[1])"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy of the tree, by the environment's own setuptools: no network."""
    root = tmp_path_factory.mktemp("wheel")
    tree = root / "tree"
    for name in PACKAGES:
        shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tree / name)
    subprocess.run([sys.executable, "-c", BUILD, str(root)], cwd=tree, check=True, capture_output=True)
    (built,) = root.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with the wheel and what it requires without an extra, linked from this environment."""
    root = tmp_path_factory.mktemp("environment")
    venv.create(root, with_pip=False)
    (site,) = root.glob("lib/python*/site-packages")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    for top in sorted(_tops(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"])):
        (site / top.name).symlink_to(top)
    return root


def _tops(requirements: list[str]) -> set[Path]:
    """Directories and modules of the requirements and of all that they require."""
    tops: set[Path] = set()
    waiting, done = [_name(requirement) for requirement in requirements], set[str]()
    while waiting:
        name = waiting.pop()
        if name in done:
            continue
        done.add(name)
        try:
            installed = distribution(name)
        except ModuleNotFoundError:  # of another platform
            continue
        tops |= _files(installed)
        waiting += [_name(r) for r in installed.requires or () if "extra ==" not in r]
    return tops


def _files(installed: Distribution) -> set[Path]:
    """The first folder, or the module, of each of its files."""
    base = Path(str(installed.locate_file("")))
    names = {file.parts[0] for file in installed.files or () if file.parts[0] not in ("..", "__pycache__")}
    return {base / name for name in names}


def _name(requirement: str) -> str:
    match = re.match(r"[\w.-]+", requirement)
    assert match is not None
    return match[0]


def _run(environment: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    start = "import sys; from pipelines.cli import main; sys.exit(main())"
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return subprocess.run(
        [environment / "bin" / "python", "-c", start, *words],
        capture_output=True,
        text=True,
        env=clean,
        cwd=environment,
        timeout=120,
    )


def test_its_name_has_the_release_and_its_metadata_the_commands(wheel: Path) -> None:
    assert wheel.name == f"aisle-{VERSION}-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as archive:
        (points,) = [name for name in archive.namelist() if name.endswith("entry_points.txt")]
        text = archive.read(points).decode()
    assert "aisle = pipelines.cli:main" in text and "kubectl-aisle = pipelines.kubectl_aisle:main" in text


def test_it_has_every_file_of_the_packages_beside_the_modules(wheel: Path) -> None:
    tracked = subprocess.run(["git", "ls-files", *PACKAGES], cwd=ROOT, capture_output=True, text=True, check=True)
    files = {path for path in tracked.stdout.split() if not path.startswith(NOT_PACKAGED)}
    with zipfile.ZipFile(wheel) as archive:
        assert files - set(archive.namelist()) == set()


def test_without_an_extra_the_command_has_its_version_and_help(environment: Path) -> None:
    shown = _run(environment, "--version")
    assert (shown.returncode, shown.stdout, shown.stderr) == (0, f"{VERSION}\n", "")
    for command in ("", "demo", "recommend", "compare", "rollout", "serve"):
        helped = _run(environment, *([command] if command else []), "--help")
        assert helped.returncode == 0 and helped.stdout.startswith("Usage:"), helped.stderr


def test_a_command_that_needs_an_extra_reports_it_in_one_line(environment: Path) -> None:
    refused = _run(environment, "demo", "--fast", "--out", "out")
    assert refused.returncode == 2 and refused.stderr.count("\n") == 1
    assert re.fullmatch(
        r"aisle: [\w.]+: expected this package, not installed; install `aisle\[main\]`\n", refused.stderr
    )


def test_the_release_is_named_the_same_everywhere() -> None:
    assert f"AISLE={VERSION} " in (ROOT / "manifests" / "versions.env").read_text()
    changelog = (ROOT / "CHANGELOG.md").read_text()
    assert re.findall(r"^## \[(\d[^\]]*)\]", changelog, re.MULTILINE)[0] == VERSION
    assert f"## {VERSION}" in (ROOT / "docs" / "upgrade.md").read_text()
