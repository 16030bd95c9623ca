"""A machine for manifests/kind/cluster.sh: fakes of its programs record their calls and remember what was made."""

import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from pipelines.manifests.render import ROOT

PROGRAMS = ("docker", "kind", "kubectl", "helm", "git", "df", "python")
FAKE = r"""#!/bin/bash
call="${0##*/} $*"
cd "$FAKES" || exit 1
echo "$call" >>log
if [ -n "$BREAK" ] && [[ "$call" == *"$BREAK"* ]] && [ "$(cat broken 2>/dev/null || echo 0)" -lt "$BREAK_TIMES" ]; then
  echo $(($(cat broken 2>/dev/null || echo 0) + 1)) >broken
  exit 1
fi
case $call in
  "docker --version") echo "Docker version $V_DOCKER, build 1" ;;
  "docker info --format {{.DockerRootDir}}") echo / ;;
  "docker info --format {{.NCPU}}") echo "$CORES" ;;
  "docker info --format {{.MemTotal}}") echo 4100000000 ;;
  "docker start"*) [ -e registry ] ;;
  "docker run"*) touch registry ;;
  "docker inspect"*) [ -e connected ] && echo '{"NetworkID": "1"}' || echo null ;;
  "docker network connect"*) touch connected ;;
  "docker exec -i"*) cat >hosts.toml ;;
  "docker rm"*) rm -f registry connected ;;
  "kind version") echo "kind v$V_KIND go1.24.6 linux/amd64" ;;
  "kind get clusters") cat clusters 2>/dev/null ;;
  "kind create"*) echo aisle >clusters ;;
  "kind delete"*) rm -f clusters notes ;;
  "kubectl version"*) printf 'Client Version: v%s\nKustomize Version: v5.7.1\n' "$V_KUBECTL" ;;
  *" annotate namespace kube-system"*) echo "${*: -1}" >>notes ;;
  *" get namespace kube-system"*)
    key=${call##*annotations.aisle\\.} key=${key%\}}
    grep "^aisle.$key=" notes 2>/dev/null | tail -1 | cut -d= -f2- | tr -d '\n' ;;
  *" get namespace kubeflow"*) exit 1 ;;
  *" get crd "*) echo -n "$V_GATEWAY_API" ;;
  "helm version"*) echo "v$V_HELM+g1" ;;
  "git --version") [ -z "$V_GIT" ] || echo "git version $V_GIT" ;;
  "df -Pk"*) printf 'Filesystem 1024-blocks Used Available\n/dev/a 0 0 %s\n' "$DISK_KB" ;;
esac
"""
READS = ("version", "--version", "info", "get", "inspect")


@dataclass
class Machine:
    """`root`: a copy of what the script reads. `environment`: what its programs report."""

    root: Path
    environment: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        programs = self.root / "bin"
        for folder in (programs, self.root / "manifests" / "kind", self.root / ".venv" / "bin"):
            folder.mkdir(parents=True)
        for name in ("versions.env", "kind/cluster.sh"):
            shutil.copy(ROOT / name, self.root / "manifests" / name)
        for name in PROGRAMS:
            place = self.root / ".venv" / "bin" if name == "python" else programs
            (place / name).write_text(FAKE)
            (place / name).chmod(0o755)
        self.memory(32)
        self.environment = {
            "FAKES": str(self.root),
            "PATH": f"{programs}:/usr/bin:/bin",
            "AISLE_RETRY_S": "0",
            "AISLE_MEMINFO": str(self.root / "meminfo"),
            "CORES": "8",
            "DISK_KB": "90000000",
            "V_DOCKER": "27.3.1",
            "V_KIND": "0.30.0",
            "V_KUBECTL": "1.34.0",
            "V_HELM": "3.16.3",
            "V_GIT": "2.39.5",
            "V_GATEWAY_API": "v1.6.1",
            "BREAK": "",
            "BREAK_TIMES": "0",
        }

    def memory(self, free_gb: float) -> None:
        kilobytes = round(free_gb * 1e6)
        (self.root / "meminfo").write_text(f"MemTotal: 99000000 kB\nMemAvailable: {kilobytes} kB\n")

    def breaks(self, call: str, times: int) -> None:
        """The next calls that contain this text end with 1, so many times."""
        self.environment |= {"BREAK": call, "BREAK_TIMES": str(times)}
        (self.root / "broken").unlink(missing_ok=True)

    def cluster(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs the script; the log has the calls of this run alone."""
        (self.root / "log").unlink(missing_ok=True)
        command = ["bash", str(self.root / "manifests" / "kind" / "cluster.sh"), *arguments]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False, timeout=60)

    def calls(self) -> list[str]:
        """All calls of the last run that change something."""
        log = self.root / "log"
        lines = log.read_text().splitlines() if log.exists() else []
        words = [(line, [word for word in line.split() if word not in ("--context", "kind-aisle")]) for line in lines]
        return [line for line, parts in words if parts[0] != "df" and parts[1] not in READS]

    def count(self, text: str) -> int:
        """Calls of the last run with this text."""
        return sum(text in call for call in self.calls())
