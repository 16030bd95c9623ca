#!/usr/bin/env bash
# Aisle's cluster on this machine, in kind, with a local registry as kind.sigs.k8s.io/docs/user/local-registry has it.
#   cluster.sh up [light|full]   from nothing to a service that waits for its first model
#   cluster.sh images | deploy   one step again: our images; our manifests
#   cluster.sh crds | down       CRDs that only `make test-cluster` needs; remove cluster and registry
# light serves and rolls out; full trains in KFP as well. What is installed is noted at the cluster's namespace
# kube-system, so a second call continues where the first stopped. No other cluster than kind's `aisle` is changed.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=manifests/versions.env
. manifests/versions.env
node=aisle-control-plane registry=aisle-registry step='' text=''

say() { echo "kind: $*"; }
fail() { echo "kind: $*" >&2; exit 2; }
retry() { # COMMAND...: five tries, for what the network breaks
  local try
  for try in 1 2 3 4 5; do
    if "$@"; then return; fi
    say "try $try of 5 failed: $*" >&2
    if [ "$try" != 5 ]; then sleep $((try * ${AISLE_RETRY_S:-5})); fi
  done
  fail "expected exit 0 in 5 tries, got none: $*; its output is above"
}
k() { kubectl --context kind-aisle "$@"; }
apply() { retry kubectl --context kind-aisle apply --server-side --force-conflicts "$@"; }
chart() { # RELEASE CHART VERSION NAMESPACE [OPTION...]
  retry helm --kube-context kind-aisle upgrade --install "$1" "oci://$2" --version "v$3" --namespace "$4" \
    --create-namespace --wait --timeout 10m "${@:5}"
}
asset() { echo "https://github.com/$1/releases/download/v$2/$3"; }
remote() { echo "https://github.com/$1//$2?ref=$3&timeout=300s"; } # by itself kustomize gives git 27 s
available() { k wait --for=condition=Available --timeout=900s "$@"; }
exists() { kind get clusters 2>/dev/null | grep -qx aisle; }
noted() { k get namespace kube-system -o "jsonpath={.metadata.annotations.aisle\.dev/kind-$1}" 2>/dev/null; }
note() { k annotate namespace kube-system --overwrite "aisle.dev/kind-$1=$2" >/dev/null; }

need() { # PROGRAM VERSION ADDRESS COMMAND...: the command prints the version
  local found
  found=$("${@:4}" 2>/dev/null | grep -oE '[0-9]+\.[0-9]+\.[0-9]+' | head -1) || found=''
  if [ "$(printf '%s\n' "$2" "$found" | sort -V | head -1)" != "$2" ]; then
    fail "expected $1 $2 or later, found ${found:-none}; install it: $3"
  fi
}
programs() {
  need docker "$DOCKER" docs.docker.com/engine/install docker --version
  docker info >/dev/null 2>&1 || fail "expected a running Docker daemon, none answers; start it, or join the group docker"
  need kind "$KIND" kind.sigs.k8s.io/docs/user/quick-start kind version
  need kubectl "$KUBERNETES" kubernetes.io/docs/tasks/tools kubectl version --client
  need helm "$HELM" helm.sh/docs/intro/install helm version --short
  need git 2.0.0 git-scm.com/downloads git --version
}
room() { # DISK MEMORY CORES: GB that must be free
  local root disk memory cores
  root=$(docker info --format '{{.DockerRootDir}}') cores=$(docker info --format '{{.NCPU}}')
  if [ ! -d "$root" ]; then root=/; fi
  disk=$(df -Pk "$root" | awk 'NR == 2 {printf "%d", $4 / 1e6}')
  memory=$(awk '/^MemAvailable:/ {printf "%d", $2 / 1e6}' "${AISLE_MEMINFO:-/proc/meminfo}" 2>/dev/null) ||
    memory=$(docker info --format '{{.MemTotal}}' | awk '{printf "%d", $1 / 1e9}') # that of Docker's own machine
  [ "$disk" -ge "$1" ] || fail "expected $1 GB of free disk at $root, found $disk; free some, as with: docker system prune"
  [ "$memory" -ge "$2" ] || fail "expected $2 GB of free memory, found $memory; end other programs; make demo needs 3 and no kind"
  [ "$cores" -ge "$3" ] || fail "expected $3 cores, found $cores: the pods of a rollout request most of them; make demo needs no kind"
}

cluster() {
  if ! exists; then
    retry kind create cluster --config kind-cluster.yaml --image "kindest/node:v$KIND_NODE" --wait 180s
  fi
  kubectl config use-context kind-aisle
}
registry() {
  if ! docker start $registry 2>/dev/null; then
    retry docker pull --quiet "registry:$KIND_REGISTRY"
    docker run --detach --restart always --publish 127.0.0.1:5001:5000 --name $registry "registry:$KIND_REGISTRY"
  fi
  if [ "$(docker inspect --format '{{json .NetworkSettings.Networks.kind}}' $registry)" = null ]; then
    docker network connect kind $registry
  fi
  # What our manifests call aisle.invalid/NAME, the node pulls from there.
  docker exec $node mkdir -p /etc/containerd/certs.d/aisle.invalid
  echo "[host.\"http://$registry:5000\"]" | docker exec -i $node cp /dev/stdin /etc/containerd/certs.d/aisle.invalid/hosts.toml
}
images() { # only changed layers travel; the pull moves the tag on a node that has an older image
  local name
  for name in "${images[@]}"; do
    retry docker build --file manifests/images/Dockerfile --target "$name" --tag "localhost:5001/$name:$AISLE" .
    retry docker push --quiet "localhost:5001/$name:$AISLE"
    retry docker exec $node crictl pull "aisle.invalid/$name:$AISLE"
  done
}
metrics() { # no authority has signed the certificates of kind's kubelets
  apply -f "$(asset kubernetes-sigs/metrics-server "$METRICS_SERVER" components.yaml)"
  k patch deployment metrics-server -n kube-system --type json \
    -p '[{"op": "add", "path": "/spec/template/spec/containers/0/args/-", "value": "--kubelet-insecure-tls"}]'
  available deployment/metrics-server -n kube-system
}
certificates() {
  apply -f "$(asset cert-manager/cert-manager "$CERT_MANAGER" cert-manager.yaml)"
  available deployment --all -n cert-manager
}
gateway() { # Gateway API comes with the chart
  local crd=httproutes.gateway.networking.k8s.io found
  chart eg docker.io/envoyproxy/gateway-helm "$ENVOY_GATEWAY" envoy-gateway-system
  found=$(k get crd $crd -o 'jsonpath={.metadata.annotations.gateway\.networking\.k8s\.io/bundle-version}')
  [ "$found" = "v$GATEWAY_API" ] || fail "expected Gateway API v$GATEWAY_API, found ${found:-none}; correct manifests/versions.env"
}
kserve() {
  local value=kserve.controller.gateway.ingressGateway
  chart kserve-crd ghcr.io/kserve/charts/kserve-crd "$KSERVE" kserve
  chart kserve ghcr.io/kserve/charts/kserve-resources "$KSERVE" kserve --set kserve.controller.deploymentMode=Standard \
    --set $value.enableGatewayApi=true --set $value.createGateway=false --set $value.className=envoy
}
prometheus() {
  apply -f "$(asset prometheus-operator/prometheus-operator "$PROMETHEUS_OPERATOR" bundle.yaml)"
  available deployment/prometheus-operator
}
store() {
  k get namespace kubeflow >/dev/null 2>&1 || k create namespace kubeflow
  apply -k "$(remote kubeflow/pipelines manifests/kustomize/third-party/seaweedfs/base "$KFP")"
  available deployment/seaweedfs -n kubeflow
}
kfp() { # the whole of it selects the store's pod by one label more; the data are on a claim, which stays
  apply -k "$(remote kubeflow/pipelines manifests/kustomize/cluster-scoped-resources "$KFP")"
  k wait --for=condition=Established --timeout=60s crd/applications.app.k8s.io
  k delete deployment seaweedfs -n kubeflow --ignore-not-found
  apply -k "$(remote kubeflow/pipelines manifests/kustomize/env/platform-agnostic "$KFP")"
  available deployment --all -n kubeflow
}
aisle() {
  apply -f manifests/base/namespace.yaml
  .venv/bin/python -m pipelines.kind secrets
  apply -k manifests/overlays/kind
  k rollout status statefulset/aisle-redis -n aisle --timeout=300s
}
crds() {
  local kind at=kubeflow/spark-operator/v$SPARK_OPERATOR/config/crd/bases
  for kind in sparkapplications scheduledsparkapplications; do
    apply -f "https://raw.githubusercontent.com/$at/sparkoperator.k8s.io_$kind.yaml"
  done
  apply -k "$(remote kubeflow/trainer manifests/base/crds "v$TRAINER")"
  apply -k "$(remote kubeflow/pipelines manifests/kustomize/base/crds "$KFP")"
}

profile() { # light | full. Steps with what each installs. Disk, memory and minutes are estimates; of cores, pods of the
  # light one request 2.9 with a canary, of the full one 3.6, and each step of a pipeline half of one more.
  case $1 in
    light) images=(serve) disk=15 memory=6 cores=4 minutes=15 ;;
    full) images=(serve batch validate) disk=45 memory=14 cores=6 minutes=45 ;;
    *) fail "expected the profile light or full, got $1" ;;
  esac
  steps=(
    "cluster|Kubernetes $KUBERNETES" "registry|registry $KIND_REGISTRY" "images|${images[*]}"
    "metrics|metrics-server $METRICS_SERVER" "certificates|cert-manager $CERT_MANAGER"
    "gateway|Envoy Gateway $ENVOY_GATEWAY, Gateway API $GATEWAY_API" "kserve|KServe $KSERVE"
    "prometheus|Prometheus operator $PROMETHEUS_OPERATOR" "store|the object store of KFP $KFP"
  )
  if [ "$1" = full ]; then steps+=("kfp|KFP $KFP"); fi
  steps+=("aisle|secrets and manifests")
}
up() { # [PROFILE], by default the cluster's own, else light
  local all asked=${1:-} has='' n=0 begun left
  profile "${asked:-light}"
  programs
  if exists; then has=$(noted profile) || has=''; fi
  asked=${asked:-${has:-light}}
  [ "$has $asked" != "full light" ] || fail "expected the profile full, which the cluster has, got light; begin again: make kind-down"
  profile "$asked"
  say "profile $asked needs $disk GB of free disk, $memory GB of free memory and $cores cores, and takes $minutes minutes (estimates)"
  # Room is checked before it is used: a cluster that is there has its own.
  if ! exists; then room "$disk" "$memory" "$cores"; elif [ "$has $asked" = "light full" ]; then room 30 8 "$cores"; fi
  all=("${steps[@]%%|*}")
  trap '[ $? = 0 ] || [ -z "$step" ] || say "stopped in the step $step; the same command continues there" >&2' EXIT
  for step in "${steps[@]}"; do
    text=${step#*|} step=${step%%|*} n=$((n + 1)) begun=$SECONDS
    case $step in
      cluster | registry | images | aisle) ;; # quick where nothing has changed
      *) if [ "$(noted "$step")" = "$text" ]; then say "$n/${#all[@]} $step: $text is there" && continue; fi ;;
    esac
    say "$n/${#all[@]} $step: $text"
    "$step"
    note "$step" "$text"
    if [ "$step" = cluster ]; then note profile "$asked"; fi
    left=${all[*]:n}
    say "$n/${#all[@]} $step: done in $((SECONDS - begun)) s; remaining: ${left:-none}"
  done
  step=''
  say "up in $SECONDS s; the service waits for its first model: make kind-demo"
}
again() { # STEP, on the cluster that is there
  local has
  programs
  exists || fail "expected kind's cluster aisle, found none; run: make kind-up"
  cluster
  has=$(noted profile) || has=''
  profile "${has:-light}"
  "$1"
}
down() {
  if command -v kind >/dev/null && exists; then kind delete cluster --name aisle; fi
  if command -v docker >/dev/null; then docker rm --force --volumes $registry >/dev/null 2>&1 || true; fi
  say "cluster and registry are gone"
}

case ${1:-} in
  up) up "${2:-}" ;;
  images | crds) again "$1" ;;
  deploy) again aisle ;;
  down) down ;;
  *) fail "expected up [light|full], images, deploy, crds or down, got ${1:-nothing}" ;;
esac
