"""A headless Chromium for tests of pages, and what axe reports of one."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from model.system.programs import find_program

IMAGES = Path(__file__).resolve().parents[1] / "docs" / "images"
PHONE, DESK = ViewportSize(width=390, height=844), ViewportSize(width=1360, height=900)
Scheme = Literal["light", "dark"]


@contextmanager
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_program("chromium"), args=["--no-sandbox"])
        yield browser
        browser.close()


def violations(page: Page) -> list[str]:
    """What axe objects to, with the first element of each kind."""
    return [
        f"{violation['id']}: {violation['nodes'][0]['html'][:150]}"
        for violation in Axe().run(page).response["violations"]
    ]


def overhang(page: Page) -> int:
    """Pixels by which the page is wider than its window."""
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))
