"""The pages in a real browser: by keyboard, on a phone, light and dark, and as axe reads them."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize
from starlette.datastructures import QueryParams

from components.rollout.rollout_record import change
from pipelines.explore.load_world import World, open_world
from pipelines.explore.query_string import read_ask
from pipelines.explore.run_selection import chosen_run
from pipelines.local.run_directory import Paths
from tests.browser import DESK, IMAGES, PHONE, Scheme, chromium, overhang, violations
from tests.pipelines.explore.conftest import serving
from tests.pipelines.explore.test_app import LOOKS

pytestmark = pytest.mark.needs("chromium", "playwright")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


def _context(browser: Browser, address: str, size: ViewportSize = DESK, scheme: Scheme = "light") -> BrowserContext:
    return browser.new_context(viewport=size, color_scheme=scheme, base_url=address)


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """At a desk, in the light; anything the page's script throws, or the policy blocks, fails the test."""
    context = _context(browser, address)
    page, errors = context.new_page(), []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    yield page
    context.close()
    assert errors == []


@pytest.mark.parametrize(
    ("scheme", "size"), [("light", DESK), ("dark", DESK), ("light", PHONE)], ids=["light", "dark", "phone"]
)
def test_axe_finds_nothing_and_nothing_is_wider_than_the_page(
    scheme: Scheme, size: ViewportSize, browser: Browser, address: str
) -> None:
    context = _context(browser, address, size, scheme)
    page = context.new_page()
    for path in LOOKS:
        page.goto(path)
        assert (path, violations(page)) == (path, [])
        assert overhang(page) <= 0, path
    context.close()


def test_a_shopper_is_reached_by_keyboard_alone(page: Page) -> None:
    page.goto("/")
    page.keyboard.press("Tab")
    assert page.locator(":focus").inner_text() == "Skip to the content"
    page.keyboard.press("Enter")
    page.wait_for_function("document.activeElement.id === 'content'")
    page.keyboard.press("Tab")
    assert page.locator(":focus").get_attribute("id") == "begins"
    page.keyboard.type("u03")
    page.keyboard.press("Enter")
    page.wait_for_url("**/?begins=u03")
    page.get_by_role("link", name="u03", exact=True).focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/shopper?user=u03")
    assert page.get_by_role("heading", name="Shopper u03").is_visible()


def test_an_item_put_into_the_basket_by_keyboard_re_ranks_in_place_and_can_be_taken_out(
    page: Page, world: World
) -> None:
    title, path = _mover(world)
    page.goto(path)
    page.get_by_role("link", name=f"Put {title} into the basket").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/shopper?*basket=*")
    page.wait_for_function("document.getElementById('status').textContent.startsWith('Ranked again.')")
    assert page.locator(":focus").get_attribute("aria-label") == f"Take {title} out of the basket"
    assert page.locator(".moved").count() > 0 and title in page.locator(".basket").inner_text()
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "basket=" not in url)
    page.go_back()
    page.wait_for_url("**basket=*")


def _mover(world: World) -> tuple[str, str]:
    """(title, path of the page) of an item of a list that moves others when it is in the basket."""
    for shopper in world.shoppers.matching("u"):
        ask = read_ask(QueryParams(user=shopper), world.shoppers, world.cut_s)
        for entry in world.lists.listings(ask)[1].entries:
            after = world.lists.listings(ask.with_item(entry.product.item_id))[1].entries
            if any(moved.before != moved.rank for moved in after):
                return entry.product.title, f"/shopper?{ask.query()}"
    raise AssertionError("no item moves another")


def test_another_moment_is_shown_when_it_is_chosen(page: Page) -> None:
    page.goto("/shopper?user=u04")
    before = page.locator(".lead").first.inner_text()
    page.get_by_label("Moment").select_option(index=1)
    page.wait_for_url("**at=*")
    page.wait_for_function("words => document.querySelector('.lead').innerText !== words", arg=before)
    assert page.get_by_label("Moment").evaluate("one => one.selectedIndex") == 1


def test_everything_works_without_a_script(browser: Browser, address: str) -> None:
    context = browser.new_context(viewport=DESK, base_url=address, java_script_enabled=False)
    page = context.new_page()
    page.goto("/shopper?user=u04")
    page.get_by_label("Moment").select_option(index=1)
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**at=*")
    page.get_by_label("Find a product").fill("i07")
    page.get_by_role("search", name="Products for the basket").get_by_role("button").click()
    page.locator(".found .put").first.click()
    page.wait_for_url("**basket=i07*")
    context.close()


def test_an_item_page_shows_what_happens_without_each_fact(page: Page) -> None:
    page.goto("/shopper?user=u03")
    page.locator(".title a").first.click()
    page.wait_for_url("**/item?*")
    rows = page.locator(".place table").first.locator("tbody tr")
    assert rows.count() >= 2 and re.search(r"\d+ → (\d+|no candidate)", rows.first.inner_text())


def test_the_rollout_moves_on_without_a_reload(page: Page, explored_run: Path) -> None:
    page.goto("/rollout")
    change(Paths(out=explored_run).rollout, lambda record: record.noting("held by a person"))
    page.get_by_text("held by a person").wait_for(timeout=20_000)


def test_the_screenshots_of_the_docs_can_be_taken(
    browser: Browser, world: World, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """With --screenshots RUN they are taken of that run and put into docs/images."""
    run = request.config.getoption("--screenshots")
    shown = open_world(chosen_run(Path(run))) if run else world
    folder = IMAGES if run else tmp_path
    heavy, usual = (example.user_id for example in shown.shoppers.examples()[:2])
    with serving(shown) as address:
        for name, path, size, scheme in (
            ("explore-lists", f"/shopper?user={heavy}", DESK, "light"),
            ("explore-basket", f"/shopper?user={usual}", DESK, "light"),
            ("explore-reasons", f"/shopper?user={usual}", DESK, "dark"),
            ("explore-phone", f"/shopper?user={usual}", PHONE, "light"),
            ("explore-rollout", "/rollout", DESK, "light"),
        ):
            context = _context(browser, address, size, scheme)
            page = context.new_page()
            page.goto(path)
            if name == "explore-basket":
                page.locator(".put").first.click()
                page.wait_for_url("**basket=*")
            if name == "explore-reasons":
                page.locator(".list").last.locator(".title a").nth(1).click()
                page.wait_for_url("**/item?*")
            page.screenshot(path=folder / f"{name}.png")
            context.close()
    assert len(list(folder.glob("explore-*.png"))) == 5
