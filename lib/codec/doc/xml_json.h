/* XML as JSON and back: an element is a member; its attributes are members that begin with '@', its
 * text beside them is "#text", alone it is the value; an element that is there several times is a
 * list, and an empty one null. Document types and entities of one's own are refused, so that a
 * short text stays a short text. Pure but for expat's memory, which is lib/base/mem's.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/codec/doc/json_tree.h"

#define XML_JSON_DEPTH_MAX 64u
#define XML_JSON_NAMES_MAX 256u /* different names within one element */

/* NULL: not well-formed, with a document type, nested too deeply, or too large. */
struct json_node *xml_json_read(struct arena *a, struct slice xml);
/* The only member of an object is the root; else the root is <root>. False: a name cannot be one in
 * XML, or a text has characters that XML cannot say. */
MUST_USE bool xml_json_write(struct arena *a, const struct json_node *n, struct slice *out);
