"""Certificates that no mesh peer may show, each with what the log must say of it. All but those of
strangers are signed with the mesh's own key, misused.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import base64
import pathlib
import re
from dataclasses import dataclass
from typing import Callable, Sequence

from bed.pki import Authority, Leaf, openssl

TRUST = "cluster.local"
# Both ends show the same name, so that each can be shown to the other.
ME = f"spiffe://{TRUST}/ns/default/sa/server"
LEAF = ["basicConstraints=critical,CA:FALSE", "keyUsage=critical,digitalSignature",
        "extendedKeyUsage=serverAuth,clientAuth"]


@dataclass
class World:
    """The mesh's CA, and one that looks just like it."""
    mesh: Authority
    foreign: Authority
    folder: pathlib.Path


def san(*names: str) -> str:
    return "subjectAltName=critical," + ",".join(names)


def with_san(*names: str) -> Callable[[World], Leaf]:
    return lambda w: w.mesh.issue("workload", [*LEAF, san(*names)])


def with_usage(*extensions: str) -> Callable[[World], Leaf]:
    return lambda w: w.mesh.issue("workload", [*extensions, san(f"URI:{ME}")])


def times(begins: float, ends: float) -> Callable[[World], Leaf]:
    return lambda w: w.mesh.workload(ME, begins=begins, ends=ends)


def chained(leaf: Leaf, *issuers: pathlib.Path) -> Leaf:
    leaf.cert.write_text(leaf.cert_pem() + "".join(i.read_text() for i in issuers))
    return leaf


def self_signed(w: World) -> Leaf:
    key, cert = w.folder / "self.key", w.folder / "self.pem"
    openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", str(key))
    more = [word for e in [*LEAF, san(f"URI:{ME}")] for word in ("-addext", e)]
    openssl("req", "-x509", "-new", "-key", str(key), "-out", str(cert), "-days", "1",
            "-subj", "/CN=workload", *more)
    return Leaf(cert, key)


def by_a_leaf(w: World) -> Leaf:
    """A workload that signs for another one."""
    signer = w.mesh.workload(ME)
    sub = Authority.load(w.folder / "by-leaf", signer.cert, signer.key)
    return chained(sub.workload(ME), signer.cert)


def intermediate(w: World, name: str, *extensions: str) -> Authority:
    made = w.mesh.issue(name, extensions)
    return Authority.load(w.folder / name, made.cert, made.key)


def too_deep(w: World) -> Leaf:
    first = intermediate(w, "shallow", "basicConstraints=critical,CA:TRUE,pathlen:0",
                         "keyUsage=critical,keyCertSign")
    second = first.issue("below", ["basicConstraints=critical,CA:TRUE",
                                   "keyUsage=critical,keyCertSign"])
    last = Authority.load(w.folder / "below", second.cert, second.key)
    return chained(last.workload(ME), second.cert, first.roots)


def long_chain(w: World) -> Leaf:
    issuers, signer = [], w.mesh
    for depth in range(20):
        made = signer.issue(f"depth {depth}", ["basicConstraints=critical,CA:TRUE",
                                               "keyUsage=critical,keyCertSign"])
        issuers.insert(0, made.cert)
        signer = Authority.load(w.folder / f"depth{depth}", made.cert, made.key)
    return chained(signer.workload(ME), *issuers)


def _public_point(der: bytes) -> bytes:
    return re.search(rb"\x03\x42\x00(\x04[\s\S]{64})", der).group(1)


def _der(pem: str) -> bytes:
    return base64.b64decode("".join(pem.split("-----")[2].split()))


def clone(w: World) -> Leaf:
    """The CA's certificate with another key put in, its signature untouched: whoever compares
    certificates by less than everything takes it for the CA."""
    stranger = Authority(w.folder / "stranger", "hostile root")
    ca, own = _der(w.mesh.roots.read_text()), _der(stranger.roots.read_text())
    forged = ca.replace(_public_point(ca), _public_point(own))
    pem = w.folder / "clone.pem"
    pem.write_text("-----BEGIN CERTIFICATE-----\n" + base64.encodebytes(forged).decode() +
                   "-----END CERTIFICATE-----\n")
    signer = Authority.load(w.folder / "clone", pem, stranger.key)
    leaf = stranger.workload(ME)
    return chained(leaf, signer.roots)


@dataclass
class Bad:
    make: Callable[[World], Leaf]
    log: str


UNTRUSTED = r"issuer is not among the trusted roots|signature does not match|self-signed|" \
    r"an issuer of its chain is not a CA"
SIGNING = r"CA certificate|allows signing|key usage contradicts|does not allow digital signatures"
INVALID = r"is not a valid SPIFFE ID|subject alternative name is malformed"

LEAVES: dict[str, Bad] = {
    "from another CA": Bad(lambda w: w.foreign.workload(ME), UNTRUSTED),
    "from another CA, with its root": Bad(lambda w: w.foreign.workload(ME, chain=True), UNTRUSTED),
    "self-signed": Bad(self_signed, UNTRUSTED),
    "a clone of the CA": Bad(clone, UNTRUSTED),
    "signed by a workload": Bad(by_a_leaf, UNTRUSTED + "|may not sign|key usage"),
    "signed deeper than allowed": Bad(too_deep, r"may not sign that deep"),
    "a chain of twenty": Bad(long_chain, r"chain is too long|may not sign|trusted roots"),
    "expired": Bad(times(-7200, -3600), r"has expired at \d{4}-"),
    "not valid yet": Bad(times(3600, 7200), r"is not valid yet, but from \d{4}-"),
    "the CA itself": Bad(lambda w: Leaf(w.mesh.roots, w.mesh.key), SIGNING + r"|no URI SAN"),
    "a CA with a name": Bad(with_usage("basicConstraints=critical,CA:TRUE",
                                       "keyUsage=critical,digitalSignature,keyCertSign"), SIGNING),
    "may sign certificates": Bad(with_usage("basicConstraints=critical,CA:FALSE",
                                            "keyUsage=critical,digitalSignature,keyCertSign"),
                                 SIGNING),
    "may sign CRLs": Bad(with_usage("basicConstraints=critical,CA:FALSE",
                                    "keyUsage=critical,digitalSignature,cRLSign"), SIGNING),
    "may not sign handshakes": Bad(with_usage("basicConstraints=critical,CA:FALSE",
                                              "keyUsage=critical,keyEncipherment"),
                                   r"digitalSignature|digital signatures"),
    "no key usage": Bad(with_usage("basicConstraints=critical,CA:FALSE"), r"digitalSignature"),
    "for servers alone": Bad(with_usage(*LEAF[:2], "extendedKeyUsage=serverAuth"),
                             r"extended key usage"),
    "for clients alone": Bad(with_usage(*LEAF[:2], "extendedKeyUsage=clientAuth"),
                             r"extended key usage"),
    "for code": Bad(with_usage(*LEAF[:2], "extendedKeyUsage=codeSigning"), r"extended key usage"),
    "no name": Bad(lambda w: w.mesh.issue("workload", LEAF), r"no URI SAN"),
    "two names": Bad(with_san(f"URI:{ME}", "URI:spiffe://cluster.local/ns/default/sa/admin"),
                     r"has 2 URI SANs"),
    "the same name twice": Bad(with_san(f"URI:{ME}", f"URI:{ME}"), r"has 2 URI SANs"),
    "a name as a DNS name": Bad(with_san(f"DNS:{ME}"), r"no URI SAN"),
    "a name as an e-mail address": Bad(with_san(f"email:{ME}"), r"no URI SAN|malformed"),
    "a name as the subject": Bad(lambda w: w.mesh.issue(ME.replace("/", "\\/"), LEAF),
                                 r"no URI SAN"),
    "another trust domain": Bad(with_san("URI:spiffe://other.example/ns/default/sa/server"),
                                r"another trust domain"),
    "a trust domain that begins alike": Bad(
        with_san(f"URI:spiffe://{TRUST}.example/ns/default/sa/server"), r"another trust domain"),
    "a trust domain that ends alike": Bad(
        with_san(f"URI:spiffe://evil-{TRUST}/ns/default/sa/server"), r"another trust domain"),
    "no path": Bad(with_san("URI:spiffe://cluster.local"), r"has no path"),
    "an endless name": Bad(with_san("URI:spiffe://cluster.local/" + "a" * 3000), INVALID),
}
for _name in ("https://cluster.local/ns/default/sa/server",
              "SPIFFE://cluster.local/ns/default/sa/server",
              f"spiffe://{TRUST.upper()}/ns/default/sa/server", "spiffe://cluster.local/",
              "spiffe://cluster.local/ns/default/sa/server/",
              "spiffe://cluster.local//ns/default/sa/server",
              "spiffe://cluster.local/ns/../sa/server", "spiffe://cluster.local/ns/./sa/server",
              "spiffe://cluster.local:443/ns/default/sa/server",
              "spiffe://user@cluster.local/ns/default/sa/server",
              "spiffe://cluster.local/ns/default/sa/server?x",
              "spiffe://cluster.local/ns/default/sa/%73erver",
              "spiffe://cluster%2elocal/ns/default/sa/server",
              "spiffe:cluster.local/ns/default/sa/server",
              "spiffe:///ns/default/sa/server", "cluster.local/ns/default/sa/server"):
    LEAVES[f"the name {_name}"] = Bad(with_san(f"URI:{_name}"), INVALID)
NAMES: Sequence[str] = tuple(LEAVES)
