"""The files of manifests/components/monitoring that are written from the records of this package."""

import json

from pipelines.manifests.observability.alerts import GROUPS
from pipelines.manifests.observability.boards import BOARDS
from pipelines.manifests.observability.rules import prometheus_rule

FOLDER = "components/monitoring"
NOTE = "# Written by `python -m pipelines.manifests.render`; edit pipelines/observability instead.\n"


def monitoring_files() -> dict[str, str]:
    """{path under manifests/: text} of the rules and of every board."""
    rules = {f"{FOLDER}/rules.yaml": NOTE + prometheus_rule("aisle", "aisle", GROUPS)}
    boards = {
        f"{FOLDER}/boards/{name}.json": json.dumps(board.json(), indent=1) + "\n" for name, board in BOARDS.items()
    }
    return rules | boards
