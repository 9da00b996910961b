"""weft-policyd in a pod of its own: it serves the bed's folder of policies to sidecars that ask.
SPDX-License-Identifier: GPL-3.0-or-later
"""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .process import Process

if TYPE_CHECKING:
    from .pod import Pod

UID = 10003
PORT = 15012


class PolicydPod:
    """It can be stopped and started again. Needs the bed's authority."""

    def __init__(self, pod: Pod, **options: Any) -> None:
        self.pod, self._options = pod, options
        self.process: Process | None = None

    @property
    def address(self) -> str:
        return f"{self.pod.ip}:{PORT}"

    def start(self, account: str = "weft-policyd") -> Process:
        """With the certificate of that service account."""
        bed = self.pod.bed
        assert bed.authority
        folder = bed.run.folder("policyd", uid=UID, mode=0o700)
        leaf = bed.authority.workload(
            f"spiffe://{bed.trust_domain}/ns/weft-system/sa/{account}")
        cert = bed.run.secret(folder, "cert.pem", leaf.cert_pem(), UID)
        key = bed.run.secret(folder, "key.pem", leaf.key_pem(), UID)
        argv = [bed.run.program("weft-policyd"), "--policies", str(bed.policies.path),
                "--listen", f"0.0.0.0:{PORT}", "--trust-domain", bed.trust_domain,
                "--cert-file", str(cert), "--key-file", str(key),
                "--trust-bundle", str(bed.authority.roots), "--service-account", account]
        for name, value in self._options.items():
            argv += [f"--{name.replace('_', '-')}", str(value)]
        self.process = self.pod.start(argv, "are served on", UID, "policyd")
        return self.process

    def is_running(self) -> bool:
        return bool(self.process and self.process.is_running())

    def stop(self) -> None:
        assert self.process
        self.process.stop()

    def kill(self) -> None:
        """Without a word."""
        assert self.process
        self.process.kill()
