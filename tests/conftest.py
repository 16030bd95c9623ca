"""Plugins of every test run."""

pytest_plugins = ("tests.needs",)
