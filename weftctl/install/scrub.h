/* Taking secrets out of text that is to be given to somebody else.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/codec/doc/doc.h"

struct scrub;

struct scrub *scrub_create(void);
void scrub_destroy(struct scrub *s);
/* The values of these Secrets (an array) are not to be seen anywhere, plain, in lines or in base64;
 * certificates and what is shorter than six bytes may. */
void scrub_learn(struct scrub *s, const struct doc *secrets);
/* Of an object: without what is bookkeeping or may hold values (managed fields, what was applied
 * last, the environment of containers that are not ours), and without members whose names say that
 * they are secret. In the arena. */
const struct doc *scrub_doc(struct arena *a, const struct doc *d);
/* Any text: without values that were learned, private keys, tokens, and the credentials of
 * Authorization and Cookie headers. mem_free it; *len bytes. */
char *scrub_text(const struct scrub *s, struct slice text, size_t *len);
