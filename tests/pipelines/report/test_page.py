"""The report in a real browser: on a phone, light and dark, by keyboard, and as axe reads it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, ViewportSize

from pipelines.demo import rewrite_report
from pipelines.report.run import write_report
from pipelines.report.run_files import read_sources
from tests.browser import DESK, IMAGES, PHONE, Scheme, chromium, overhang, violations
from tests.pipelines.report.report_world import outputs_in, step, summary_of

pytestmark = pytest.mark.needs("chromium", "playwright")
NARROW = ViewportSize(width=375, height=812)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a run with a failed check, long words of the user's and a step that was rolled back."""
    root = tmp_path_factory.mktemp("report")
    bad = step(10, decision="rollback", reasons=["errors: 9 of 50 canary requests, over 1 %"])
    bad["guards"][0]["value"] = 18.0
    rollout = {"steps": [bad], "final_state": "rolled_back", "failed_requests": 0, "failed_events": 2}
    sources = read_sources(summary_of(rollout=rollout), outputs_in(root, "verylongword" * 12))
    write_report(root / "report.html", sources)
    return root / "report.html"


def _open(browser: Browser, report: Path, size: ViewportSize, scheme: Scheme = "light") -> Page:
    page = browser.new_context(viewport=size, color_scheme=scheme).new_page()
    page.goto(report.as_uri())
    return page


def _unfolded(page: Page) -> Page:
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    return page


@pytest.mark.parametrize(
    ("scheme", "size"), [("light", DESK), ("dark", DESK), ("light", NARROW), ("dark", NARROW)], ids=str
)
def test_axe_finds_nothing_and_nothing_is_wider_than_the_page(
    scheme: Scheme, size: ViewportSize, browser: Browser, report: Path
) -> None:
    page = _open(browser, report, size, scheme)
    for state in (page, _unfolded(page)):
        assert violations(state) == []
        assert overhang(state) <= 0
    page.context.close()


def test_the_page_asks_the_network_for_nothing(browser: Browser, report: Path) -> None:
    page, asked = browser.new_context(viewport=DESK).new_page(), []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(report.as_uri())
    assert [url for url in asked if not url.startswith(("file:", "about:"))] == []
    page.context.close()


def test_the_keyboard_reaches_the_content_and_unfolds_a_table(browser: Browser, report: Path) -> None:
    page = _open(browser, report, DESK)
    page.keyboard.press("Tab")
    assert page.locator(":focus").inner_text() == "Skip to the content"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.locator(":focus").evaluate("one => one.tagName") == "SUMMARY"
    page.keyboard.press("Enter")
    assert page.locator(":focus").evaluate("one => one.parentElement.open")
    page.keyboard.press("Tab")
    assert page.locator(":focus").get_attribute("role") == "region"
    page.context.close()


def test_every_chart_has_its_marks_inside_its_frame(browser: Browser, report: Path) -> None:
    page = _open(browser, report, NARROW)
    outside = """() => [...document.querySelectorAll('.chart')].filter(chart => {
        const frame = chart.getBoundingClientRect();
        return [...chart.querySelectorAll('rect, line, circle, text, .value, .label')].some(mark => {
            const box = mark.getBoundingClientRect();
            return box.width + box.height > 0 && (box.left < frame.left - 1 || box.right > frame.right + 1);
        });
    }).map(chart => chart.querySelector('.chart-title').textContent)"""
    assert page.evaluate(outside) == []
    page.context.close()


def test_the_screenshots_of_the_docs_can_be_taken(
    browser: Browser, report: Path, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """With --screenshots RUN they are taken of that run and put into docs/images."""
    run = request.config.getoption("--screenshots")
    shown, folder = (rewrite_report(Path(run)).resolve(), IMAGES) if run else (report, tmp_path)
    shots: tuple[tuple[str, ViewportSize, Scheme, str], ...] = (
        ("report", DESK, "light", ""),
        ("report-rollout", ViewportSize(width=1360, height=1320), "light", "rollout"),
        ("report-dark", DESK, "dark", "quality"),
        ("report-phone", PHONE, "light", "quality"),
    )
    for name, size, scheme, section in shots:
        page = _open(browser, shown, size, scheme)
        if section:
            page.evaluate("id => document.getElementById(id).scrollIntoView({behavior: 'instant'})", section)
        page.screenshot(path=folder / f"{name}.png")
        page.context.close()
    assert len(list(folder.glob("report*.png"))) == len(shots)
