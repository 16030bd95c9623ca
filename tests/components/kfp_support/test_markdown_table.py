"""A step's result as Markdown."""

from components.kfp_support.markdown_table import as_markdown


def test_every_figure_is_a_row_and_nothing_breaks_the_table() -> None:
    to = {"n": 0.123456789, "m": [1, 2]}
    page = as_markdown("Push", {"pushed": True, "reason": "a|b\nc", "override": None, "to": to})
    assert page == (
        "# Push\n\n| | |\n|---|---|\n"
        "| pushed | True |\n| reason | a/b c |\n| override | – |\n| to.n | 0.12346 |\n| to.m | 1, 2 |\n"
    )
