"""Python values as YAML in block style, for the objects that the bed writes itself.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import json
import re
from typing import Any

# Everything that could be read as something else than a string is quoted.
PLAIN = re.compile(r"[A-Za-z/][A-Za-z0-9/_.-]*\Z")
WORDS = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"}


def _scalar(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    text = str(value)
    return text if PLAIN.match(text) and text.lower() not in WORDS else json.dumps(text)


def _lines(value: Any, indent: str) -> list[str]:
    if isinstance(value, dict) and value:
        lines = []
        for key, item in value.items():
            if isinstance(item, (dict, list)) and item:
                lines.append(f"{indent}{_scalar(key)}:")
                lines += _lines(item, indent + "  ")
            else:
                lines.append(f"{indent}{_scalar(key)}: {_lines(item, '')[0]}")
        return lines
    if isinstance(value, list) and value:
        lines = []
        for item in value:
            inner = _lines(item, indent + "  ")
            lines.append(f"{indent}- {inner[0].lstrip()}")
            lines += inner[1:]
        return lines
    if isinstance(value, str) and "\n" in value:
        return [indent + json.dumps(value)]
    return [indent + ("{}" if value == {} else "[]" if value == [] else _scalar(value))]


def dump(*documents: Any) -> str:
    """The documents as one file."""
    return "---\n".join("\n".join(_lines(d, "")) + "\n" for d in documents)
