"""Plugins of every test run."""

from hypothesis import Phase, settings

pytest_plugins = ("tests.needs",)

settings.register_profile(
    "aisle", derandomize=True, max_examples=12, deadline=None, database=None, phases=(Phase.explicit, Phase.generate)
)
settings.load_profile("aisle")
"""The same few examples in every run; what fails is shown as found, since shrinking it takes minutes."""
