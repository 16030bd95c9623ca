"""Offline HTML pages of the data report, the evaluation and the report of a run: parts, charts, numbers, template."""
