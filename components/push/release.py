"""Push to a cluster: what was pushed to the registry is declared as canary, under the address of its artifact."""

from dataclasses import dataclass
from pathlib import Path

from components.artifacts.first_stable import FirstStable
from components.artifacts.push_outcome import PushOutcome, ReleaseOutcome
from components.inference_service.address import address
from components.inference_service.cluster_client import Cluster
from components.inference_service.shift import Patience
from components.inference_service.traffic import Version, mode, s3_uri
from components.kfp_support.markdown_table import as_markdown
from components.kfp_support.progress import progress
from components.push.canary_deploy import deploy
from components.push.smoke_test import ask
from model.errors import ModelRefused
from model.files import write_text
from model.package.manifest import read_manifest


@dataclass(frozen=True, kw_only=True)
class StoredModels:
    """An artifact with a model, or models: its directory here and its address."""

    directory: Path
    uri: str

    def version(self, name: str = "") -> Version:
        """That of the model; `name`: of the directory inside."""
        return Version(
            name=read_manifest(self.directory / name).version, uri=s3_uri(f"{self.uri}/{name}" if name else self.uri)
        )


def release(
    *,
    outcome_file: Path,
    candidate: StoredModels,
    baselines: StoredModels,
    percent: int,
    runtime: str,
    cluster: Cluster,
    released_file: Path,
    table_file: Path,
    patience: Patience | None = None,
) -> ReleaseOutcome:
    """Does nothing unless the registry's push took this very candidate.

    Args:
        outcome_file: what push wrote.
        baselines: the one that the baselines stage chose becomes stable while the service has no model.
        percent: the canary's share, 0 to 100.
        runtime: ServingRuntime of the canary; empty: the stable version's.
        released_file, table_file: are written; the outcome as JSON and as Markdown.

    Raises:
        ModelRefused: the outcome is about another model.
        InputError: the baselines stage has chosen none to serve first.
        InputError, CheckFailed: as components.push.canary_deploy.deploy.
    """
    pushed = PushOutcome.read(outcome_file)
    if pushed.pushed:
        new = candidate.version()
        if pushed.version != new.name:
            raise ModelRefused(f"expected the outcome of {new.name}, got that of {pushed.version}; run push again")
        traffic_mode = mode(cluster.service())

        def smoke(predictor: str) -> None:
            ask(address(traffic_mode, predictor, cluster.namespace), new.name)

        first = FirstStable.load(baselines.directory).name
        stable = baselines.version(first)
        done = deploy(cluster, stable, new, percent, smoke, patience or Patience(), runtime=runtime)
    else:
        progress(f"nothing to release: {pushed.reason}")
        done = ReleaseOutcome(released=False, reason=pushed.reason, rejected=not pushed.blessed)
    done.write(released_file)
    write_text(table_file, as_markdown("Release", done.model_dump(exclude_unset=True)))
    return done
