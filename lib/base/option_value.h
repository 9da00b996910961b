/* Values of options, spelled alike in all programs: what is on and off, and what an address is.
 * What an option's value says never doubles as "it was not given": defaults are values that are
 * set first. Pure, but for the environment.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/addr.h"
#include "lib/base/err.h"
#include "lib/base/slice.h"

/* "on", "true" and "yes"; "off", "false" and "no". */
bool option_value_is_on(struct slice text);
bool option_value_is_off(struct slice text);
#define OPTION_VALUE_SWITCH "on or off"
/* One of those words; else ERR_SYNTAX. */
MUST_USE enum err option_value_switch(struct slice text, bool *out);

/* Where to listen: "10.0.0.1:80", "[::1]:80", "*:80" for every address of both families where the
 * kernel has IPv6; port 0: any free one, but it must be said. Off: family 0. ERR_SYNTAX. */
MUST_USE enum err option_value_listener(struct slice text, struct addr *out);
/* A listener that cannot be off. */
MUST_USE enum err option_value_open_listener(struct slice text, struct addr *out);
/* An address with a port from 1, which can be called. ERR_SYNTAX. */
MUST_USE enum err option_value_endpoint(struct slice text, struct addr *out);
/* An address alone; "*" is every address where `any` is true. ERR_SYNTAX. */
MUST_USE enum err option_value_ip(struct slice text, bool any, struct addr *out);

/* Replaces *out by a copy; empty is ERR_INVALID. */
MUST_USE enum err option_value_name(struct slice text, char **out);
/* The same for a file, a folder or a server that need not be there: off is NULL, as if it had not
 * been given. */
MUST_USE enum err option_value_optional(struct slice text, char **out);

/* NULL when it is not set or empty: manifests often say `value: ""` for "nothing". */
const char *option_value_environment(const char *variable);
