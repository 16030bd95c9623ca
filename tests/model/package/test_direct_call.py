from pathlib import Path
from typing import Any

import pytest

from model.package.loaded_model import direct
from model.system.legacy_keras import tf


class Priced(tf.Module):
    """Two outputs of three inputs, by way of a variable and a table."""

    def __init__(self) -> None:
        super().__init__()
        self.price_I = tf.Variable([0.0, 2.5, 4.0])
        keys = tf.constant(["tea", "rice"])
        initializer = tf.lookup.KeyValueTensorInitializer(keys, tf.constant([1, 2], tf.int64))
        self.row = tf.lookup.StaticHashTable(initializer, 0)

    @tf.function
    def cost(self, item: Any, amount: Any, off: Any) -> dict[str, Any]:
        cost = tf.gather(self.price_I, self.row.lookup(item)) * amount
        return {"to_pay": cost - off, "cost": cost}


@pytest.fixture
def signature(tmp_path: Path) -> Any:
    priced = Priced()
    specs = {"item": tf.TensorSpec([None], tf.string), "amount": tf.TensorSpec([None]), "off": tf.TensorSpec([])}
    tf.saved_model.save(
        priced, str(tmp_path / "priced"), signatures={"cost": priced.cost.get_concrete_function(**specs)}
    )
    return tf.saved_model.load(str(tmp_path / "priced"))


INPUTS = {"item": tf.constant(["rice", "tea", "soap"]), "amount": tf.constant([2.0, 1.0, 3.0]), "off": tf.constant(0.5)}


def test_a_direct_call_gives_what_the_signature_gives(signature: Any) -> None:
    """rice 4.0 * 2, tea 2.5 * 1, soap is unknown and free; 0.5 off."""
    outputs = direct(signature.signatures["cost"])(INPUTS)
    assert {name: value.numpy().tolist() for name, value in outputs.items()} == {
        "cost": [8.0, 2.5, 0.0],
        "to_pay": [7.5, 2.0, -0.5],
    }


def test_an_input_that_is_missing_is_named(signature: Any) -> None:
    with pytest.raises(KeyError, match="off"):
        direct(signature.signatures["cost"])({name: INPUTS[name] for name in ("item", "amount")})
