"""An exported model with re-ranking: the same in evaluation and in serving, and rules that change while it serves."""

import asyncio
import dataclasses
import logging
import os
import time
from pathlib import Path

import numpy as np
import pytest

from components.evaluate.predictions import lists
from model.api import Answer, Request, Rung
from model.baselines.frequency import BASELINES
from model.errors import InputError, ModelRefused
from model.features.matrix import Features
from model.package import loaded_model as package
from model.package.export import export
from model.package.loaded_model import LoadedModel
from model.ranking.recommender import Recommender
from model.rerank.item_attributes import ItemValues
from model.rerank.policy import RerankPolicy, package_rerank, packaged_rerank
from model.rerank.reranker import Reranker
from model.serving import server
from model.serving.history.lmdb_store import LmdbStore
from model.serving.history.store import Event
from model.serving.predictor import Predictor
from model.serving.v2_inputs import Query
from tests.model.items_table import item_values, write_items
from tests.model.small_catalog import ITEMS, small_catalog
from tests.trips_of_events import build_trips
from tests.worlds import purchases, seconds
from tfx_configs.rerank import RerankSettings, Rule
from tfx_configs.settings import CandidateSettings, FeatureSettings

NO_BLUE = Rule(action="exclude", attribute="colour", values=("blue",))
ONE = Request(user_id="u1", time_s=0, history_item=[], history_time=np.empty(0), k=1)
RULES = '{"rules": [{"action": "exclude", "values": ["%s"]}]}'


@pytest.fixture(scope="module")
def items(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_items(tmp_path_factory.mktemp("items"), list(ITEMS), colour=["red", "red", "blue", None, None])


def exported(path: Path, items: Path, settings: RerankSettings, probability: bool = True) -> Path:
    """The personal-frequency baseline as a model directory. Its scores are taken for probabilities, which is wrong."""
    catalog = small_catalog().as_served()
    features, candidates = FeatureSettings(), CandidateSettings()
    scorer = BASELINES["personal_frequency"](Features(catalog, features).names)
    recommender = Recommender(catalog, features, candidates, scorer)
    export(path, "aisle", recommender, catalog, score_is_probability=probability, rerank=settings, items=items)
    return path


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory, items: Path) -> LoadedModel:
    return package.load(exported(tmp_path_factory.mktemp("plain") / "model", items, RerankSettings()))


@pytest.fixture(scope="module")
def ruled(tmp_path_factory: pytest.TempPathFactory, items: Path) -> Path:
    settings = RerankSettings(explore_boost=2.0, rules=(NO_BLUE,))
    return exported(tmp_path_factory.mktemp("ruled") / "model", items, settings, probability=False)


def ask(model: LoadedModel, k: int = 5) -> Answer:
    """For a shopper who bought d twice and b once."""
    times = np.array([seconds(71), seconds(72), seconds(73)], np.int64)
    request = Request(user_id="u1", time_s=seconds(75), history_item=["d", "b", "d"], history_time=times, k=k)
    return model.recommend([request])[0]


def test_settings_that_are_off_leave_lists_and_scores_as_they_were(plain: LoadedModel, items: Path) -> None:
    """The same through the re-ranking with everything it does switched off, over all candidates."""
    shown, reranker = ask(plain), Reranker(RerankSettings(), (), ItemValues(items))
    assert shown.item_ids == ["d", "b", "a", "e"] and shown.reasons[:2] == ["bought_before"] * 2
    columns = (
        np.array(shown.item_ids, "S"),
        np.array(shown.scores, np.float32),
        np.array(shown.reasons, "S"),
    )
    for k in range(1, 6):
        short = ask(plain, k)
        assert short == reranker(dataclasses.replace(ONE, k=k), *columns)
        assert short.item_ids == shown.item_ids[:k] and short.scores == shown.scores[:k]


def test_packaged_rules_hold_and_lists_are_filled_from_behind(plain: LoadedModel, ruled: Path) -> None:
    model = package.load(ruled)
    assert ask(model).item_ids == ["b", "a", "e"] and ask(model, k=2).item_ids == ["b", "a"]
    assert model.version != plain.version


def test_a_rules_file_takes_the_place_of_the_packaged_rules(ruled: Path, tmp_path: Path) -> None:
    (tmp_path / "rules.json").write_text(RULES % "b")
    assert ask(package.load(ruled, tmp_path / "rules.json")).item_ids == ["d", "a", "e"]


def test_a_model_without_probabilities_is_packaged_with_the_rules_alone(ruled: Path) -> None:
    assert packaged_rerank(ruled) == RerankSettings(rules=(NO_BLUE,), newcomer_diversity=0)


def test_rules_about_what_no_item_has_are_refused_at_export(tmp_path: Path, items: Path) -> None:
    for rule, message in (
        (
            Rule(action="cap", attribute="size", most=1),
            r"expected an attribute of the items table \(colour\), got 'size'",
        ),
        (Rule(action="exclude", attribute="colour", values=("bleu",)), "expected values of colour that some item has"),
    ):
        with pytest.raises(InputError, match=message):
            package_rerank(tmp_path / "model", RerankSettings(rules=(rule,)), items)
    with pytest.raises(InputError, match="at least 10 values for diversity"):
        package_rerank(tmp_path / "model", RerankSettings(diversity=0.5), items)
    assert not (tmp_path / "model").exists()


def test_damaged_settings_are_refused(tmp_path: Path) -> None:
    (tmp_path / "rerank.json").write_text('{"explore_boost": "much"}')
    with pytest.raises(ModelRefused, match="expected re-ranking settings"):
        packaged_rerank(tmp_path)


def test_evaluation_and_serving_give_the_same_lists(
    plain: LoadedModel, ruled: Path, tmp_path: Path, items: Path
) -> None:
    """Twenty shoppers through the evaluation's code and through the server's: draws, diversity and rules included."""
    settings = RerankSettings(
        explore_percent=50,
        explore_place=2,
        explore_pool=2,
        diversity=0.2,
        diversity_attribute="colour",
        rules=(Rule(action="exclude", values=("e",)),),
    )
    model = LoadedModel(ruled, plain.manifest, RerankPolicy(settings, ItemValues(items)))
    shoppers = [f"u{n:02d}" for n in range(20)]
    bought = [(user, day, item) for user in shoppers for day, item in ((71, "d"), (72, "b"), (73, "d"))]
    test_trips = [(user, 75 + n, "a") for n, user in enumerate(shoppers)]
    trips = build_trips(purchases(*bought, *test_trips), np.array(list(ITEMS), dtype=object), seconds(75), 100)
    judged = lists(model, trips, trips.test_trips(), k=3).items_Nk
    listed = ["".join(ITEMS[i] for i in row if i >= 0) for row in judged]

    store = LmdbStore(tmp_path / "store", 100)
    store.append(
        [
            Event(event_id=str(n), user_id=user, item_id=item, time_s=seconds(day))
            for n, (user, day, item) in enumerate(bought)
        ]
    )
    predictor = Predictor(lambda: model, store)
    predictor.load()
    asked = [Query(user_id=user, time_s=seconds(day), k=3, store_id="s1") for user, day, _ in test_trips]

    async def serve(query: Query) -> str:
        answer, rung, *_ = await predictor.recommend(query, time.perf_counter() + 60)
        assert rung is Rung.FULL
        return "".join(answer.item_ids)

    served = [asyncio.run(serve(query)) for query in asked]
    predictor.close()
    store.close()
    assert served == listed and set(listed) == {"dba", "dab"}


def policy(tmp_path: Path, text: str) -> tuple[RerankPolicy, Path]:
    path = tmp_path / "rules.json"
    path.write_text(text)
    return RerankPolicy(RerankSettings(), colours(tmp_path), path), path


def colours(tmp_path: Path) -> ItemValues:
    return item_values(tmp_path, list(ITEMS), colour=["red", "red", "blue", None, None])


def first_shown(policy: RerankPolicy) -> str:
    items = np.array([item.encode() for item in ITEMS], dtype=object)
    scores = np.linspace(0.9, 0.1, 5, dtype=np.float32)
    return policy.current()(ONE, items, scores, np.full(5, b"popular", dtype=object)).item_ids[0]


def replace(path: Path, text: str) -> None:
    """As an operator should: a new file takes the old one's name."""
    path.with_suffix(".new").write_text(text)
    os.replace(path.with_suffix(".new"), path)


def test_changed_rules_hold_from_the_next_request_on(tmp_path: Path) -> None:
    rules, path = policy(tmp_path, '{"rules": []}')
    assert first_shown(rules) == "a"
    replace(path, RULES % "a")
    assert first_shown(rules) == "b"


@pytest.mark.parametrize(
    "broken", ["{", '{"rules": [{"action": "hide"}]}', RULES.replace("values", "value") % "a", None]
)
def test_the_rules_before_stay_while_the_file_is_broken_or_gone(
    tmp_path: Path, broken: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    rules, path = policy(tmp_path, RULES % "a")
    if broken is None:
        path.unlink()
    else:
        replace(path, broken)
    with caplog.at_level(logging.ERROR):
        assert first_shown(rules) == "b" and first_shown(rules) == "b"
    assert caplog.text.count("the previous rules stay active") == 1


@pytest.mark.parametrize("text", ["{", "[]", '{"rules": [{"action": "cap", "attribute": "size", "most": 1}]}', None])
def test_a_server_does_not_start_on_broken_rules(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "rules.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(InputError, match="expected a rules file") as error:
        RerankPolicy(RerankSettings(), colours(tmp_path), path)
    assert "\n" not in str(error.value)


def test_a_server_with_broken_rules_ends_with_2_and_one_line(
    ruled: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "rules.json").write_text("{")
    options = {"--model-dir": ruled, "--store": tmp_path / "store", "--rules": tmp_path / "rules.json"}
    assert server.main([word for option, path in options.items() for word in (option, str(path))]) == 2
    printed = capsys.readouterr().err
    assert printed.startswith("aisle server: ") and "expected a rules file" in printed and printed.count("\n") == 1
