"""The same study as a Katib Experiment: Katib proposes, and a Job a trial runs `aisle tune --once`."""

import json
from collections.abc import Mapping
from typing import Any

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution

from components.kfp_support.images import IMAGE
from components.tracking.tracked import plain_name
from pipelines.definitions.pod_settings import CLAIM, MOUNT
from pipelines.tuning.space import NAMES, as_tree, assignments, flat, space_around, values_of
from tfx_configs.evaluation import GATE_METRICS
from tfx_configs.settings import RunSettings

Manifest = dict[str, Any]
CONTAINER = "trial"
NAMESPACE = "kubeflow"
"""Where the registry's claim is."""
PARALLEL = 3
FAILURES = 3


def lines(figures: Mapping[str, float]) -> str:
    """What a trial prints for the collector, which reads NAME=VALUE."""
    return "\n".join(f"{plain_name(name)}={value:.6f}" for name, value in figures.items())


def experiment(run: RunSettings, trials: int) -> Manifest:
    """The Experiment with a Job a trial; its data are where the pods see them, and no trial sees the test span."""
    space = space_around(values_of(run))
    objective, *others = map(plain_name, reversed(GATE_METRICS))
    return {
        "apiVersion": "kubeflow.org/v1beta1",
        "kind": "Experiment",
        "metadata": {"name": "aisle-tune", "namespace": NAMESPACE},
        "spec": {
            "objective": {"type": "maximize", "objectiveMetricName": objective, "additionalMetricNames": others},
            "algorithm": {"algorithmName": "multivariate-tpe"},
            "parallelTrialCount": PARALLEL,
            "maxTrialCount": trials,
            "maxFailedTrialCount": FAILURES,
            "parameters": [_parameter(name, distribution) for name, distribution in space.items()],
            "trialTemplate": {
                "primaryContainerName": CONTAINER,
                "trialParameters": [
                    {"name": _key(name), "description": name, "reference": _key(name)} for name in space
                ],
                "trialSpec": _job(run),
            },
        },
    }


def _parameter(name: str, distribution: BaseDistribution) -> Manifest:
    space: Manifest
    if isinstance(distribution, CategoricalDistribution):
        kind, space = "categorical", {"list": [json.dumps(choice).strip('"') for choice in distribution.choices]}
    else:
        assert isinstance(distribution, FloatDistribution)
        low, high = str(distribution.low), str(distribution.high)
        kind, space = "double", {"min": low, "max": high, "distribution": "logUniform"}
    return {"name": _key(name), "parameterType": kind, "feasibleSpace": space}


def _key(name: str) -> str:
    return name.replace(".", "-").replace("_", "-")


def _job(run: RunSettings) -> Manifest:
    tried = [f"{name}=${{trialParameters.{_key(name)}}}" for name in NAMES]
    fixed = assignments(flat(as_tree(run)))
    where = ["--data", run.data.path] if run.data.path else []
    cut = ["--cut-date", run.data.cut_date] if run.data.cut_date else []
    sets = [part for change in (*fixed, *tried) for part in ("--set", change)]
    container = {
        "name": CONTAINER,
        "image": IMAGE,
        "command": ["python", "-m", "pipelines.cli"],
        "args": ["tune", "--once", *where, *cut, "--out", "/tmp/tune", *sets],
        "resources": {"requests": {"cpu": "2", "memory": "10Gi"}, "limits": {"memory": "10Gi"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [
            {"name": "registry", "mountPath": MOUNT, "readOnly": True},
            {"name": "scratch", "mountPath": "/tmp"},
        ],
    }
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "spec": {
            "backoffLimit": 0,
            "template": {
                "spec": {
                    "automountServiceAccountToken": False,
                    "restartPolicy": "Never",
                    "securityContext": {
                        "runAsNonRoot": True,
                        "runAsUser": 10001,
                        "fsGroup": 10001,
                        "seccompProfile": {"type": "RuntimeDefault"},
                    },
                    "containers": [container],
                    "volumes": [
                        {"name": "registry", "persistentVolumeClaim": {"claimName": CLAIM}},
                        {"name": "scratch", "emptyDir": {}},
                    ],
                }
            },
        },
    }
