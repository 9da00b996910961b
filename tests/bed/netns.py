"""One network namespace: made, entered by a thread, used by programs, taken down.
It owns /etc/netns/<name>, which `ip netns exec` mounts over /etc for the programs inside.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import contextlib
import ctypes
import os
import pathlib
import shutil
import socket
import subprocess
from typing import Iterator

from .programs import Unavailable, tool

CLONE_NEWNET = 0x40000000
ETC_NETNS = pathlib.Path("/etc/netns")

_libc = ctypes.CDLL(None, use_errno=True)


def _setns(fd: int) -> None:
    if _libc.setns(fd, CLONE_NEWNET) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"setns: {os.strerror(number)}")


def run_ip(*arguments: str, check: bool = True) -> str:
    """`ip …`: its output."""
    done = subprocess.run([tool("ip"), *arguments], capture_output=True, text=True, check=False)
    if check and done.returncode != 0:
        raise Unavailable(f"ip {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout


class Netns:
    """The namespace `name`. Programs run in it through `prefix`, sockets come from `new_socket`."""

    def __init__(self, name: str) -> None:
        self.name = name
        try:
            run_ip("netns", "add", name)
        except Unavailable as e:
            raise Unavailable(f"network namespaces are not possible here: {e}") from None
        self.etc = ETC_NETNS / name
        self.etc.mkdir(parents=True, exist_ok=True)
        self.ip("link", "set", "lo", "up")
        self._fd = os.open(f"/run/netns/{name}", os.O_RDONLY | os.O_CLOEXEC)

    def ip(self, *arguments: str) -> str:
        """`ip …` inside."""
        return run_ip("-n", self.name, *arguments)

    def run(self, *command: str, check: bool = True, text: str | None = None
            ) -> "subprocess.CompletedProcess[str]":
        """A short command inside, to its end."""
        return subprocess.run(self.prefix() + list(command), input=text, capture_output=True,
                              text=True, check=check, timeout=60)

    def prefix(self) -> list[str]:
        """What to put before a command so that it runs inside."""
        return [tool("ip"), "netns", "exec", self.name]

    def write_etc(self, name: str, text: str) -> None:
        """A file of /etc as programs inside see it. Rewritten in place: it may be mounted."""
        (self.etc / name).write_text(text)

    def set_sysctl(self, path: str, value: str) -> None:
        """One of the settings that each network namespace has of its own."""
        with self.entered(), open(f"/proc/sys/{path}", "w", encoding="ascii") as f:
            f.write(value)

    @contextlib.contextmanager
    def entered(self) -> Iterator[None]:
        """The calling thread is inside for as long as this lasts."""
        before = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        try:
            _setns(self._fd)
            yield
        finally:
            _setns(before)
            os.close(before)

    def new_socket(self, family: int = socket.AF_INET, kind: int = socket.SOCK_STREAM,
               proto: int = 0) -> socket.socket:
        """A socket that lives inside, usable from anywhere."""
        with self.entered():
            return socket.socket(family, kind, proto)

    def connect(self, address: str, port: int, timeout: float = 30.0) -> socket.socket:
        """A TCP connection from inside to a numeric address."""
        sock = self.new_socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
        try:
            sock.settimeout(timeout)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.connect((address, port))
        except BaseException:
            sock.close()
            raise
        return sock

    def close(self) -> None:
        """Lets go of it; it stays."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def delete(self) -> None:
        self.close()
        remove(self.name)


def remove(name: str) -> None:
    """The namespace and its files, whoever made them."""
    run_ip("netns", "del", name, check=False)
    shutil.rmtree(ETC_NETNS / name, ignore_errors=True)
    with contextlib.suppress(OSError):
        ETC_NETNS.rmdir()


def listed() -> list[str]:
    """Names of all namespaces of this machine."""
    return [line.split()[0] for line in run_ip("netns", "list", check=False).splitlines() if line]
