# One copy of the tree in which mutations are tried, one after the other: change, build, test, put
# back. Only what can see the changed file is built and run, the nearest test first.
# SPDX-License-Identifier: GPL-3.0-or-later
import json
import os
import re
import shutil
import subprocess

PRODUCT = re.compile(r"\b[tTdDbBrR] (\w+)$")
# End-to-end tests that walk through a folder's code; tried only on what the others did not notice.
# How a program starts and stops is seen by nothing else, so its files come first.
STARTUP = re.compile(r"(^|/)(main|app|certd(_\w+)?|serving|\w*options|settings)\.c$")
E2E_STARTUP = [
    ("certd/", "start|certd|certd_cluster"),
    ("policies/policyd/", "start|policyd|policyd_cluster"),
    ("injector/", "start|injector"),
    ("weftctl/", "start|weftctl"),
    ("sidecar/", "start|live|identity|telemetry|interception|probes"),
]
E2E = [
    ("certd/", "certd|identity|certd_cluster"),
    ("policies/policyd/", "policyd|policyd_cluster"),
    ("policies/", "routing|gateway|security|weftctl"),
    ("injector/", "injector"),
    ("lib/inject/", "injector|weftctl_inject"),
    ("lib/kube/", "kube|policyd_cluster"),
    ("lib/identity/", "identity|certd"),
    ("lib/tls/", "security|identity|gateway"),
    ("lib/codec/", "http1|http1_bad|http2|bodies"),
    ("lib/net/", "http1|http2|bodies|mesh_call"),
    ("lib/", "mesh_call|http1"),
    ("sidecar/redirect", "redirect|interception"),
    ("sidecar/upstream/", "resilience|routing"),
    ("sidecar/telemetry/", "telemetry"),
    ("sidecar/config/", "discovery|live|gateway"),
    ("sidecar/", "mesh_call|interception|resilience|ingress|security|limits"),
    ("weftctl/explain", "weftctl_explain|explain_agrees"),
    ("weftctl/", "weftctl|weftctl_explain|weftctl_install"),
]


def run(command, cwd, timeout, environment=None):
    """(status, output); a test that hangs has noticed something: 124."""
    try:
        done = subprocess.run(command, cwd=cwd, timeout=timeout, text=True, errors="replace",
                              env=environment,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, check=False)
    except subprocess.TimeoutExpired as late:
        return 124, (late.stdout or b"").decode(errors="replace") if late.stdout else ""
    return done.returncode, done.stdout


def write(path, text):
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)


class Trial:
    """A copy of the tree with a build of its own."""

    def __init__(self, root, folder, sanitize=False):
        self.root, self.folder, self.plain = root, folder, None
        self.source = os.path.join(folder, "source")
        self.build = os.path.join(folder, "build-asan" if sanitize else "build")
        self.environment = {**os.environ, "WEFT_SOURCE": self.source, "WEFT_BUILD": self.build}
        if sanitize:
            self.environment.update(
                ASAN_OPTIONS="detect_leaks=1:strict_string_checks=1",
                LSAN_OPTIONS=f"suppressions={self.source}/cmake/lsan.supp:print_suppressions=0",
                WEFT_SANITIZE="address,undefined")
        # Hundreds of programs are linked for one change; debug information only takes time.
        self.settings = ["-DCMAKE_BUILD_TYPE=Debug", "-DWEFT_WERROR=OFF",
                         "-DCMAKE_EXE_LINKER_FLAGS=-Wl,-S",
                         f"-DWEFT_SANITIZE={'address,undefined' if sanitize else ''}"]

    def prepare(self):
        """Copies what the tree holds now and builds all of it; RuntimeError says why not."""
        os.makedirs(self.source, exist_ok=True)
        listed = subprocess.run(
            ["git", "-C", self.root, "ls-files", "--cached", "--others", "--exclude-standard"],
            capture_output=True, text=True, check=True).stdout.splitlines()
        wanted = {p for p in listed if os.path.isfile(os.path.join(self.root, p))}
        for folder, _, names in os.walk(self.source):
            for name in names:
                path = os.path.join(folder, name)
                if os.path.relpath(path, self.source) not in wanted:
                    os.unlink(path)
        for path in wanted:
            self.restore(path)
        for command in (["cmake", "-S", self.source, "-B", self.build, "-G", "Ninja",
                         *self.settings],
                        ["cmake", "--build", self.build]):
            status, output = run(command, self.source, 3600)
            if status:
                raise RuntimeError(output[-4000:])
        self.compiled = self.read_compiled()
        self.see()
        for name in [n for n in self.symbols if not self.passes_alone(n)]:
            print(f"scripts/mutate: {name} fails without any mutation and is not asked", flush=True)
            del self.symbols[name]

    def restore(self, path):
        """Copies a file where its text differs; equal files keep their times: short builds."""
        here, there = os.path.join(self.root, path), os.path.join(self.source, path)
        os.makedirs(os.path.dirname(there), exist_ok=True)
        with open(here, "rb") as f:
            text = f.read()
        if os.path.exists(there):
            with open(there, "rb") as f:
                if f.read() == text:
                    return
        shutil.copyfile(here, there)
        shutil.copymode(here, there)

    def read_compiled(self):
        """The files of this build; sanitizers have others in the place of some."""
        with open(os.path.join(self.build, "compile_commands.json"), encoding="utf-8") as f:
            return {os.path.relpath(one["file"], self.source) for one in json.load(f)}

    def builder_of(self, path):
        """This build, or one without sanitizers of the same copy where only that has the file."""
        if path in self.compiled:
            return self
        if not self.plain:
            self.plain = Trial(self.root, self.folder)
            self.plain.prepare()
        return self.plain

    def see(self):
        """For each test program, the functions that are linked into it."""
        self.symbols = {}
        for kind, folder in (("unit", "tests"), ("fuzz", "fuzz")):
            place = os.path.join(self.build, folder)
            for name in sorted(os.listdir(place)) if os.path.isdir(place) else []:
                path = os.path.join(place, name)
                if not os.access(path, os.X_OK) or os.path.isdir(path):
                    continue
                listed = subprocess.run(["nm", "--defined-only", path], capture_output=True,
                                        text=True, check=False).stdout
                self.symbols[name] = {m.group(1) for m in map(PRODUCT.search,
                                                              listed.splitlines()) if m}

    def tests_of(self, path):
        """Names of test programs that have the file's code in them, the nearest first."""
        with open(os.path.join(self.source, path), encoding="utf-8") as f:
            text = f.read()
        defined = set(re.findall(r"^(?!static\b)\w[\w \*]*?\b(\w+)\([^;]*$", text, re.MULTILINE))
        # Some files give out nothing but a table of what they can do.
        defined |= set(re.findall(r"^(?!static\b)\w[\w \*]*?\b(\w+)(?:\[[^\]]*\])* = ", text,
                                  re.MULTILINE))
        stem = os.path.splitext(os.path.basename(path))[0]
        seen = [name for name, symbols in self.symbols.items() if defined & symbols]
        near = {f"test_{stem}": 0}
        return sorted(seen, key=lambda n: (near.get(n, 1 if stem in n else 2),
                                           n.startswith("fuzz_"), len(self.symbols[n]), n))

    def passes(self, tests):
        """Builds and runs the tests; None when the change does not compile."""
        status, output = run(["cmake", "--build", self.build, "--target", *tests], self.source, 900)
        if status:
            return None if "error:" in output else True
        return all(self.passes_alone(name) for name in tests)

    def passes_alone(self, name):
        """Runs one test program as CTest would, but with little patience for one that hangs."""
        is_fuzz = name.startswith("fuzz_")
        command = [os.path.join(self.build, "fuzz" if is_fuzz else "tests", name)]
        if is_fuzz:
            command.append(os.path.join(self.source, "tests", "fuzz", "corpus", name))
        status, _ = run(command, self.source, 60, self.environment)
        return status == 0

    def passes_e2e(self, path):
        """Runs the end-to-end tests of the file's folder; True as well where there are none."""
        table = (E2E_STARTUP if STARTUP.search(path) else []) + E2E
        names = next((tests for folder, tests in table if path.startswith(folder)), None)
        if not names:
            return True
        status, output = run(["cmake", "--build", self.build], self.source, 900)
        if status:
            return None if "error:" in output else True
        status, _ = run(["ctest", "--test-dir", self.build, "-R", f"^e2e\\.({names})$",
                         "--stop-on-failure"], self.source, 3600)
        return status == 0

    def noticed(self, mutation, with_e2e):
        """The test stage that noticed the mutation, "" for none, None when it does not compile."""
        builder = self.builder_of(mutation.path)
        path = os.path.join(self.source, mutation.path)
        with open(path, encoding="utf-8") as f:
            text = f.read()
        lines = text.split("\n")
        assert lines[mutation.line - 1] == mutation.before, f"{mutation.path} changed meanwhile"
        lines[mutation.line - 1] = mutation.after
        try:
            write(path, "\n".join(lines))
            return builder.stages(mutation.path, with_e2e)
        finally:
            write(path, text)  # the copy's own: the tree may have moved on

    def stages(self, path, with_e2e):
        tests = self.tests_of(path)
        for group in (tests[:2], tests[2:10], tests[10:]):
            if group:
                passed = self.passes(group)
                if not passed:
                    return None if passed is None else group[0] if len(group) == 1 else "tests"
        if with_e2e:
            passed = self.passes_e2e(path)
            if not passed:
                return None if passed is None else "e2e"
        return ""
