"""The KFP step of push. Never cached: the pipeline sees to that."""

from kfp import dsl

from components.kfp_support.images import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def push(
    candidate: dsl.Input[dsl.Model],
    baselines: dsl.Input[dsl.Model],
    verdict: dsl.Input[dsl.Artifact],
    anomalies: dsl.Input[dsl.Artifact],
    evaluation: dsl.Input[dsl.Artifact],
    settings: str,
    data_version: str,
    reference_dir: str,
    registry: str,
    run_name: str,
    namespace: str,
    outcome: dsl.Output[dsl.Artifact],
    card: dsl.Output[dsl.Markdown],
) -> None:
    """A blessed candidate into the registry, declared as canary.

    namespace: of the service whose roles the registry has, on a cluster; empty: the registry has its own.
    """
    from components.kfp_support.step import stage

    with stage("push"):
        from pathlib import Path

        from components.push.run import push_candidate, roles_of
        from tfx_configs.settings import RunSettings

        pushed = push_candidate(
            candidate=Path(candidate.path),
            verdict_file=Path(verdict.path),
            baselines=Path(baselines.path),
            registry_dir=Path(registry),
            validation=Path(anomalies.path),
            data_version=data_version,
            reference_dir=reference_dir,
            evaluation=Path(evaluation.path),
            settings=RunSettings.from_json(settings),
            run_name=run_name,
            outcome_file=Path(outcome.path),
            card_file=Path(card.path),
            service=roles_of(namespace),
            candidate_uri=candidate.uri,
        )
        outcome.metadata.update(pushed.facts)


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def release(
    candidate: dsl.Input[dsl.Model],
    baselines: dsl.Input[dsl.Model],
    outcome: dsl.Input[dsl.Artifact],
    namespace: str,
    percent: int,
    runtime: str,
    released: dsl.Output[dsl.Artifact],
    table: dsl.Output[dsl.Markdown],
) -> str:
    """What was pushed becomes the canary of the InferenceService in `namespace`; returns released, rejected, unchanged.

    runtime: ServingRuntime of the canary; empty: the stable version's.
    """
    from components.kfp_support.step import stage

    with stage("release"):
        from pathlib import Path

        from components.inference_service.cluster_client import Cluster
        from components.push.release import StoredModels, release

        done = release(
            outcome_file=Path(outcome.path),
            candidate=StoredModels(directory=Path(candidate.path), uri=candidate.uri),
            baselines=StoredModels(directory=Path(baselines.path), uri=baselines.uri),
            percent=percent,
            runtime=runtime,
            cluster=Cluster(namespace),
            released_file=Path(released.path),
            table_file=Path(table.path),
        )
        released.metadata.update({"model_version": done.version, "released": done.word, "percent": done.percent})
        return done.word
