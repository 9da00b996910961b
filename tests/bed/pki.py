"""Certificates made at run time with the openssl program: for the ingress, and good and bad ones to
show to a sidecar. SPDX-License-Identifier: GPL-3.0-or-later
"""
import datetime
import pathlib
import subprocess
from dataclasses import dataclass
from typing import Sequence

from .programs import tool

CA_CONFIG = """
[ca]
default_ca = it
[it]
database = {dir}/index.txt
rand_serial = yes
default_md = sha256
policy = any
unique_subject = no
copy_extensions = none
[any]
commonName = optional
organizationName = optional
"""


def openssl(*arguments: str) -> str:
    done = subprocess.run([tool("openssl"), *arguments], capture_output=True, text=True,
                          check=False)
    if done.returncode != 0:
        raise RuntimeError(f"openssl {' '.join(arguments)}: {done.stderr.strip()[-800:]}")
    return done.stdout


def _stamp(seconds_from_now: float) -> str:
    at = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds_from_now)
    return at.strftime("%Y%m%d%H%M%SZ")


@dataclass
class Leaf:
    """Files in PEM: the chain, leaf first, and the key."""
    cert: pathlib.Path
    key: pathlib.Path

    def cert_pem(self) -> str:
        return self.cert.read_text()

    def key_pem(self) -> str:
        return self.key.read_text()


class Authority:
    """A CA in a folder. `roots` is its certificate."""

    def __init__(self, folder: pathlib.Path, name: str = "bed root",
                 parent: "Authority | None" = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self._count = folder, 0
        self.roots, self.key = folder / "ca.pem", folder / "ca.key"
        (folder / "index.txt").touch()
        (folder / "ca.cnf").write_text(CA_CONFIG.format(dir=folder))
        extensions = ["basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign,cRLSign"]
        if parent:
            made = parent.issue(name, extensions, key=self.key)
            self.roots.write_text(made.cert_pem())
        else:
            self._new_key(self.key)
            openssl("req", "-x509", "-new", "-key", str(self.key), "-out", str(self.roots),
                    "-days", "30", "-subj", f"/CN={name}", *self._options("-addext", extensions))
        self.parent = parent

    @staticmethod
    def load(folder: pathlib.Path, cert: pathlib.Path, key: pathlib.Path) -> "Authority":
        """A CA that exists already, such as certd's, to sign what it never would."""
        folder.mkdir(parents=True, exist_ok=True)
        made = Authority.__new__(Authority)
        made.folder, made._count, made.parent = folder, 0, None
        made.roots, made.key = cert, key
        (folder / "index.txt").touch()
        (folder / "ca.cnf").write_text(CA_CONFIG.format(dir=folder))
        return made

    @staticmethod
    def _options(flag: str, values: Sequence[str]) -> list[str]:
        return [word for value in values for word in (flag, value)]

    @staticmethod
    def _new_key(path: pathlib.Path) -> None:
        openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", str(path))
        path.chmod(0o600)

    def issue(self, name: str, extensions: Sequence[str], begins: float = -60.0,
              ends: float = 3600.0, key: pathlib.Path | None = None) -> Leaf:
        """A certificate with exactly these extensions, valid from and until seconds from now."""
        self._count += 1
        stem = self.folder / f"leaf{self._count}"
        key = key or stem.with_suffix(".key")
        if not key.exists():
            self._new_key(key)
        request, conf = stem.with_suffix(".csr"), stem.with_suffix(".ext")
        openssl("req", "-new", "-key", str(key), "-out", str(request), "-subj", f"/CN={name}")
        conf.write_text("\n".join(extensions) + "\n")
        out = stem.with_suffix(".pem")
        openssl("ca", "-batch", "-notext", "-config", str(self.folder / "ca.cnf"),
                "-cert", str(self.roots), "-keyfile", str(self.key), "-in", str(request),
                "-out", str(out), "-extfile", str(conf), "-outdir", str(self.folder),
                "-startdate", _stamp(begins), "-enddate", _stamp(ends))
        return Leaf(out, key)

    def workload(self, *uris: str, begins: float = -60.0, ends: float = 3600.0,
                 chain: bool = False, extra: Sequence[str] = ()) -> Leaf:
        """A leaf as the mesh has them, for these URI names."""
        names = ",".join(f"URI:{u}" for u in uris)
        extensions = ["basicConstraints=critical,CA:FALSE",
                      "keyUsage=critical,digitalSignature",
                      "extendedKeyUsage=serverAuth,clientAuth", *extra]
        if uris:
            extensions.append(f"subjectAltName=critical,{names}")
        leaf = self.issue("workload", extensions, begins, ends)
        if chain:
            leaf.cert.write_text(leaf.cert_pem() + self.roots.read_text())
        return leaf

    def server(self, *hosts: str) -> Leaf:
        """A leaf for a public server of these host names."""
        names = ",".join(f"DNS:{h}" for h in hosts)
        return self.issue(hosts[0], ["basicConstraints=critical,CA:FALSE",
                                     "keyUsage=critical,digitalSignature",
                                     "extendedKeyUsage=serverAuth", f"subjectAltName={names}"])
