"""h2spec, the conformance suite for HTTP/2, against the test app in the clear and over TLS; and
h2load as one more peer. Skipped by name where Go (to build h2spec) or h2load is missing.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import os
import pathlib
import re
import subprocess
from typing import Iterator

import pytest

from bed import go_program
from bed.pki import Authority
from bed.programs import Unavailable, program, tool

PACKAGE, VERSION = "github.com/summerwind/h2spec/cmd/h2spec", "latest"
SECONDS = 120


@pytest.fixture(name="h2spec", scope="module")
def fixture_h2spec() -> str:
    try:
        return str(go_program.build(PACKAGE, VERSION))
    except Unavailable as e:
        pytest.skip(str(e))


class App:
    """weft-test-app on a free port of loopback."""

    def __init__(self, *options: str) -> None:
        try:
            command = [program("weft-test-app"), "--listen", "127.0.0.1:0", *options]
        except Unavailable as e:
            pytest.skip(str(e))
        # pylint: disable=consider-using-with
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        text=True)
        said = self.process.stdout.readline()
        found = re.search(r"listening on \S+:(\d+)", said)
        assert found, said
        self.port = found.group(1)

    def stop(self) -> None:
        """Also what sanitizers say at the end counts."""
        self.process.terminate()
        _, errors = self.process.communicate(timeout=60)
        assert self.process.returncode == 0, errors[-3000:]
        assert "ERROR:" not in errors and "runtime error" not in errors, errors[-3000:]


@pytest.fixture(name="clear")
def fixture_clear() -> Iterator[App]:
    app = App("--h2c")
    yield app
    app.stop()


@pytest.fixture(name="tls")
def fixture_tls(tmp_path: pathlib.Path) -> Iterator[App]:
    leaf = Authority(tmp_path).server("localhost")
    app = App("--tls", f"{leaf.cert},{leaf.key}")
    yield app
    app.stop()


def run_h2spec(h2spec: str, *arguments: str) -> None:
    done = subprocess.run([h2spec, "--host", "127.0.0.1", "--strict", "--timeout", "5", *arguments],
                          capture_output=True, text=True, timeout=SECONDS, check=False)
    counts = re.search(r"(\d+) tests, (\d+) passed, (\d+) skipped, (\d+) failed", done.stdout)
    assert counts, done.stdout[-2000:] + done.stderr[-2000:]
    total, passed, skipped, failed = map(int, counts.groups())
    assert failed == 0, done.stdout[done.stdout.find("Failures"):][:4000]
    assert total >= 146 and passed == total and skipped == 0, counts.group(0)


def test_conformance_in_the_clear(h2spec: str, clear: App) -> None:
    run_h2spec(h2spec, "--port", clear.port)


def test_conformance_over_tls(h2spec: str, tls: App) -> None:
    run_h2spec(h2spec, "--port", tls.port, "--tls", "--insecure")


def h2load(*arguments: str) -> str:
    try:
        load = tool("h2load")
    except Unavailable:
        pytest.skip("h2load is missing: apt-get install nghttp2-client")
    done = subprocess.run([load, *arguments], capture_output=True, text=True, timeout=SECONDS,
                          check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout


@pytest.mark.parametrize("streams", [1, 32])
def test_load_of_small_answers(clear: App, streams: int) -> None:
    out = h2load("-n", "4000", "-c", "4", "-m", str(streams), f"http://127.0.0.1:{clear.port}/")
    assert "4000 succeeded, 0 failed" in out, out


@pytest.mark.parametrize("window", [10, 20])
def test_load_of_large_answers(clear: App, window: int) -> None:
    """Through windows of 1 KiB and of 1 MiB."""
    out = h2load("-n", "40", "-c", "2", "-m", "5", "-w", str(window), "-W", str(window + 2),
                 f"http://127.0.0.1:{clear.port}/bytes/1000000")
    assert "40 succeeded, 0 failed" in out, out
    assert re.search(r"\(40000000\) data", out), out


def test_load_of_uploads(clear: App, tmp_path: pathlib.Path) -> None:
    body = tmp_path / "body"
    body.write_bytes(os.urandom(1000000))
    out = h2load("-n", "20", "-c", "2", "-m", "5", "-d", str(body),
                 f"http://127.0.0.1:{clear.port}/echo")
    assert "20 succeeded, 0 failed" in out, out
    assert re.search(r"\(20000000\) data", out), out
