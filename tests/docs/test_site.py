"""The documentation builds as a site without a warning, and no page loads anything from elsewhere."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from model.system.programs import find_program

ROOT = Path(__file__).resolve().parents[2]
LOADED = re.compile(
    r"""<(?:script|img|iframe)[^>]+src=["']?(https?:)?//|<link[^>]+stylesheet[^>]+href=["']?(https?:)?//"""
)

pytestmark = pytest.mark.needs("mkdocs")


def _build(config: Path, out: Path) -> "subprocess.CompletedProcess[str]":
    command = [str(find_program("mkdocs")), "build", "--strict", "--config-file", str(config), "--site-dir", str(out)]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, env=os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    )


def test_the_site_builds_without_a_warning_and_needs_nothing_else(tmp_path: Path) -> None:
    done = _build(ROOT / "mkdocs.yml", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    pages = sorted(tmp_path.rglob("*.html"))
    assert len(pages) >= len(list((ROOT / "docs").rglob("*.md")))
    assert [page.name for page in pages if LOADED.search(page.read_text(encoding="utf-8"))] == []


@pytest.mark.parametrize("link", ["[x](nowhere.md)", "[x](../model/nowhere.py)", "[x](index.md#nowhere)"])
def test_a_link_that_leads_nowhere_stops_the_build(link: str, tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "index.md").write_text(f"# Page\n\n{link}\n")
    text = (ROOT / "mkdocs.yml").read_text()
    nav = text.index("nav:\n  - Start")
    config = text[:nav].replace(".ci/docs_links.py", str(ROOT / ".ci" / "docs_links.py"))
    (tmp_path / "mkdocs.yml").write_text(config)
    done = _build(tmp_path / "mkdocs.yml", tmp_path / "site")
    assert done.returncode != 0 and "nowhere" in done.stderr


def test_every_page_is_in_the_navigation() -> None:
    nav = (ROOT / "mkdocs.yml").read_text().partition("\nnav:\n")[2]
    tracked = subprocess.run(["git", "ls-files", "docs"], cwd=ROOT, capture_output=True, text=True).stdout.split()
    pages = {path.removeprefix("docs/") for path in tracked if path.endswith(".md")}
    assert {page for page in pages if f": {page}\n" not in f"{nav}\n"} == set()
