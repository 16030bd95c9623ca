"""Machine code belongs to its sources: any change of any of them is another version of all."""

import ast
import shutil
from pathlib import Path

import pytest

from model.kernels import compiler
from tests.model.kernels.processes import ROOT, python

SOURCES = sorted(
    path.relative_to(ROOT).as_posix()
    for path in (
        *(p for f in compiler._FOLDERS for p in (ROOT / f).glob("*.py")),
        *(ROOT / c for c in compiler._CONSTANTS),
    )
)
DIGEST = compiler.digest()
"""Kept for the process: asked for here, before a test shows it other sources."""
CALLER = "from model.kernels.callee import callee\nfrom model.kernels.compiler import kernel\n\n\n"
CALLER += "@kernel\ndef caller(x):\n    return callee(x) * 2\n"
CALLEE = "from model.kernels.compiler import kernel\n\n\n@kernel\ndef callee(x):\n    return x + {}\n"
CALL = "from model.kernels.caller import caller; print(caller(1), sum(caller.stats.cache_hits.values()))"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the sources."""
    for folder in ("model", "tfx_configs"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def digest_of(tree: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(compiler, "_ROOT", tree)
    return compiler.digest.__wrapped__()


@pytest.mark.parametrize("source", SOURCES)
def test_a_change_of_a_source_changes_the_digest(source: str, tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = digest_of(tree, monkeypatch)
    path = tree / source
    path.write_text(path.read_text(encoding="utf-8") + "#\n", encoding="utf-8")
    assert before == DIGEST != digest_of(tree, monkeypatch)


def test_a_new_file_and_a_renamed_one_change_the_digest(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tree / "model/kernels/new.py").touch()
    with_new = digest_of(tree, monkeypatch)
    (tree / "model/kernels/new.py").rename(tree / "model/features/new.py")
    assert len({DIGEST, with_new, digest_of(tree, monkeypatch)}) == 3


def test_the_digest_and_numbas_version_are_in_the_path() -> None:
    name = compiler.cache_directory().name
    assert DIGEST[:16] in name and compiler.numba.__version__ in name


def test_checked_bounds_have_a_directory_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = compiler.cache_directory()
    monkeypatch.setattr(compiler.config, "BOUNDSCHECK", 1)
    assert compiler.cache_directory() == plain.with_name(f"{plain.name}-bounds")


def test_a_changed_callee_in_another_file_is_run_and_not_its_old_code(tree: Path) -> None:
    cache, callee = tree / "cache", tree / "model/kernels/callee.py"
    (tree / "model/kernels/caller.py").write_text(CALLER)
    callee.write_text(CALLEE.format(1))
    first, again = (python("-c", CALL, cache=cache, tree=tree).stdout for _ in range(2))
    callee.write_text(CALLEE.format(9))
    assert (first, again) == ("4 0\n", "4 1\n")
    assert python("-c", CALL, cache=cache, tree=tree).stdout == "20 0\n"


def test_a_copy_of_the_sources_elsewhere_runs_the_same_code(tree: Path, tmp_path: Path) -> None:
    code = "from model.kernels.tables import places; places(2); print(sum(places.stats.cache_hits.values()))"
    assert python("-c", code, cache=tmp_path / "cache").stdout == "0\n"
    assert python("-c", code, cache=tmp_path / "cache", tree=tree).stdout == "1\n"


@pytest.mark.parametrize("source", [s for s in SOURCES if s not in compiler._CONSTANTS])
def test_the_constants_that_a_kernel_reads_are_in_the_digest(source: str) -> None:
    imports = [n for n in ast.walk(ast.parse((ROOT / source).read_text())) if isinstance(n, ast.ImportFrom)]
    ours = [n for n in imports if n.module and n.module.split(".")[0] in ("model", "tfx_configs")]
    read = {n.module for n in ours if any(alias.name.isupper() for alias in n.names)}
    assert {f"{module.replace('.', '/')}.py" for module in read if module} <= set(SOURCES)
