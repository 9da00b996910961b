# Building Kubernetes and the cluster's DNS from Go modules, once: the key is everything that
# decides what comes out. Sourced by scripts/cluster and tests/conformance/run, after
# deps/common.sh.
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash

CLUSTER_GO_MIN=1.24
# kubectl and helm cannot read the version that a build without these flags reports.
CLUSTER_KUBERNETES=$(sed -n 's/^[[:space:]]*k8s.io\/kubernetes \(v[0-9.]*\)$/\1/p' \
    "$WEFT_ROOT/scripts/cluster.d/kube/go.mod")
CLUSTER_VERSION_PACKAGE=k8s.io/component-base/version
CLUSTER_GATEWAY_API=v1.6.3

cluster_go_flags() {
    local minor=${CLUSTER_KUBERNETES#v1.}
    printf -- '-s -w -X %s.gitVersion=%s -X %s.gitMajor=1 -X %s.gitMinor=%s' \
        $CLUSTER_VERSION_PACKAGE "$CLUSTER_KUBERNETES" $CLUSTER_VERSION_PACKAGE \
        $CLUSTER_VERSION_PACKAGE "${minor%%.*}"
}

cluster_key() {
    (
        cd "$WEFT_ROOT/scripts/cluster.d"
        printf '%s %s' "$(cluster_go_flags)" "$CLUSTER_GATEWAY_API"
        cat kube/go.mod kube/go.sum kube/*.go kube/dns/*.go
        uname -m
    ) | sha256sum | cut -c1-12
}

cluster_bin() {
    printf '%s/cluster/kubernetes-%s-%s/bin' "$WEFT_CACHE" "$CLUSTER_KUBERNETES" "$(cluster_key)"
}
# The CRDs as published, fetched by Go's own tools, which check them against go.sum.
cluster_crds() { printf '%s/../crds' "$(cluster_bin)"; }

cluster_has_go() {
    command -v go >/dev/null || return 1
    local have
    have=$(go env GOVERSION 2>/dev/null)
    printf '%s\n%s\n' "$CLUSTER_GO_MIN" "${have#go}" | sort -VC
}

# go_build <module folder> <output> <package> [ldflags]: static, because programs go into images
# that hold nothing else.
go_build() {
    (
        cd "$1"
        CGO_ENABLED=0 GOFLAGS="-mod=readonly -buildvcs=false" \
            go build -trimpath -ldflags "${4:--s -w}" -o "$2" "$3"
    )
}

cluster_build_locked() {
    local bin work name module
    bin=$(cluster_bin)
    [ ! -e "$bin/kubectl" ] || return 0
    work=$(mktemp -d "$WEFT_CACHE/tmp.XXXXXX")
    mkdir "$work/bin"
    say "building Kubernetes $CLUSTER_KUBERNETES (once; about ten minutes on two cores)"
    module=$WEFT_ROOT/scripts/cluster.d/kube
    run_quiet "building Kubernetes" go_build "$module" "$work/bin/kubernetes" . \
        "$(cluster_go_flags)" || return 1
    run_quiet "building CoreDNS" go_build "$module" "$work/bin/coredns" ./dns || return 1
    run_quiet "fetching the Gateway API's CRDs" cluster_fetch_crds "$work/crds" || return 1
    for name in kube-apiserver kube-controller-manager kube-scheduler kube-proxy kubelet \
        load-balancer kubectl; do
        ln -s kubernetes "$work/bin/$name"
    done
    mkdir -p "$(dirname "$(dirname "$bin")")"
    rm -rf "$(dirname "$bin")"
    chmod 755 "$work"
    mv "$work" "$(dirname "$bin")"
}

cluster_fetch_crds() {
    local dir
    dir=$(cd "$WEFT_ROOT/scripts/cluster.d/kube" && GOFLAGS=-mod=mod \
        go mod download -json "sigs.k8s.io/gateway-api@$CLUSTER_GATEWAY_API" |
        sed -n 's/^[[:space:]]*"Dir": "\(.*\)",$/\1/p')
    mkdir -p "$1"
    # One of the two folders of the module has a kustomization beside the CRDs: take these by name.
    cp "$dir"/config/crd/experimental/gateway*.yaml "$1/"
    chmod -R u+w "$1"
}

cluster_build() {
    [ ! -e "$(cluster_bin)/kubectl" ] || return 0
    cluster_has_go ||
        die "Kubernetes is built from Go modules; there is no Go $CLUSTER_GO_MIN or newer in PATH"
    with_cache_lock cluster_build_locked || die "Kubernetes could not be built"
}

cluster_check() {
    local rc=0 missing
    [ "$(id -u)" -eq 0 ] || { say "missing: root" && rc=1; }
    [ -e "$(cluster_bin)/kubectl" ] || cluster_has_go ||
        { say "missing: Go $CLUSTER_GO_MIN or newer" && rc=1; }
    missing=$("$WEFT_ROOT/scripts/bootstrap" --only-cluster --check 2>&1) ||
        { printf '%s\n' "$missing" >&2 && rc=1; }
    return $rc
}
