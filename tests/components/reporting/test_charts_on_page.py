"""Charts and numbers of the reporting package, as values and on a page."""

import re

import pytest

from components.reporting import number_format
from components.reporting.charts import curve_with_limit, sparkline
from components.reporting.html_page import render
from components.reporting.page_parts import Figure, Page, Section, Table
from model.evaluation.ranking_metrics import Interval

WEEKS = ["two weeks before", "a week before", "the week before the last", "last week"]
DRIFT = curve_with_limit("hour", WEEKS, [0.02, 0.03, None, 0.12], 0.1)


def _page(section: Section, navigation: bool = False) -> str:
    return render(Page(title="t", subject="s", headline="h", sections=(section,), navigation=navigation))


def test_a_week_that_was_not_measured_leaves_a_gap_and_the_limit_is_a_line() -> None:
    limit, distance = DRIFT.curves
    # On a scale to 0.15 in steps of 0.05, each week in the middle of its quarter.
    assert limit.points == ((0.0, 66.667), (100.0, 66.667))
    assert distance.points == ((12.5, 13.333), (37.5, 20.0), None, (87.5, 80.0))
    assert DRIFT.alt == "hour, two weeks before to last week. limit ends at 0.1; distance ends at 0.120."


def test_no_line_is_drawn_over_a_gap_and_every_point_names_its_week() -> None:
    html = _page(Section(id="drift", title="Drift", figures=(Figure(caption="Drift", charts=(DRIFT,)),)))
    plot = html.split('class="area"')[1].split("</svg>")[0]
    assert re.findall(r'class="stroke (\w+)"', plot) == ["limit", "new"]
    assert re.findall("<title>(.*?)</title>", plot) == [
        "two weeks before: 0.020",
        "a week before: 0.030",
        "last week: 0.120",
    ]


def test_a_histogram_in_a_table_has_a_text_and_bars_from_zero() -> None:
    spark = sparkline([1, 4], "distribution of price")
    assert [height for *_, height in spark.bars] == [25.0, 100.0]
    assert sparkline([], "nothing").bars == () and sparkline([0, 0], "zero").bars[0][2] == 0
    table = Table(title="Columns", header=("column", "distribution"), rows=(("price", spark),), folded=False)
    html = _page(Section(id="columns", title="Columns", tables=(table,)))
    assert 'role="img" aria-label="distribution of price"' in html
    assert "<details>" not in html and "<summary>" not in html


@pytest.mark.parametrize("navigation", [False, True])
def test_only_a_page_with_navigation_links_to_its_sections(navigation: bool) -> None:
    assert ('href="#gate"' in _page(Section(id="gate", title="Gate"), navigation)) == navigation


@pytest.mark.parametrize(
    ("value", "text"), [(1_234_567, "1.23 M"), (12_345, "12.3 k"), (2e9, "2 G"), (1234, "1,234"), (0.12345, "0.123")]
)
def test_a_long_number_is_shortened(value: float, text: str) -> None:
    assert number_format.compact(value) == text


def test_a_change_that_was_not_measured_is_empty() -> None:
    measured = Interval(delta_pct=8.1, low_pct=-0.6, high_pct=12.9)
    assert number_format.difference(measured).replace("\u00a0", " ") == "+8.1 % (−0.6 to +12.9 %)"
    assert number_format.difference(None) == ""
