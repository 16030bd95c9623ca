"""The worked examples of docs/extend.md: its changes apply to a copy of the code, and its checks hold there."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "extend.md").read_text(encoding="utf-8")
PACKAGES = ("tfx_configs", "model", "components", "tests")


def _blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def test_the_worked_examples_apply_to_the_code_and_their_checks_hold(tmp_path: Path) -> None:
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    for number, change in enumerate(_blocks("diff")):
        patch = tmp_path / f"{number}.diff"
        patch.write_text(change, encoding="utf-8")
        applied = subprocess.run(
            ["git", "apply", "--recount", "-C1", patch.name],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            env=os.environ | {"GIT_CEILING_DIRECTORIES": str(tmp_path)},
        )
        assert applied.returncode == 0, f"docs/extend.md, change {number + 1}:\n{applied.stderr}{change}"
    checks = tmp_path / "checks.py"
    checks.write_text("\n".join(_blocks("python")), encoding="utf-8")
    ran = subprocess.run(
        [sys.executable, checks.name],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(tmp_path), "AISLE_KERNEL_CACHE": str(tmp_path / "kernels")},
    )
    assert ran.returncode == 0, ran.stderr[-3000:]


def test_there_is_a_change_and_a_check_for_each_thing_to_extend() -> None:
    sections = PAGE.split("\n## ")[1:]
    assert [section.splitlines()[0] for section in sections] == [
        "A feature",
        "A candidate source",
        "A baseline",
        "A traffic adapter",
    ]
    assert all("```python\n" in section and "assert " in section for section in sections)
