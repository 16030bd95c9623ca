"""Training on several machines: the step Train creates a TrainJob (Kubeflow Trainer v2) and follows it to its end.

Its workers mount the claim that the step has, at the same path: examples and settings go there, and the model is copied
from there to the step's own output. Everything else of a pod is in the TrainingRuntime `aisle-train`
(manifests/components/jobs). A retry of the step follows the job that is there.
"""

import hashlib
import os
import shutil
import time
from pathlib import Path
from typing import Any

from components.artifacts.training import TrainingRecord
from components.inference_service.cluster_client import Cluster, Missing
from components.kfp_support.progress import progress
from model.errors import AisleError, StageFailed
from model.files import atomic_directory, write_text
from model.package.manifest import read_manifest
from tfx_configs.resources import sizes
from tfx_configs.stages import TrainStage

API_VERSION, RUNTIME, PORT = "trainer.kubeflow.org/v1alpha1", "aisle-train", 2222
START_S, SILENCE_S, GONE_S = 1800.0, 300.0, 120.0
"""How long workers may take to be ready, the API server may be silent, and a deleted job may take to be gone."""
ACCOUNT_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
KubeObject = dict[str, Any]


class TrainJobs(Cluster):
    """The TrainJobs of a namespace."""

    needs, role = "Kubeflow Trainer", "aisle-train"

    def create(self, job: KubeObject) -> None:
        """Raises Changed when there is one of that name; InputError or CheckFailed when it is refused."""
        self._call("POST", self._of(), [("fieldValidation", "Strict")], job, "application/json")

    def read(self, name: str) -> KubeObject:
        """Raises Missing."""
        return self._get(self._of(name))

    def delete(self, name: str) -> None:
        """With its pods; raises Missing."""
        self._call("DELETE", self._of(name), [("propagationPolicy", "Foreground")], None)

    def _of(self, name: str = "") -> str:
        return f"/apis/{API_VERSION}/namespaces/{self.namespace}/trainjobs{'/' * bool(name)}{name}"


def train_here_or_on_workers(
    *, settings: str, examples: str, model: str, parent_dir: str, workers_dir: str, code_version: str
) -> tuple[str, TrainingRecord]:
    """Trains in this process, or by a TrainJob where the settings ask for workers; returns version and record.

    Raises as components.train.run.train, and StageFailed when the TrainJob failed or was lost.
    """
    run = TrainStage.from_json(settings)
    workers, parent = run.resources.train_workers, Path(parent_dir) if parent_dir else None
    if workers > 1 and not workers_dir:
        progress("resources.train_workers is ignored: on one machine the step trains by itself")
    if workers == 1 or not workers_dir:
        from components.train.run import train

        return train(run=run, examples_dir=Path(examples), model_dir=Path(model), parent_dir=parent)
    namespace = ACCOUNT_NAMESPACE.read_text(encoding="utf-8") if ACCOUNT_NAMESPACE.is_file() else "kubeflow"
    # KFP gives each run a path of its own, and a retry the same one.
    digest = hashlib.sha256("\n".join((examples, settings, code_version, parent_dir)).encode()).hexdigest()
    name = f"{RUNTIME}-{digest[:10]}"
    return train_on_workers(
        TrainJobs(namespace), name, run, Path(examples), Path(model), parent, Path(workers_dir) / name
    )


def train_on_workers(
    jobs: TrainJobs,
    name: str,
    run: TrainStage,
    examples_dir: Path,
    model_dir: Path,
    parent_dir: Path | None,
    shared: Path,
    every_s: float = 10.0,
) -> tuple[str, TrainingRecord]:
    """Creates the TrainJob `name`, or follows the one that is there, and takes its model.

    Args:
        shared: directory of this job that the workers see under the same path; removed with the job.

    Raises:
        InputError: there is no Kubeflow Trainer, or no right.
        StageFailed: the job failed, and remains with its pods for their logs; or it did not start or was deleted.
    """
    write_text(shared / "settings.json", run.to_json())
    if not (shared / "examples").is_dir():
        with atomic_directory(shared / "examples") as fresh:
            shutil.copytree(examples_dir, fresh, dirs_exist_ok=True)
    job = train_job(name, jobs.namespace, run, shared, parent_dir)
    failed = False
    try:
        _ensure(jobs, job, every_s)
        failed = not _follow(jobs, name, run.resources.train_workers, every_s)
        if failed:
            raise StageFailed(
                f"TrainJob {name}: {_reason(jobs.read(name))}; its logs: kubectl logs -n {jobs.namespace} --prefix "
                f"-l jobset.sigs.k8s.io/jobset-name={name}"
            )
        with atomic_directory(model_dir) as fresh:
            shutil.copytree(shared / "model", fresh, dirs_exist_ok=True)
    finally:
        shutil.rmtree(shared, ignore_errors=True)
        if not failed:
            _remove(jobs, name)
    return read_manifest(model_dir).version, TrainingRecord.load(model_dir)


def train_job(name: str, namespace: str, run: TrainStage, shared: Path, parent_dir: Path | None) -> KubeObject:
    """The TrainJob; it goes when the pod of this step is deleted, as when its run is."""
    workers, size = run.resources.train_workers, sizes(run.resources.events, run.data.memory_gb)["train"]
    # As JobSet names the pods of the runtime's job `node`.
    addresses = [f"{name}-node-0-{index}.{name}:{PORT}" for index in range(workers)]
    arguments = ["train", "--settings", f"{shared}/settings.json", "--input", f"{shared}/examples"]
    arguments += ["--out", f"{shared}/model", "--workers", ",".join(addresses)]
    limits = {"cpu": size.cpu, "memory": size.memory}
    if run.resources.train_gpus:
        limits["nvidia.com/gpu"] = str(run.resources.train_gpus)
    metadata: KubeObject = {"name": name, "namespace": namespace}
    if pod := os.environ.get("KFP_POD_UID"):
        owner = {"apiVersion": "v1", "kind": "Pod", "name": os.environ.get("KFP_POD_NAME", ""), "uid": pod}
        metadata["ownerReferences"] = [owner]
    return {
        "apiVersion": API_VERSION,
        "kind": "TrainJob",
        "metadata": metadata,
        "spec": {
            "runtimeRef": {"apiGroup": API_VERSION.partition("/")[0], "kind": "TrainingRuntime", "name": RUNTIME},
            "trainer": {
                "numNodes": workers,
                "args": arguments + (["--parent", str(parent_dir)] if parent_dir else []),
                "resourcesPerNode": {"requests": limits, "limits": limits},
            },
        },
    }


def _ensure(jobs: TrainJobs, job: KubeObject, every_s: float) -> None:
    """Creates the job unless it is there; one that failed before is replaced."""
    name = job["metadata"]["name"]
    try:
        there = jobs.read(name)
    except Missing:
        jobs.create(job)
        progress(f"created TrainJob {name} with {job['spec']['trainer']['numNodes']} workers")
        return
    if _is(there, "Failed") or there["metadata"].get("deletionTimestamp"):
        _remove(jobs, name)
        _wait_until_gone(jobs, name, every_s)
        jobs.create(job)
    progress(f"TrainJob {name} is there; following it")


def _follow(jobs: TrainJobs, name: str, workers: int, every_s: float) -> bool:
    """Waits for the job's end; returns whether it succeeded."""
    began = answered = time.monotonic()
    reported, started = "", False
    while True:
        try:
            job = jobs.read(name)
            answered = time.monotonic()
        except Missing:
            raise StageFailed(f"TrainJob {name}: expected it to end, it was deleted; start the run again") from None
        except AisleError as error:
            if time.monotonic() - answered > SILENCE_S:
                raise StageFailed(f"TrainJob {name}: lost sight of it ({error})") from None
        else:
            if _is(job, "Complete") or _is(job, "Failed"):
                return _is(job, "Complete")
            ready = sum(status.get("ready", 0) for status in job.get("status", {}).get("jobsStatus", []))
            started = started or ready == workers
            if (line := f"TrainJob {name}: {ready} of {workers} workers are ready") != reported:
                progress(line)
                reported = line
            if not started and time.monotonic() - began > START_S:
                raise StageFailed(
                    f"TrainJob {name}: expected {workers} workers to be ready within {START_S / 60:.0f} minutes, got "
                    f"{ready}; make room for {workers} pods, or --set resources.train_workers={max(ready, 1)}"
                )
        time.sleep(every_s)


def _remove(jobs: TrainJobs, name: str) -> None:
    try:
        jobs.delete(name)
    except Missing:
        pass
    except AisleError as error:  # the job goes with the step's pod
        progress(f"TrainJob {name} was not deleted: {error}")


def _wait_until_gone(jobs: TrainJobs, name: str, every_s: float) -> None:
    until = time.monotonic() + GONE_S
    while True:
        try:
            jobs.read(name)
        except Missing:
            return
        if time.monotonic() > until:
            raise StageFailed(
                f"TrainJob {name}: expected the failed one to be removed within {GONE_S:.0f} s; delete it"
            )
        time.sleep(every_s)


def _is(job: KubeObject, condition: str) -> bool:
    return any(c["type"] == condition and c["status"] == "True" for c in job.get("status", {}).get("conditions", []))


def _reason(job: KubeObject) -> str:
    conditions = [c for c in job.get("status", {}).get("conditions", []) if c["type"] == "Failed"]
    return " ".join(f"{c.get('reason', '')} {c.get('message', '')}".strip() for c in conditions) or "failed"
