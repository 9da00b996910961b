#!/usr/bin/env python3
# The lint scripts on small inputs: each rule must find what it forbids and pass what it allows.
# SPDX-License-Identifier: GPL-3.0-or-later
import unittest

import documented
import headers
import layers
import links
import names
import opening
import requirements
import sizes
import sources
import unused
import words

OPENING = "/* a\n * b\n * SPDX-License-Identifier: GPL-3.0-or-later */\n"


class Sources(unittest.TestCase):
    def test_comments_and_strings_go(self):
        text = 'a /* x\ny */ b // z\n"/* \\" */" c\n\'"\' d'
        self.assertEqual(sources.code_only(text), 'a \n b  \n"" c\n\'\' d')

    def test_strings_can_be_kept(self):
        self.assertEqual(sources.without_comments('#include "a//b" // c'), '#include "a//b"  ')

    def test_finds_itself(self):
        self.assertIn("tests/lint/sources.py", sources.files(".py"))
        self.assertIn("tests/lint/sources.py", sources.walk(sources.ROOT))


class Requirements(unittest.TestCase):
    ROWS = {"H1": "A key.", "I2": "A limit."}

    def collect(self, path, text):
        return requirements.collect(self.ROWS, {path: text})

    def test_marks_in_every_kind_of_test(self):
        for path, text, name in [
                ("tests/a.c", "/* requirement: H1, I2 */\nstatic void test_x(void **s)\n",
                 "test_x"),
                ("tests/a.py", "# requirement: H1, I2\ndef test_x(bed):\n", "test_x"),
                ("tests/a.cases", "### it works\nx: 1\n>>> tls requirement H1,I2\n", "it works")]:
            shown, problems = self.collect(path, text)
            self.assertEqual((shown, problems), ({"H1": [(path, name)], "I2": [(path, name)]}, []))

    def test_wrong_marks(self):
        self.assertEqual(self.collect("tests/a.py", "# requirement: H9\ndef test_x():\n")[1],
                         ["tests/a.py:1: H9 is not in tests/requirements.tsv"])
        self.assertEqual(self.collect("tests/a.py", "# requirement: H1\n")[1],
                         ["tests/a.py:1: no test follows the mark"])

    def test_the_page(self):
        text = requirements.page(self.ROWS, {"H1": [("tests/e2e/a.py", "test_x")], "I2": []})
        self.assertIn("| H1 | A key. | [e2e/a.py](../tests/e2e/a.py): test_x |\n", text)
        self.assertIn("| I2 | A limit. | no test yet |\n", text)


class Layers(unittest.TestCase):
    PRESENT = {"lib/base/slice.h", "lib/codec/h1.h", "lib/tls/x509.h", "lib/io/loop.h",
               "lib/net/http_server.h", "policies/compile/backend.h", "policies/proto/config.proto",
               "policies/policyd/watch.h", "sidecar/session/session.h", "certd/ca.h",
               "tests/unit/x.h"}

    def found(self, path, *names):
        text = "".join(f"#include {n}\n" for n in names)
        return layers.check(path, text, self.PRESENT.__contains__)

    def test_down_and_same_room(self):
        for path, name in [("lib/codec/a.c", '"lib/base/slice.h"'),
                           ("lib/net/a.c", '"lib/io/loop.h"'),
                           ("sidecar/upstream/a.c", '"sidecar/session/session.h"'),
                           ("policies/policyd/a.c", '"policies/compile/backend.h"'),
                           ("tests/unit/a.c", '"sidecar/session/session.h"')]:
            self.assertEqual(self.found(path, name), [])

    def test_up_and_sideways(self):
        for path, name in [("lib/base/a.c", '"lib/io/loop.h"'),
                           ("lib/codec/a.c", '"lib/tls/x509.h"'),
                           ("lib/io/a.c", '"lib/net/http_server.h"'),
                           ("policies/status/a.c", '"policies/policyd/watch.h"'),
                           ("policies/store/a.c", '"policies/compile/backend.h"'),
                           ("policies/compile/a.c", '"sidecar/session/session.h"'),
                           ("sidecar/a.c", '"certd/ca.h"')]:
            self.assertIn("points up", self.found(path, name)[0])

    def test_stems_are_given_once(self):
        self.assertEqual(layers.check_stems(["lib/io/a.c", "lib/io/a.h", "certd/main.c",
                                             "weftctl/main.c", "tests/unit/lib/io/a.c"]), [])
        self.assertIn("a in lib/io already", layers.check_stems(["lib/io/a.c", "lib/net/a.h"])[0])

    def test_every_source_lies_in_a_room(self):
        self.assertIn("lies in no room", self.found("policies/new/a.c")[0])
        self.assertEqual(self.found("tests/unit/policies/new/a.c"), [])

    def test_third_party(self):
        self.assertEqual(self.found("lib/io/a.c", "<uv.h>", "<stdio.h>"), [])
        self.assertEqual(self.found("tests/unit/a.c", "<uv.h>"), [])
        for path, name in [("sidecar/a.c", "<uv.h>"), ("lib/net/a.h", "<nghttp2/nghttp2.h>"),
                           ("lib/codec/a.c", "<wolfssl/ssl.h>"), ("lib/base/a.c", '"llhttp.h"')]:
            self.assertIn("is known to", self.found(path, name)[0])

    def test_generated(self):
        name = '"policies/proto/config.pb-c.h"'
        self.assertEqual(self.found("lib/net/a.c", name), [])
        self.assertEqual(self.found("sidecar/a.c", name), [])
        self.assertIn("not for lib/io", self.found("lib/io/a.c", name)[0])
        self.assertIn("no .proto", self.found("sidecar/a.c", '"policies/x.pb-c.h"')[0])

    def test_from_the_root(self):
        self.assertIn("repository root", self.found("lib/base/a.c", '"slice.h"')[0])

    def test_own_header_first(self):
        self.assertEqual(self.found("lib/base/slice.c", '"lib/base/slice.h"', "<stdio.h>"), [])
        self.assertIn("first include", self.found("lib/base/slice.c", "<stdio.h>",
                                                  '"lib/base/slice.h"')[0])
        self.assertIn("first include", self.found("lib/base/slice.c")[0])

    def test_comments_do_not_count(self):
        text = "<stdio.h>\n/*\n#include <uv.h>*/"
        self.assertEqual(self.found("lib/base/a.c", text), [])


class Sizes(unittest.TestCase):
    BODY = "int f(int a,\n      int b)\n{\n" + "    a;\n" * 70 + "}\n"

    def test_functions(self):
        text = "struct s {\n    int a;\n};\n\n" + self.BODY + "\nvoid g(void)\n{\n}\n"
        self.assertEqual(list(sizes.functions(text)), [("f", 5, 74), ("g", 80, 3)])

    def test_brace_in_comment(self):
        text = ("__attribute__((constructor(101))) static void f(void)\n"
                "{\n    /*\n}\n    */\n    x;\n}\n")
        self.assertEqual(list(sizes.functions(text)), [("f", 1, 7)])

    def test_limits(self):
        self.assertIn("f has 74 lines", sizes.check("a.c", self.BODY, {})[0][0])
        self.assertEqual(sizes.check("a.c", self.BODY, {"a.c:f": 74}), ([], ["a.c:f"]))
        self.assertIn("501 lines", sizes.check("a.py", "x\n" * 501, {})[0][0])
        self.assertEqual(sizes.check("a.py", "x\n" * 500, {}), ([], ["a.py"]))
        self.assertIn("101 columns", sizes.check("a.h", "x" * 101, {})[0][0])

    def test_allow_list_wants_reasons(self):
        self.assertEqual(sizes.read_allowed("# no\n\na.c:f 70 a table\n"), {"a.c:f": 70})
        with self.assertRaises(SystemExit):
            sizes.read_allowed("a.c:f 70\n")


class Words(unittest.TestCase):
    def found(self, path, text, pairs=(), hosts=()):
        return words.check(path, text, (set(pairs), set(hosts)))

    def test_heap(self):
        self.assertTrue(self.found("sidecar/a.c", "x = malloc(3);"))
        self.assertTrue(self.found("lib/codec/a.c", "    free (x);"))
        self.assertTrue(self.found("lib/codec/a.c", "    return strdup(x);"))
        self.assertEqual(self.found("lib/base/a.c", "x = malloc(3);"), [])
        text = "mem_free(x); a->free(x); a.free(x); // free(x)"
        self.assertEqual(self.found("sidecar/a.c", text), [])
        self.assertEqual(self.found("sidecar/a.c", 'log("free(x)");'), [])

    def test_never(self):
        for name in ("strcpy", "sprintf", "strcat", "atoi", "gets", "strtok", "alloca"):
            self.assertTrue(self.found("lib/base/a.c", f"    {name}(x);"), name)
        self.assertEqual(self.found("lib/base/a.c", "    snprintf(x); strtok_r(x);"), [])

    def test_world(self):
        self.assertTrue(self.found("lib/codec/a.c", "t = time(NULL);"))
        self.assertTrue(self.found("lib/tls/a.c", "n = read(fd, b, 1);"))
        self.assertTrue(self.found("lib/net/a.c", "t = clock_mono_ns();"))
        self.assertEqual(self.found("lib/io/a.c", "t = clock_mono_ns(); read(fd, b, 1);"), [])
        self.assertEqual(self.found("sidecar/a.c", "t = clock_wall_ms();"), [])

    def test_declarations_pass(self):
        self.assertEqual(self.found("lib/codec/a.c", "static enum err read(struct x *x)"), [])
        self.assertEqual(self.found("lib/codec/a.c", "struct x *open(int a)"), [])
        self.assertTrue(self.found("lib/codec/a.c", "    else open(x);"))

    def test_unfinished(self):
        for word in ("TO" "DO", "FIX" "ME"):
            self.assertTrue(self.found("docs/a.md", f"a {word}: b"))

    def test_machines(self):
        self.assertTrue(self.found("docs/a.md", "see /wo" "rk/x"))
        self.assertEqual(self.found("docs/a.md", "see net/wo" "rk/x"), [])
        host = "packages.invalid-host.org"
        self.assertTrue(self.found("scripts/a", f"curl https://{host}/x"))
        self.assertTrue(self.found("scripts/a", f"get {host}/x"))
        self.assertEqual(self.found("lib/base/a.c", f'check("{host}/x");'), [])
        self.assertEqual(self.found("docs/a.md", "http://a.example.com/", (), ["example.com"]), [])

    def test_allowed(self):
        self.assertEqual(self.found("a/b.c", "free(x);", pairs=[("a/b.c", "free")]), [])
        pairs, hosts = words.read_allowed("a.c free a library's\nhost x.org docs\n")
        self.assertEqual((pairs, hosts), ({("a.c", "free")}, {"x.org"}))
        with self.assertRaises(SystemExit):
            words.read_allowed("a.c free\n")


class Opening(unittest.TestCase):
    def test_c(self):
        self.assertEqual(opening.check("a.c", OPENING + "int x;\n"), [])
        self.assertIn("without a comment", opening.check("a.c", "int x;\n")[0])
        self.assertIn("licence tag", opening.check("a.c", "/* a\n * b\n * c */\n")[0])
        text = OPENING.replace(" * b\n", " * b\n" * 7)
        self.assertIn("want 1 to 8", opening.check("a.c", text)[0])

    def test_h(self):
        self.assertEqual(opening.check("a.h", OPENING + "#pragma once\n"), [])
        self.assertIn("#pragma once", opening.check("a.h", OPENING)[0])

    def test_scripts(self):
        self.assertIn("licence tag", opening.check("a.py", "import os\n")[0])
        self.assertIn("licence tag", opening.check("scripts/x", "#!/bin/sh\n")[0])
        self.assertEqual(opening.check("a.py", "# " + opening.TAG + "\n"), [])
        self.assertEqual(opening.check("a.md", "text\n"), [])


class Links(unittest.TestCase):
    PAGES = {"docs/a.md": "# Top\n\n## A `b`: c, d\n\n## Twice\n\n## Twice\n",
             "docs/how-to/b.md": "```\n# no heading\n```\n", "README.md": ""}

    def found(self, path, text):
        return links.check_page(path, text, self.PAGES.__contains__, self.PAGES.get)

    def test_relative(self):
        self.assertEqual(self.found("docs/how-to/c.md", "[a](../a.md) [b](b.md) [x](http://x)"), [])
        self.assertIn("no docs/b.md", self.found("docs/c.md", "[b](b.md)")[0])
        self.assertEqual(self.found("docs/c.md", "```\n[b](b.md)\n```"), [])

    def test_anchors(self):
        for anchor in ("top", "a-b-c-d", "twice", "twice-1"):
            self.assertEqual(self.found("docs/c.md", f"[a](a.md#{anchor})"), [])
        self.assertIn("no heading #bottom", self.found("docs/a.md", "[a](a.md#bottom)")[0])
        self.assertIn("no heading", self.found("docs/c.md", "[b](how-to/b.md#no-heading)")[0])
        self.assertEqual(self.found("docs/a.md", "# Here\n[x](#top)"), [])

    def test_mentions(self):
        exists = self.PAGES.__contains__
        self.assertEqual(links.check_mentions("a.c", "/* see docs/a.md. */", exists), [])
        self.assertIn("a.c:2: there is no",
                      links.check_mentions("a.c", "\n/* docs/b.md */", exists)[0])

    def test_index(self):
        index = "[a](a.md)"
        self.assertEqual(links.check_index(["docs/a.md", "README.md", "docs/README.md"], index), [])
        self.assertIn("not linked", links.check_index(["docs/how-to/b.md"], index)[0])


class Names(unittest.TestCase):
    TREE = names.Tree(["lib/io/loop.c", "lib/io/loop.h", "sidecar/exchange/exchange.c"],
                      {"loop_run", "LOOP_MAX", "loop"})

    def found(self, token):
        return names.check("docs/architecture.md", f"a `{token}` b", self.TREE)

    def test_what_is_there(self):
        for token in ("lib/io/loop.c", "lib/io/loop", "io/loop.h", "loop.c", "lib/io", "lib/io/",
                      "loop_run", "loop_run()", "struct loop_run", "LOOP_MAX", "exchange",
                      "exchange*.c", "lb_<symbol>.c", "kubectl get x", "a_b c", "some/thing"):
            self.assertEqual(self.found(token), [], token)

    def test_what_is_gone(self):
        for token in ("lib/io/wheel.c", "wheel.c", "lib/net", "sidecar/loop", "loop_stop",
                      "struct loop_state", "LOOP_MIN"):
            self.assertIn(f"there is no {token}", " ".join(self.found(token)))


class Documented(unittest.TestCase):
    def test_names(self):
        self.assertEqual(documented.reasons_in("filters/fail.def", 'X(NONE, 0)\nX(NO_ROUTE, 4)\n'),
                         {"no_route"})
        self.assertEqual(documented.reasons_in("filters/a.c", '{.label = FAIL_TEXT("too_big"),'),
                         {"too_big"})
        self.assertEqual(documented.reasons_in("sidecar/a.c", '{.label = {"too_big", 7},'), set())
        self.assertEqual(documented.metrics_in("certd/a.c", 'put("weft_a_total", "weft b");'),
                         {"weft_a_total"})
        self.assertEqual(documented.metrics_in("tests/a.c", 'put("weft_a_total");'), set())
        self.assertEqual(documented.fields_in(documented.LOG, 'json_text(&l, "path", r->path);'),
                         {"path"})

    def test_rows(self):
        page = "| name |\n|---|\n| `a`, `b` | `c` |\ntext `d`\n"
        self.assertEqual(documented.check("x", {"a": "a.c", "b": "a.c"}, "p.md", page), [])
        found = documented.check("x", {"a": "a.c", "c": "c.c"}, "p.md", page)
        self.assertEqual(found, ["c.c:1: the x c has no row in p.md", "p.md:1: there is no x b"])


class Headers(unittest.TestCase):
    ENTRY = {"directory": "/b", "file": sources.ROOT + "/lib/base/a.c",
             "command": f"cc -Ix -DA=1 -MD -MF a.d -o a.o -c {sources.ROOT}/lib/base/a.c"}

    def test_flags(self):
        self.assertEqual(headers.flags_of(self.ENTRY), ["cc", "-Ix", "-DA=1"])

    def test_nearest_folder(self):
        other = {**self.ENTRY, "file": sources.ROOT + "/sidecar/a.c"}
        table = headers.by_folder([self.ENTRY, other])
        self.assertEqual(set(table), {"lib/base", "sidecar"})
        table["sidecar"] = "s"
        table["lib/base"] = "b"
        self.assertEqual(headers.flags_for("sidecar/config/route/x.h", table), "s")
        self.assertEqual(headers.flags_for("lib/net/x.h", table), "b")
        self.assertIn(headers.flags_for("x.h", table), ("s", "b"))


class Unused(unittest.TestCase):
    HEADER = "int f(int a);\nstatic inline int g(void)\n{\n    return 1;\n}\n"

    def found(self, **more):
        return unused.check({"lib/a.h": self.HEADER} | {k.replace("__", "/") + ".c": v
                                                       for k, v in more.items()})

    def test_called(self):
        body = "int f(int a)\n{\n    return a;\n}\n"
        self.assertEqual(self.found(lib__a=body, lib__b="int x = f(1);\n"), [])
        self.assertEqual(self.found(lib__a=body, tests__b="f(1);\n"), [])
        self.assertEqual(self.found(lib__a=body + "static void h(void)\n{\n    f(2);\n}\n"), [])

    def test_nobody_calls_it(self):
        found = self.found(lib__a="int f(int a)\n{\n    return a;\n}\n")
        self.assertEqual(found, ["lib/a.h:1: nobody calls f"])

    def test_no_body(self):
        self.assertIn("nowhere defined", self.found(lib__b="int x = f(1);\n")[0])
        self.assertIn("nowhere defined",
                      self.found(lib__b="static int f(int a)\n{\n    return a;\n}\n")[0])


if __name__ == "__main__":
    unittest.main()
