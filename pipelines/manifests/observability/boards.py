"""All boards, by the name of their file."""

from pipelines.manifests.observability.board_data import DATA_AND_MODEL
from pipelines.manifests.observability.board_rollout import ROLLOUT
from pipelines.manifests.observability.board_serving import SERVING

BOARDS = {"serving": SERVING, "rollout": ROLLOUT, "data-and-model": DATA_AND_MODEL}
