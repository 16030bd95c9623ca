"""What the pipelines set for each step."""

import pytest
from kfp import dsl

from pipelines.definitions.pod_settings import sized


@dsl.component
def nothing() -> None: ...


@dsl.pipeline(name="inner")
def inner() -> None:
    nothing()


def test_a_step_that_has_no_pod_is_refused_by_the_name_of_the_setting() -> None:
    with pytest.raises(ValueError, match=r"^set_cpu_limit can only be used on single-step components"):

        @dsl.pipeline(name="outer")
        def outer() -> None:
            sized(inner(), "Inner", cpu="1", memory="1G")
