# What the lint scripts share: which files the project has, and C text without comments and strings.
# Nothing here judges; each rule is in the script that is named after it.
# SPDX-License-Identifier: GPL-3.0-or-later
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SKIPPED_DIRS = {".git", ".cache", "__pycache__", ".pytest_cache", "build", "out"}


def walk(root):
    """Every file below root, for trees that are no git checkout."""
    found = []
    for folder, dirs, names in os.walk(root):
        dirs[:] = [d for d in dirs if d not in SKIPPED_DIRS and not d.startswith("build-")]
        found += [os.path.relpath(os.path.join(folder, n), root) for n in names]
    return found


def files(*endings, root=ROOT):
    """Paths from the root, sorted: tracked and new ones, no ignored ones. All without endings."""
    command = ["git", "-C", root, "ls-files", "--cached", "--others", "--exclude-standard"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        listed = done.stdout.splitlines() if done.returncode == 0 else walk(root)
    except FileNotFoundError:
        listed = walk(root)
    kept = [p for p in set(listed) if os.path.isfile(os.path.join(root, p))]
    return sorted(p for p in kept if not endings or p.endswith(endings))


def read(path, root=ROOT):
    """The text of a file; empty for what is no text."""
    with open(os.path.join(root, path), "rb") as f:
        data = f.read()
    if b"\0" in data:
        return ""
    return data.decode("utf-8", errors="replace")


TOKEN = re.compile(
    r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)


def blank(match):
    """As many lines as before, so that line numbers stay right."""
    text = match.group(0)
    if text.startswith("/"):
        return "\n" * text.count("\n") or " "
    return text[0] + text[-1]


def code_only(text):
    """C text with comments gone and string contents emptied."""
    return TOKEN.sub(blank, text)


def without_comments(text):
    """C text with comments gone and strings kept."""
    return TOKEN.sub(lambda m: blank(m) if m.group(0).startswith("/") else m.group(0), text)


def report(problems, checked):
    """Prints what was found and ends the program."""
    for line in problems:
        print(line)
    print(f"{checked} files checked, {len(problems)} problems")
    sys.exit(1 if problems else 0)
