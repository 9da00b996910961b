#!/usr/bin/env python3
"""A one-node Kubernetes in a network namespace: up, down, status, env, load. See scripts/cluster.
SPDX-License-Identifier: GPL-3.0-or-later
"""

from __future__ import annotations

import fcntl
import glob
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import IO

import configs
import servers
import settings as s
from image import Image

CNI_RESULTS = pathlib.Path("/var/lib/cni/results")
HERE = pathlib.Path(__file__).resolve().parent


def say(text: str) -> None:
    print(f"cluster: {text}", file=sys.stderr, flush=True)


def run(
    *command: str, check: bool = True, quiet: bool = True, timeout: float = 120
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(command, capture_output=quiet, text=True, check=False, timeout=timeout)
    if check and done.returncode:
        sys.exit(f"cluster: {' '.join(command)}: {(done.stderr or '').strip()}")
    return done


def inside(*command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    return run("nsenter", f"--net={s.NETNS}", *command, check=check)


def kubectl(*args: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    return run(str(s.BIN / "kubectl"), "--kubeconfig", str(s.KUBECONFIG), *args, check=check)


def wait(what: str, log: str, ready: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            tail = run("tail", "-n", "15", str(s.STATE / log), check=False).stdout
            sys.exit(
                f"cluster: {what} did not come up in {seconds:.0f} s; the end of {s.STATE / log}:\n"
                f"{tail}"
            )
        time.sleep(0.1)


# ---- one at a time ----


def take_turn() -> IO[str]:
    """Waits for whoever brings this cluster up or down just now; ended by `down`, see below."""
    s.LOCK.parent.mkdir(parents=True, exist_ok=True)
    lock = open(s.LOCK, "a+", encoding="ascii")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        say(f"{s.NAME} is being brought up or down; waiting for that")
        fcntl.flock(lock, fcntl.LOCK_EX)
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()
    return lock


def interrupt_up() -> None:
    """What is to be taken down need not come up first."""
    try:
        pid = int(s.LOCK.read_text())
        command = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (OSError, ValueError):
        return
    if b"up" in command and any(word.endswith(b"cluster.py") for word in command):
        say(f"stops pid {pid}, which brings {s.NAME} up")
        try:
            os.kill(pid, signal.SIGTERM)
        except ProcessLookupError:
            pass


# ---- up ----


def make_network() -> None:
    run("ip", "netns", "add", s.NAME)
    run("ip", "-n", s.NAME, "link", "set", "lo", "up")
    run("ip", "link", "add", s.veth(), "type", "veth", "peer", "name", "eth0", "netns", s.NAME)
    run("ip", "addr", "add", f"{s.HOST_IP}/24", "dev", s.veth())
    run("ip", "link", "set", s.veth(), "up")
    run("ip", "-n", s.NAME, "addr", "add", f"{s.NODE_IP}/24", "dev", "eth0")
    run("ip", "-n", s.NAME, "link", "set", "eth0", "up")
    run("ip", "-n", s.NAME, "route", "add", "default", "via", s.HOST_IP)
    # A local client needs a route before kube-proxy's translation sees its packet. A bridge without
    # ports will do; not every kernel has dummy devices.
    run("ip", "-n", s.NAME, "link", "add", "balancers", "type", "bridge")
    run("ip", "-n", s.NAME, "link", "set", "balancers", "up")
    run("ip", "-n", s.NAME, "route", "add", s.BALANCERS, "dev", "balancers", "src", s.NODE_IP)
    for chain in ("OUTPUT", "FORWARD"):  # an address of nobody is refused, not waited for
        inside(
            "iptables",
            "-w",
            "-A",
            chain,
            "-d",
            s.BALANCERS,
            "-p",
            "tcp",
            "-j",
            "REJECT",
            "--reject-with",
            "tcp-reset",
        )
        inside("iptables", "-w", "-A", chain, "-d", s.BALANCERS, "-j", "REJECT")
    inside("sysctl", "-qw", "net.ipv4.ip_forward=1")
    inside("sysctl", "-qw", "net.bridge.bridge-nf-call-iptables=1", check=False)


def cgroup_roots() -> list[pathlib.Path]:
    top = pathlib.Path("/sys/fs/cgroup")
    return (
        [top]
        if (top / "cgroup.controllers").exists()
        else [p for p in top.iterdir() if os.access(p / "cgroup.procs", os.W_OK)]
    )


def make_cgroups() -> None:
    for root in cgroup_roots():
        own = root / s.NAME
        own.mkdir(exist_ok=True)
        for name in ("cpuset.cpus", "cpuset.mems"):
            if (own / name).exists() and not (own / name).read_text().strip():
                (own / name).write_text((root / name).read_text())


def own_images() -> list[pathlib.Path]:
    pause = Image(["/bin/busybox", "sleep", "2147483647"])
    pause.program("/bin/busybox")
    dns = Image(["/coredns"], user="65532:65532")
    dns.program(s.BIN / "coredns", "/coredns")
    for name, image in (("pause", pause), ("coredns", dns)):
        image.write(s.STATE / f"{name}.tar", [f"weft.local/{name}:1"])
    return [s.STATE / "pause.tar", s.STATE / "coredns.tar"]


def load(paths: list[pathlib.Path]) -> None:
    for path in paths:
        done = run(
            "ctr",
            "-a",
            str(s.CONTAINERD),
            "-n",
            "k8s.io",
            "image",
            "import",
            str(path),
            check=False,
        )
        if done.returncode:
            sys.exit(f"cluster: {path}: {done.stderr.strip()}")


def apply_crds() -> None:
    files = [word for path in sorted(s.CRDS.glob("gateway*.yaml")) for word in ("-f", str(path))]
    # On the server's side: they are too long for the annotation that kubectl would keep.
    kubectl("apply", "--server-side", "--force-conflicts", *files)


def is_ready() -> bool:
    return kubectl("get", "--raw", "/readyz", check=False).returncode == 0


def node_is_ready() -> bool:
    jsonpath = '-o=jsonpath={.status.conditions[?(@.type=="Ready")].status}'
    return kubectl("get", "node", s.NODE, jsonpath, check=False).stdout == "True"


def up() -> None:
    with take_turn():
        up_alone()


def up_alone() -> None:
    if (
        s.KUBECONFIG.exists()
        and s.NETNS.exists()
        and all(servers.running(n) for n in ("apiserver", "kubelet"))
        and is_ready()
        and node_is_ready()
    ):
        say(f"{s.NAME} is up already")
        return
    clear()
    began = time.monotonic()
    s.STATE.mkdir(parents=True)
    s.STATE.chmod(0o700)
    try:
        bring_up()
    except BaseException:
        say(f"not up; logs are in {s.STATE}")
        raise
    say(f'{s.NAME} is up in {time.monotonic() - began:.1f} s; eval "$(scripts/cluster env)"')


def bring_up() -> None:
    make_network()
    make_cgroups()
    configs.write_all()
    servers.start(
        "etcd",
        "etcd",
        "--data-dir",
        str(s.STATE / "etcd"),
        "--unsafe-no-fsync",
        "--listen-client-urls",
        "http://127.0.0.1:2379",
        "--advertise-client-urls",
        "http://127.0.0.1:2379",
        "--listen-peer-urls",
        "http://127.0.0.1:2380",
    )
    servers.start("containerd", "containerd", "-c", str(s.STATE / "containerd.toml"))
    servers.start("apiserver", str(s.BIN / "kube-apiserver"), *configs.api_server())
    wait("the API server", "apiserver.log", is_ready)
    config = ["--kubeconfig", str(s.KUBECONFIG)]
    servers.start(
        "controllers",
        str(s.BIN / "kube-controller-manager"),
        *config,
        "--leader-elect=false",
        "--service-account-private-key-file=accounts.key",
        "--root-ca-file=ca.crt",
        "--allocate-node-cidrs=false",
    )
    servers.start("scheduler", str(s.BIN / "kube-scheduler"), *config, "--leader-elect=false")
    wait("containerd", "containerd.log", s.CONTAINERD.exists)
    load(own_images())
    servers.start(
        "kubelet",
        str(s.BIN / "kubelet"),
        *config,
        "--config",
        str(s.STATE / "kubelet.yaml"),
        "--hostname-override",
        s.NODE,
        "--node-ip",
        s.NODE_IP,
        "--root-dir",
        str(s.STATE / "kubelet"),
    )
    servers.start("proxy", str(s.BIN / "kube-proxy"), "--config", str(s.STATE / "proxy.yaml"))
    servers.start(
        "balancer",
        str(s.BIN / "load-balancer"),
        *config,
        "--first",
        s.BALANCER_FIRST,
        "--last",
        s.BALANCER_LAST,
    )
    kubectl("apply", "-f", str(HERE / "manifests" / "dns.yaml"))
    apply_crds()
    wait("the node", "kubelet.log", node_is_ready)
    kubectl("-n", "kube-system", "rollout", "status", "deploy/coredns", "--timeout=60s")


# ---- down ----


def stop_pods() -> None:
    """The controllers go first, or they would make every pod anew."""
    servers.stop([p for n in ("controllers", "scheduler", "balancer") if (p := servers.running(n))])
    if servers.running("apiserver") and is_ready():
        kubectl(
            "delete",
            "pods",
            "-A",
            "--all",
            "--grace-period=0",
            "--force",
            "--wait=false",
            "--request-timeout=10s",
            check=False,
        )
    deadline = time.monotonic() + 15
    while servers.running("containerd") and time.monotonic() < deadline:
        tasks = run(
            "timeout",
            "2",
            "ctr",
            "-a",
            str(s.CONTAINERD),
            "-n",
            "k8s.io",
            "task",
            "ls",
            "-q",
            check=False,
        )
        if tasks.returncode or not tasks.stdout.strip():
            break
        time.sleep(0.1)


def unmount() -> None:
    mounts = [line.split()[1] for line in pathlib.Path("/proc/mounts").read_text().splitlines()]
    for mount in reversed(mounts):
        if mount.startswith((f"{s.STATE}/", f"{s.CONTAINERD_DIR}/")):
            run("umount", "-l", mount, check=False)


def remove_network() -> None:
    if not s.NETNS.exists():
        run("ip", "link", "del", s.veth(), check=False)
        return
    # Of a cluster whose containerd still kept them there.
    links = run("ip", "-n", s.NAME, "-o", "link", "show", "type", "veth", check=False).stdout
    for word in links.replace("\\", " ").split():
        if word.startswith("cni-"):
            run("ip", "netns", "del", word, check=False)
    run("ip", "netns", "del", s.NAME, check=False)
    run("ip", "link", "del", s.veth(), check=False)


def remove_cni_results() -> None:
    """What the network plugins remember of pods, of all clusters in one folder."""
    for path in CNI_RESULTS.glob("*"):
        try:
            if str(s.CONTAINERD_DIR) in path.read_text(errors="replace"):
                path.unlink()
        except OSError:
            pass


def kill_containers() -> None:
    """What is left of pods when their keepers are gone: crashed, stuck, or made a moment ago."""
    for root in cgroup_roots():
        for procs in glob.glob(f"{root / s.NAME}/**/cgroup.procs", recursive=True):
            try:
                pids = pathlib.Path(procs).read_text().split()
            except OSError:
                continue
            for pid in pids:
                try:
                    os.kill(int(pid), signal.SIGKILL)
                except ProcessLookupError:
                    pass


def remove_cgroups() -> None:
    deadline = time.monotonic() + 5
    for root in cgroup_roots():
        while (root / s.NAME).exists() and time.monotonic() < deadline:
            kill_containers()
            for folder in sorted(
                glob.glob(f"{root / s.NAME}/**/", recursive=True), key=len, reverse=True
            ):
                try:
                    os.rmdir(folder)
                except OSError:
                    pass
            time.sleep(0.02)


def clear() -> None:
    if s.STATE.exists():
        stop_pods()
    servers.stop(servers.all_ours())
    kill_containers()
    unmount()
    remove_network()
    remove_cni_results()
    remove_cgroups()
    shutil.rmtree(s.CONTAINERD_DIR, ignore_errors=True)
    shutil.rmtree(s.STATE, ignore_errors=True)


def down() -> None:
    interrupt_up()
    with take_turn():
        there = s.STATE.exists() or s.NETNS.exists()
        clear()
    say(f"{s.NAME} is down" if there else f"{s.NAME} was not up")


# ---- asking ----


def is_up() -> bool:
    return s.KUBECONFIG.exists() and bool(servers.running("apiserver")) and is_ready()


def status() -> None:
    if not is_up():
        say(f"{s.NAME} is not up")
        sys.exit(1)
    for name in (
        "etcd",
        "containerd",
        "apiserver",
        "controllers",
        "scheduler",
        "kubelet",
        "proxy",
        "balancer",
    ):
        pid = servers.running(name)
        how = f"runs, pid {pid}" if pid else f"is not running: {s.STATE / name}.log"
        print(f"{name:12} {how}")
    kubectl_out = kubectl("get", "pods", "-A", "-o", "wide", check=False)
    print(kubectl_out.stdout, end="")


def env() -> None:
    print(
        f"export KUBECONFIG={s.KUBECONFIG}\nexport PATH={s.BIN}:$PATH\nexport WEFT_NETNS={s.NETNS}"
    )


def main(words: list[str]) -> None:
    command, *rest = words
    if command == "load":
        load([pathlib.Path(w) for w in rest])
    elif command == "is-up":
        sys.exit(0 if is_up() else 1)
    else:
        {"up": up, "down": down, "status": status, "env": env}[command]()


main(sys.argv[1:])
