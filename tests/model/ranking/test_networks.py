"""ONNX Runtime, the SavedModel and Keras give the same numbers, whatever a catalog has."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import pytest

from model.api import RECENT_EVENTS
from model.candidates.line import INPUTS, LINE
from model.features.recent import TASTE_DAYS, Recent
from model.networks import weights
from model.networks.pre_ranker import PreRanker
from model.networks.query_towers import QUERY_TOWERS
from model.networks.ranker import Ranker
from model.networks.trained import SavedNetworks, TrainedNetworks
from model.networks.two_tower import ItemTower
from model.package.onnx_export import write_onnx
from model.ranking.networks import NAMES, Networks, OnnxNetworks
from model.system.legacy_keras import tf

VOCABULARY, FEATURES, WIDTH = 9, 7, 8
TOLERANCE = 1e-5
CATALOGS = {
    "everything": ((4, 3), (3,), 2, "taste"),
    "no item attributes": ((), (3, 2), 1, "taste"),
    "no shopper attributes": ((5,), (), 1, "taste"),
    "no promotions": ((4,), (3,), 0, "taste"),
    "nothing": ((), (), 0, "taste"),
    "a sequence": ((4, 3), (3,), 2, "sequence"),
    "a sequence of nothing": ((), (), 0, "sequence"),
}
"""(sizes of item attributes, of shopper attributes, kinds of promotion, how the query tower reads a shopper)"""
DOCUMENTED = {
    "query": {"vocabulary", "attribute", "weight", "moment", "user"},
    "prerank": {"input"},
    "rank": {"dense", "vocabulary", "attribute", "user"},
}


@dataclass(frozen=True, kw_only=True)
class World:
    """One set of networks, three times."""

    attributes: tuple[int, ...]
    user_attributes: tuple[int, ...]
    kinds: int
    query: str
    keras: TrainedNetworks
    others: dict[str, Networks]
    directory: Path

    def codes(self, rng: np.random.Generator, sizes: tuple[int, ...], *shape: int) -> np.ndarray:
        """[..., A] int32."""
        columns = [rng.integers(0, size, shape) for size in sizes]
        return np.stack(columns, axis=-1).astype(np.int32) if columns else np.zeros((*shape, 0), np.int32)

    def inputs(self, name: str, size: int) -> list[np.ndarray]:
        """Of that network, in its order."""
        rng = np.random.default_rng(size)

        def floats(*shape: int) -> np.ndarray:
            return rng.normal(size=shape).astype(np.float32)

        if name == "prerank":
            return [floats(size, len(INPUTS) + self.kinds)]
        user = self.codes(rng, self.user_attributes, size)
        if name == "rank":
            row = rng.integers(0, VOCABULARY, size).astype(np.int32)
            return [floats(size, FEATURES), row, self.codes(rng, self.attributes, size), user]
        return [
            rng.integers(0, VOCABULARY, (size, RECENT_EVENTS)).astype(np.int32),
            self.codes(rng, self.attributes, size, RECENT_EVENTS),
            np.abs(floats(size, RECENT_EVENTS, len(TASTE_DAYS))),
            floats(size, 4),
            user,
        ]


@pytest.fixture(scope="module", params=CATALOGS)
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> World:
    """Random weights everywhere, those that begin at zero too; small enough that no score is 0 or 1."""
    attributes, user_attributes, kinds, query = CATALOGS[request.param]
    tf.keras.utils.set_random_seed(3)
    towers = QUERY_TOWERS[query](ItemTower(VOCABULARY, attributes, WIDTH), user_attributes, WIDTH)
    keras = TrainedNetworks(towers, PreRanker(kinds), Ranker(FEATURES, VOCABULARY, attributes, user_attributes))
    rng = np.random.default_rng(7)
    for name, variable in keras.weights.items():
        values = rng.normal(0, 0.2, variable.shape)
        variable.assign(np.abs(values) + 0.5 if name.endswith("scale") else values)
    keras.ranker.slope.assign(0.1)
    directory = tmp_path_factory.mktemp("networks")
    keras.save(directory / "saved_model")
    write_onnx(keras, directory / "onnx")
    others = {"SavedModel": SavedNetworks(directory / "saved_model"), "ONNX": OnnxNetworks(directory / "onnx")}
    return World(
        attributes=attributes,
        user_attributes=user_attributes,
        kinds=kinds,
        query=query,
        keras=keras,
        others=others,
        directory=directory,
    )


def answer(networks: Networks, name: str, inputs: list[np.ndarray]) -> np.ndarray:
    arguments: list[Any] = [Recent(*inputs)] if name == "query" else inputs
    return getattr(networks, name)(*arguments)


@pytest.mark.parametrize("size", [1, 64, 0])
@pytest.mark.parametrize("name", NAMES)
def test_all_three_give_the_same_numbers(world: World, name: str, size: int) -> None:
    inputs = world.inputs(name, size)
    expected = answer(world.keras, name, inputs)
    assert expected.shape == ((size, WIDTH) if name == "query" else (size,)) and expected.dtype == np.float32
    for kind, networks in world.others.items():
        got = answer(networks, name, inputs)
        assert got.dtype == np.float32
        np.testing.assert_allclose(got, expected, rtol=TOLERANCE, atol=TOLERANCE, err_msg=kind)
    if size > 1:
        assert len(np.unique(expected, axis=0)) > size // 2


def test_queries_are_unit_vectors_and_scores_are_probabilities(world: World) -> None:
    networks = world.others["ONNX"]
    vectors = answer(networks, "query", world.inputs("query", 20))
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    scores = answer(networks, "rank", world.inputs("rank", 200))
    assert ((scores > 0) & (scores < 1)).all()


def test_the_line_is_the_same_in_all(world: World) -> None:
    for networks in (world.keras, *world.others.values()):
        assert networks.line.dtype == np.float32 and networks.line.shape == (len(LINE),)
        assert np.array_equal(networks.line, world.keras.line)


def test_the_saved_model_has_one_signature_a_network_with_the_documented_inputs(world: World) -> None:
    signatures = tf.saved_model.load(str(world.directory / "saved_model")).signatures
    assert set(signatures) == set(NAMES)
    for name, signature in signatures.items():
        assert set(signature.structured_input_signature[1]) == DOCUMENTED[name]


def test_a_saved_model_has_every_weight_by_its_name(world: World) -> None:
    """So that a later training can start from them."""
    values = weights.read(world.directory)
    assert set(values) == set(world.keras.weights)
    for name, variable in world.keras.weights.items():
        assert np.array_equal(values[name], variable.numpy()), name


def test_onnx_has_the_same_inputs_less_those_without_columns(world: World) -> None:
    without = {name for name, of in (("attribute", world.attributes), ("user", world.user_attributes)) if not of}
    without |= {"moment"} if world.query == "sequence" else set()  # it reads the events' times alone
    for name in NAMES:
        path = str(world.directory / "onnx" / f"{name}.onnx")
        session = ort.InferenceSession(path, providers=["CPUExecutionProvider"])
        inputs = {value.name for value in session.get_inputs()}
        assert DOCUMENTED[name] - without <= inputs <= DOCUMENTED[name]


def test_what_is_learned_later_is_in_the_answers_of_keras_at_once(world: World) -> None:
    inputs, offset = world.inputs("rank", 5), world.keras.ranker.offset
    before = answer(world.keras, "rank", inputs)
    offset.assign_add(1.0)
    try:
        after = answer(world.keras, "rank", inputs)
    finally:
        offset.assign_sub(1.0)
    np.testing.assert_allclose(np.log(after / (1 - after)), np.log(before / (1 - before)) + 1, rtol=1e-3, atol=1e-3)
