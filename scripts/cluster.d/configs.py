"""What the cluster's programs read: certificates, kubeconfig, and one file each for containerd, the
kubelet and kube-proxy. Every setting that is not a default says why it is there.
SPDX-License-Identifier: GPL-3.0-or-later
"""

from __future__ import annotations

import json
import subprocess

import settings as s


def write_all() -> None:
    certificates()
    for name, text in {
        "kubeconfig": kubeconfig(),
        "containerd.toml": containerd(),
        "kubelet.yaml": kubelet(),
        "audit.yaml": audit(),
        "proxy.yaml": proxy(),
        "resolv.conf": "",
        "cni/10-pods.conflist": network(),
    }.items():
        path = s.STATE / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def _openssl(*args: str) -> None:
    subprocess.run(["openssl", *args], cwd=s.STATE, check=True, capture_output=True)


def _certificate(name: str, subject: str, extensions: str) -> None:
    (s.STATE / f"{name}.ext").write_text(extensions)
    _openssl(
        "req",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-keyout",
        f"{name}.key",
        "-out",
        f"{name}.csr",
        "-subj",
        subject,
    )
    _openssl(
        "x509",
        "-req",
        "-in",
        f"{name}.csr",
        "-CA",
        "ca.crt",
        "-CAkey",
        "ca.key",
        "-CAcreateserial",
        "-days",
        "365",
        "-extfile",
        f"{name}.ext",
        "-out",
        f"{name}.crt",
    )


def certificates() -> None:
    _openssl("genrsa", "-out", "accounts.key", "2048")
    _openssl(
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-keyout",
        "ca.key",
        "-out",
        "ca.crt",
        "-subj",
        f"/CN={s.NAME}-cluster",
        "-days",
        "365",
    )
    names = [
        "kubernetes",
        "kubernetes.default",
        "kubernetes.default.svc",
        "kubernetes.default.svc.cluster.local",
        "localhost",
    ]
    names = [f"DNS:{n}" for n in names] + [f"IP:{ip}" for ip in (s.API_IP, s.NODE_IP, "127.0.0.1")]
    _certificate(
        "apiserver",
        "/CN=kube-apiserver",
        f"subjectAltName={','.join(names)}\nextendedKeyUsage=serverAuth,clientAuth\n",
    )
    _certificate("admin", "/O=system:masters/CN=admin", "extendedKeyUsage=clientAuth\n")
    _certificate(
        "kubelet", f"/CN={s.NODE}", f"subjectAltName=IP:{s.NODE_IP}\nextendedKeyUsage=serverAuth\n"
    )


def kubeconfig() -> str:
    return f"""apiVersion: v1
kind: Config
clusters:
- name: {s.NAME}
  cluster: {{server: "https://{s.NODE_IP}:6443", certificate-authority: {s.STATE}/ca.crt}}
users:
- name: admin
  user: {{client-certificate: {s.STATE}/admin.crt, client-key: {s.STATE}/admin.key}}
contexts:
- name: {s.NAME}
  context: {{cluster: {s.NAME}, user: admin}}
current-context: {s.NAME}
"""


def containerd() -> str:
    return f"""version = 2
root = "{s.STATE}/containerd"
state = "{s.CONTAINERD_DIR}"
[grpc]
  address = "{s.CONTAINERD}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "weft.local/pause:1"
  # Without CAP_SYS_RESOURCE no score can be lowered, and no container would start.
  restrict_oom_score_adj = true
  # As containerd 2 has it by default: ports below 1024 need no privilege inside a pod.
  enable_unprivileged_ports = true
  enable_unprivileged_icmp = true
  # Below `state`, where they are this cluster's and go with it, and not in /run/netns.
  netns_mounts_under_state_dir = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{s.STATE}/cni"
"""


def network() -> str:
    bridge = {
        "type": "bridge",
        "bridge": "cni0",
        "isGateway": True,
        "ipMasq": False,
        "hairpinMode": True,
        "ipam": {
            "type": "host-local",
            "dataDir": f"{s.STATE}/ipam",
            "ranges": [[{"subnet": s.PODS}]],
            "routes": [{"dst": "0.0.0.0/0"}],
        },
    }
    ports = {"type": "portmap", "capabilities": {"portMappings": True}}
    return json.dumps({"cniVersion": "1.0.0", "name": "pods", "plugins": [bridge, ports]})


def kubelet() -> str:
    return f"""apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
containerRuntimeEndpoint: unix://{s.CONTAINERD}
cgroupDriver: cgroupfs
# Two kubelets below one root would take each other's pods for orphans.
cgroupRoot: /{s.NAME}
# Nor are the logs of another cluster's pods garbage.
podLogsDir: {s.STATE}/pod-logs
failCgroupV1: false
failSwapOn: false
maxPods: 240
tlsCertFile: {s.STATE}/kubelet.crt
tlsPrivateKeyFile: {s.STATE}/kubelet.key
authentication: {{anonymous: {{enabled: true}}, webhook: {{enabled: false}}}}
authorization: {{mode: AlwaysAllow}}
clusterDomain: cluster.local
clusterDNS: [{s.DNS_IP}]
# Empty: pods must not inherit this machine's.
resolvConf: {s.STATE}/resolv.conf
evictionHard: {{memory.available: 50Mi, nodefs.available: 1%, imagefs.available: 1%}}
imageMinimumGCAge: 720h
imageGCHighThresholdPercent: 100
localStorageCapacityIsolation: false
"""


def proxy() -> str:
    return f"""apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
mode: iptables
clusterCIDR: 10.244.0.0/16
hostnameOverride: {s.NODE}
clientConnection: {{kubeconfig: {s.KUBECONFIG}}}
# These are the machine's, not the namespace's.
conntrack: {{maxPerCore: 0, min: 0}}
iptables: {{minSyncPeriod: 100ms}}
"""


def audit() -> str:
    """What Weft's own programs write goes to audit.log, a line each."""
    return """apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
  - level: Metadata
    userGroups: ["system:serviceaccounts:weft-system"]
    verbs: [create, update, patch, delete]
  - level: None
"""


def api_server() -> list[str]:
    return [
        "--etcd-servers=http://127.0.0.1:2379",
        "--secure-port=6443",
        "--bind-address=0.0.0.0",
        f"--advertise-address={s.NODE_IP}",
        f"--service-cluster-ip-range={s.SERVICES}",
        "--tls-cert-file=apiserver.crt",
        "--tls-private-key-file=apiserver.key",
        "--client-ca-file=ca.crt",
        "--kubelet-client-certificate=admin.crt",
        "--kubelet-client-key=admin.key",
        "--kubelet-certificate-authority=ca.crt",
        "--kubelet-preferred-address-types=InternalIP",
        "--service-account-key-file=accounts.key",
        "--service-account-signing-key-file=accounts.key",
        "--service-account-issuer=https://kubernetes.default.svc",
        "--authorization-mode=RBAC",
        "--allow-privileged=true",
        "--audit-policy-file=audit.yaml",
        "--audit-log-path=audit.log",
        "--audit-log-maxsize=20",
        "--audit-log-maxbackup=1",
        "--v=0",
    ]
