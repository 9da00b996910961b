# The table of mutations, and where in a C file each of them can be made. Nothing is run here.
# A mutation changes what a line means and still compiles; a test that notices it asserts something.
# SPDX-License-Identifier: GPL-3.0-or-later
import os
import re
import sys
from dataclasses import dataclass

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "lint"))
import sources  # noqa: E402

# Name, what is replaced, by what. The patterns see code without comments and with empty strings.
TABLE = [
    ("less becomes less or equal", r"(?<![<\-=])<(?![<=])(?= )", "<="),
    ("less or equal becomes less", r"(?<!<)<=", "<"),
    ("greater becomes greater or equal", r"(?<= )(?<![>\-=])>(?![>=])", ">="),
    ("greater or equal becomes greater", r"(?<!>)>=", ">"),
    ("equal becomes not equal", r"==", "!="),
    ("not equal becomes equal", r"!=", "=="),
    ("and becomes or", r"&&", "||"),
    ("or becomes and", r"\|\|", "&&"),
    ("a negation is dropped", r"(?<=[(\s])!(?=[\w(])", ""),
    ("a condition is negated", r"(?<=\bif )\((?=.*\)\s*\{?$)", None),
    ("plus one is dropped", r" \+ 1\b(?![\w.])", ""),
    ("minus one is dropped", r" - 1\b(?![\w.])", ""),
    ("plus becomes minus", r"(?<=[\w)\]] )\+(?= [\w(])", "-"),
    ("minus becomes plus", r"(?<=[\w)\]] )-(?= [\w(])", "+"),
    ("true becomes false", r"\btrue\b", "false"),
    ("false becomes true", r"\bfalse\b", "true"),
    ("an error becomes success", r"(?<=\breturn )ERR_(?!OK\b)\w+", "ERR_OK"),
    ("a call is left out", r"^(\s+)(?!return\b|if\b|for\b|while\b|switch\b|else\b|case\b)"
                           r"[a-z_]\w*\([^=]*\);$", r"\1;"),
    ("an addition is left out", r"^(\s+)[\w.>\-\[\]]+(\+\+|--);$", r"\1;"),
    ("an assignment of a member is left out", r"^(\s+)\w+->[\w.>\-]+ = [^;]*;$", r"\1;"),
]
COMPILED = [(name, re.compile(pattern), to) for name, pattern, to in TABLE]

# Lines whose meaning is no behaviour that a user notices: what is logged for people who look for
# faults, memory given back (the leak checker looks after it), loops over fixed tables.
SKIPPED = re.compile(
    r"\bLOG_[A-Z]\b|\bassert\(|\b\w*(_free|_free_unpacked|_dispose|_destroy|_unref|_release)\("
    r"|\bmem_free\(|\brand_seed\("
    r"|^\s*(static|extern|const|struct|enum|typedef)\b|\bARRAY_SIZE\b|\bCOUNT_OF\b"
    r"|^\s*for \(size_t \w+ = 0; \w+ <|^\s*\"|\bMUST_USE\b|\(void\)")


# A byte too few in what is asked for spoils memory, which only sanitizers see for certain.
ALLOCATION = re.compile(r"\b(mem|arena)_(z?alloc|realloc)\(")
SIZES = ("plus one is dropped", "plus becomes minus", "minus one is dropped", "minus becomes plus")
# What only gives memory back does so with or without a condition in front of it.
GIVES_BACK = re.compile(r"\s*(mem_free|\w+_free|\w+_free_unpacked|\w+_unref)\(.*\);$")


@dataclass(frozen=True)
class Mutation:
    path: str
    line: int  # from 1
    name: str
    before: str
    after: str

    def key(self):
        """How the list of equivalent mutations names it: line numbers move, text does not."""
        return f"{self.path} | {self.before.strip()} | {self.after.strip()}"


def masked(text):
    """As long as text, line by line and column by column; comments and string contents blanked."""
    def blank(match):
        token = match.group(0)
        if token[0] in "\"'":
            return token[0] + "_" * (len(token) - 2) + token[-1]
        return re.sub(r"[^\n]", " ", token)
    return sources.TOKEN.sub(blank, text)


def body_lines(lines):
    """Indexes of the lines within functions: between a brace in the first column and its end."""
    inside = False
    for i, line in enumerate(lines):
        if line.rstrip() == "{":
            inside = True
        elif line.startswith("}"):
            inside = False
        elif inside:
            yield i


def negated(line, start):
    """The condition that opens at start, negated; None where it does not close on this line."""
    depth = 0
    for i in range(start, len(line)):
        depth += {"(": 1, ")": -1}.get(line[i], 0)
        if depth == 0:
            return line[:start] + "(!" + line[start:i + 1] + ")" + line[i + 1:]
    return None


def is_same(code, m):
    """The smaller of two, or the larger, or by how much: when they are equal it is the same."""
    before = re.search(r"([^=(,?:;!&|]+) $", code[:m.start()])
    behind = re.match(r" ([^?:;,&|]+) \? ([^?:;,]+) : ([^?:;,]+)", code[m.end():])
    if not before or not behind or m.group(0) not in ("<", "<=", ">", ">="):
        return False
    a = before.group(1).strip().removeprefix("return ")
    b, one, other = (x.strip() for x in behind.groups())
    while other.count(")") > other.count("("):
        other = other[:other.rindex(")")]
    return {one, other} in ({a, b}, {f"{a} - {b}", "0"}, {f"{b} - {a}", "0"})


def balanced(code):
    """False for lines that go on before or after: a part of a statement cannot be left out."""
    return code.count("(") == code.count(")")


def decides_on_little(code, i):
    """A condition on which nothing depends but a line in the log, or memory given back."""
    return bool(re.match(r"\s*if \(.*\)$", code[i]) and i + 1 < len(code)
                and (re.match(r"\s*LOG_[A-Z]\(", code[i + 1]) or GIVES_BACK.match(code[i + 1])))


def in_log_call(code):
    """Indexes of the lines on which a line of the log goes on that began above them."""
    found, depth = set(), 0
    for i, line in enumerate(code):
        if depth > 0:
            found.add(i)
            depth += line.count("(") - line.count(")")
            continue
        begin = re.search(r"\bLOG(_[A-Z])?\(", line)
        if begin:
            rest = line[begin.start():]
            depth = max(0, rest.count("(") - rest.count(")"))
    return found


def mutate_line(path, number, code, real, sanitized):
    for name, pattern, to in COMPILED:
        if name in SIZES and not sanitized and ALLOCATION.search(code):
            continue
        for m in pattern.finditer(code):
            if is_same(code, m):
                continue
            if to is None:
                after = negated(real, m.start())
            else:
                after = real[:m.start()] + m.expand(to) + real[m.end():]
            if after is not None and after != real and balanced(code):
                yield Mutation(path, number, name, real, after)


def of_file(path, text, sanitized=False):
    """Every mutation that can be made in a file, and noticed in such a build."""
    real, code = text.split("\n"), masked(text).split("\n")
    logged = in_log_call(code)
    for i in body_lines(code):
        if not code[i].strip() or SKIPPED.search(code[i]) or i in logged:
            continue
        if not decides_on_little(code, i):
            yield from mutate_line(path, i + 1, code[i], real[i], sanitized)
