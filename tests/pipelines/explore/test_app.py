"""The pages over HTTP, without a browser."""

import re
import shutil
from pathlib import Path

import httpx
import pytest

from components.rollout.rollout_record import change
from model.errors import InputError
from model.files import write_json, write_text
from model.package.manifest import verify
from model.registry.model_registry import Registry
from pipelines.cli import main
from pipelines.explore.load_world import open_world
from pipelines.explore.run_selection import chosen_directories, chosen_run
from pipelines.local.run_directory import Paths
from tfx_configs import recipes

EVIL = "<script>alert(1)</script>"
LOOKS = (
    "/",
    "/?begins=u1",
    "/shopper?user=u03",
    "/shopper?user=somebody-new&basket=i02&q=d1",
    "/item?user=u03&item=i02",
    "/products?q=d1",
    "/rollout",
    "/card?of=canary",
    "/nowhere",
)
"""One of every page."""


@pytest.mark.parametrize("path", [*LOOKS, "/rollout?now=1"])
def test_a_page_answers_and_fetches_nothing_from_elsewhere(path: str, client: httpx.Client) -> None:
    answer = client.get(path)
    assert answer.status_code == (404 if path == "/nowhere" else 200)
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert not re.search(r"""(src|href)=["']?(https?:)?//""", answer.text)
    assert "<style" not in answer.text and not re.search(r"<script(?! src)", answer.text)


@pytest.mark.parametrize(
    "path", [f"/shopper?user={EVIL}", f"/shopper?user=u03&q={EVIL}&basket={EVIL}&store={EVIL}", f"/?begins={EVIL}"]
)
def test_what_an_address_brings_is_shown_as_text(path: str, client: httpx.Client) -> None:
    answer = client.get(path)
    assert answer.status_code == 200 and "<script>" not in answer.text and "alert(1)" in answer.text


@pytest.mark.parametrize(("path", "code"), [("/shopper?user=", 400), ("/item?user=u03&item=no", 400), ("/no", 404)])
def test_what_cannot_be_shown_gives_its_reason_on_a_page(path: str, code: int, client: httpx.Client) -> None:
    answer = client.get(path)
    assert answer.status_code == code and "That did not work" in answer.text


def test_another_name_for_this_machine_is_turned_away(client: httpx.Client) -> None:
    assert client.get("/", headers={"host": "attacker.example"}).status_code == 400


def test_lists_stand_side_by_side_with_what_was_bought(client: httpx.Client) -> None:
    page = client.get("/shopper?user=u03").text
    assert ">Stable<" in page and ">Canary<" in page and "personal frequency" in page
    assert "canary: " in page and "stable: " in page and 'class="tag good">bought<' in page


def test_a_page_of_what_is_new_keeps_to_it_from_link_to_link(client: httpx.Client) -> None:
    page = client.get("/shopper?user=u03&new=1").text
    assert '<option value="1" selected>only what is new to them' in page and "new=1&amp;basket=" in page
    assert "own history" not in page


def test_an_unknown_shopper_still_gets_lists(client: httpx.Client) -> None:
    page = client.get("/shopper?user=somebody-new").text
    assert "unknown shopper" in page and "popular now" in page


def test_an_item_in_no_list_reports_it(client: httpx.Client) -> None:
    page = client.get("/item?user=u03&item=i07&basket=i07").text
    assert "not among its" in page and "It lies in the basket" in page


def test_the_rollout_is_read_again_each_time(client: httpx.Client, explored_run: Path) -> None:
    assert "10 % declared" in client.get("/rollout?now=1").text
    change(Paths(out=explored_run).rollout, lambda record: record.noting("50 % declared by maria"))
    page = client.get("/rollout?now=1").text
    assert "50 % declared by maria" in page and "running" in page and "<html" not in page


def test_opening_what_is_no_run_is_refused_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explore", "--run", str(tmp_path), "--port", "18977"]) == 2
    error = capsys.readouterr().err
    assert "expected a finished run, found none" in error and error.count("\n") == 1
    assert main(["explore", "--model", str(tmp_path)]) == 2
    capsys.readouterr()
    assert main(["explore", "--examples", str(tmp_path), "--model", str(tmp_path), "--port", "18977"]) == 2
    assert "--examples: expected an examples artifact with trips in it" in capsys.readouterr().err
    with pytest.raises(InputError, match="expected one or two of --model"):
        chosen_directories(tmp_path, [])


def test_a_run_without_a_canary_is_compared_with_what_was_stable_before(explored_run: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(explored_run, run)
    Registry(Paths(out=run).registry).promote()
    assert list(chosen_run(run).models) == ["stable", "previous"]


def test_a_model_directory_carries_its_card_under_its_checksums(explored_run: Path) -> None:
    registry = Registry(Paths(out=explored_run).registry)
    manifest = verify(registry.path(str(registry.state().canary)))
    assert "model_card.md" in manifest.files


def test_the_card_of_a_model_can_be_read(client: httpx.Client, explored_run: Path) -> None:
    assert "# Model card: aisle" in client.get("/card?of=canary").text
    registry = Registry(Paths(out=explored_run).registry)
    write_text(registry.card(str(registry.state().stable)), "# The whole card\n")
    chosen = chosen_run(explored_run)
    assert open_world(chosen).lists.roles[0].card == "# The whole card\n"
    assert client.get("/card?of=nobody").status_code == 404


def test_features_are_those_that_a_model_was_trained_with(tmp_path: Path) -> None:
    trained, baseline = tmp_path / "trained", tmp_path / "baseline"
    usual = recipes.full()
    short = usual.replace(features=usual.features.replace(max_history=77))
    write_json(trained / "training.json", {"settings": short.model_dump()})
    baseline.mkdir()
    assert chosen_directories(tmp_path, [baseline, trained]).features.max_history == 77
    assert chosen_directories(tmp_path, [baseline]).features == usual.features
