#!/usr/bin/env python3
# The table of scripts/mutate on small inputs: what it changes, and what it leaves alone.
# SPDX-License-Identifier: GPL-3.0-or-later
import os
import sys
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "scripts", "mutate.d"))
import mutations  # noqa: E402


def after(body):
    """What one line of a function can become."""
    text = "int f(void)\n{\n" + body + "\n}\n"
    return sorted(m.after for m in mutations.of_file("a.c", text))


class Mutations(unittest.TestCase):
    def test_comparisons_shift_by_one(self):
        self.assertEqual(after("    return a < b;"), ["    return a <= b;"])
        self.assertEqual(after("    return a >= b;"), ["    return a > b;"])

    def test_the_smaller_of_two_is_the_same_when_they_are_equal(self):
        self.assertEqual(after("    return a < b ? a : b;"), [])
        self.assertEqual(after("    n = x->len > 5 ? 5 : x->len;"), [])
        self.assertEqual(after("    n = a < b ? a : c;"), ["    n = a <= b ? a : c;"])
        self.assertEqual(after("    n = f(x->a > b(c) ? x->a : b(c));"), [])
        self.assertNotIn("    n = a >= b ? a - b : 0;", after("    n = a > b ? a - b : 0;"))
        self.assertIn("    n = a >= b ? a - b : 1;", after("    n = a > b ? a - b : 1;"))
        self.assertNotIn("    n = a - b <= c ? a - b : c;", after("    n = a - b < c ? a - b : c;"))
        self.assertIn("    n = a - b <= c ? a - b : d;", after("    n = a - b < c ? a - b : d;"))

    def test_conditions_are_negated_and_joined_otherwise(self):
        self.assertEqual(after("    if (a && f(b))"),
                         ["    if (!(a && f(b)))", "    if (a || f(b))"])

    def test_calls_and_assignments_are_left_out(self):
        self.assertEqual(after("    count(x, 1);"), ["    ;"])
        self.assertEqual(after("    x->fails = n;"), ["    ;"])

    def test_errors_become_success(self):
        self.assertEqual(after("    return ERR_DENIED;"), ["    return ERR_OK;"])

    def test_text_is_no_code(self):
        self.assertEqual(after('    p = "a < b"; /* a && b */'), [])

    def test_log_lines_and_memory_are_left_alone(self):
        self.assertEqual(after('    LOG_W("a", "%d", a < b);'), [])
        self.assertEqual(after("    mem_free(x);"), [])
        self.assertEqual(after('    if (a < b)\n        LOG_W("a", "b");'), [])
        self.assertEqual(after('    LOG_W("a", "b",\n          a < b ? f(b) : 1, c);'), [])
        self.assertEqual(after('    LOG_W("a", "%d",\n          c);\n    count(x);'), ["    ;"])
        self.assertEqual(after("    if (a)\n        key_unref(a);"), [])
        self.assertEqual(len(after("    if (a)\n        conn_close(a);")), 2)

    def test_sizes_of_memory_are_for_sanitizers(self):
        text = "int f(void)\n{\n    p = mem_alloc(len + 1);\n}\n"
        self.assertEqual(list(mutations.of_file("a.c", text)), [])
        self.assertEqual(len(list(mutations.of_file("a.c", text, True))), 2)
        self.assertEqual(len(after("    n = f(len + 1);")), 2)

    def test_pointers_and_shifts_are_no_comparisons(self):
        self.assertEqual(after("    y = x->a << b >> c;"), [])

    def test_outside_of_functions_nothing_changes(self):
        self.assertEqual(list(mutations.of_file("a.c", "#if A < 3\nint a = 1 + 1;\n#endif\n")), [])

    def test_half_a_statement_stays(self):
        self.assertEqual(after("                 f(x), y);"), [])


if __name__ == "__main__":
    unittest.main()
