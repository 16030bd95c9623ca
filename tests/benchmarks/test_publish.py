"""The figures in the README are those of the kept results."""

from benchmarks.publish import KEPT, ROOT, filled
from model.files import read_json


def test_the_readme_says_what_the_kept_results_say() -> None:
    text = (ROOT / "README.md").read_text()
    assert filled(text) == text, "run `python -m benchmarks.publish`"


def test_every_kept_result_says_where_and_with_what_it_was_measured() -> None:
    for path in KEPT.glob("*.json"):
        assert {"hardware", "versions", "seed"} <= set(read_json(path)), path.name
