"""An LDAP directory on loopback: OpenLDAP's slapd with a few users, over TLS, StartTLS or in the
clear. SPDX-License-Identifier: GPL-3.0-or-later
"""
import base64
import hashlib
import os
import pathlib

from .here import Here, free_port
from .pki import Leaf
from .process import Process
from .programs import tool

BASE = "dc=example,dc=com"
PEOPLE = f"ou=people,{BASE}"
SERVICE, SERVICE_PASSWORD = f"cn=weft,{BASE}", "the service's own"

CONFIG = """
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
pidfile {folder}/pid
TLSCACertificateFile {cert}
TLSCertificateFile {cert}
TLSCertificateKeyFile {key}
modulepath /usr/lib/ldap
moduleload back_mdb
database mdb
suffix "{base}"
rootdn "cn=admin,{base}"
directory {folder}/data
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="{service}" read by self read by * none
"""
TOP = """dn: {base}
objectClass: dcObject
objectClass: organization
o: example
dc: example

dn: {people}
objectClass: organizationalUnit
ou: people

dn: {service}
objectClass: applicationProcess
objectClass: simpleSecurityObject
cn: weft
userPassword: {password}
"""
# businessCategory is free text: what memberOf is where an overlay makes it.
USER = """
dn:: {dn}
objectClass: inetOrgPerson
uid:: {uid}
cn:: {uid}
sn: x
userPassword: {password}
"""


def _hashed(password: str) -> str:
    salt = os.urandom(8)
    digest = hashlib.sha1(password.encode() + salt).digest()
    return "{SSHA}" + base64.b64encode(digest + salt).decode()


def _coded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _escaped(name: str) -> str:
    return "".join(f"\\{ord(c):02x}" if c in ' "#+,;<=>\\' else c for c in name)


class DirectoryServer:
    """users: name -> (password, groups). `port`: ldaps; `plain_port`: ldap, and StartTLS."""

    def __init__(self, folder: pathlib.Path, tls: Leaf,
                 users: dict[str, tuple[str, list[str]]]) -> None:
        self.port, self.plain_port = free_port(), free_port()
        self._folder = folder / "directory"
        (self._folder / "data").mkdir(parents=True)
        self._config = self._folder / "slapd.conf"
        self._config.write_text(CONFIG.format(folder=self._folder, cert=tls.cert, key=tls.key,
                                              base=BASE, service=SERVICE))
        text = TOP.format(base=BASE, people=PEOPLE, service=SERVICE,
                          password=_hashed(SERVICE_PASSWORD))
        for name, (password, groups) in users.items():
            text += USER.format(dn=_coded(f"uid={_escaped(name)},{PEOPLE}"), uid=_coded(name),
                                password=_hashed(password))
            text += "".join(f"businessCategory: {g}\n" for g in groups)
        (self._folder / "users.ldif").write_text(text)
        self._run("slapadd", "-l", str(self._folder / "users.ldif"))
        self.process: Process | None = None
        self.start()

    def _run(self, name: str, *words: str) -> None:
        done = Process(name, Here(), [tool(name), "-f", str(self._config), *words],
                       self._folder / f"{name}.log")
        if done.await_end() != 0:
            raise RuntimeError(f"{name}: {done.output()}")

    def start(self) -> None:
        urls = f"ldap://127.0.0.1:{self.plain_port}/ ldaps://127.0.0.1:{self.port}/"
        self.process = Process("slapd", Here(), [tool("slapd"), "-f", str(self._config), "-h", urls,
                                                 "-d", "stats"], self._folder / "log")
        self.process.await_log("slapd starting")

    def binds_of(self, name: str) -> int:
        """How often somebody tried to be that user."""
        assert self.process
        return self.process.output().count(f'BIND dn="uid={name},{PEOPLE}" method=128')

    def stop(self) -> None:
        if self.process:
            self.process.kill()
        self.process = None
