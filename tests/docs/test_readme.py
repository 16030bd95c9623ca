"""Every command and every link in the README exists."""

import re
import shlex
from pathlib import Path

import pytest

from tests.pipelines.command_line import parse

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
OURS = ("make", ".venv/bin/aisle", "aisle")


def _commands() -> list[list[str]]:
    """Words of each line of the bash blocks, comments and continuations resolved."""
    blocks = re.findall(r"^```bash\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    text = "".join(blocks).replace("\\\n", " ")
    return [words for words in _statements(text) if words]


def _statements(text: str) -> list[list[str]]:
    """A statement ends with its line, unless a quotation is open there."""
    commands, pending = [], ""
    for line in text.splitlines():
        pending += line + "\n"
        try:
            commands.append(shlex.split(pending, comments=True))
        except ValueError:  # an open quotation
            continue
        pending = ""
    assert not pending, f"README: an open quotation in {pending!r}"
    return commands


def _targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def test_the_readme_shows_how_to_run_demo_and_tests() -> None:
    assert ["make", "demo"] in _commands() and ["make", "test"] in _commands()


@pytest.mark.parametrize("words", [words for words in _commands() if words[0] in OURS], ids=" ".join)
def test_a_command_in_the_readme_exists(words: list[str]) -> None:
    if words[0] == "make":
        assert set(words[1:]) <= _targets()
        return
    parse(words[1:])


@pytest.mark.parametrize("words", [words for words in _commands() if words[0] not in OURS], ids=" ".join)
def test_any_other_program_in_the_readme_is_one_we_mean(words: list[str]) -> None:
    assert words[0] in {"curl", "git", "cd"}


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\]\(([^)#]+)[^)]*\)", README))))
def test_a_link_in_the_readme_leads_somewhere(target: str) -> None:
    on_github = re.sub(r"^\.\./\.\./actions/workflows/(\w+\.yaml)(/badge\.svg)?$", r".github/workflows/\1", target)
    assert target.startswith("https://") or (ROOT / on_github).exists()


@pytest.mark.parametrize("path", re.findall(r"^\| `([\w/]+/)` \|", README, re.MULTILINE))
def test_a_directory_in_the_readme_exists(path: str) -> None:
    assert (ROOT / path).is_dir()
