/* A strict JSON grammar (RFC 8259) that is fed in pieces and keeps nothing of the text: it says
 * where values begin and end. UTF-8 and surrogate pairs are not its business. Pure.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JSON_SCAN_DEPTH_MAX 128u /* levels of nesting */

enum json_scan_event {
    JSON_SCAN_MORE,   /* all bytes are used */
    JSON_SCAN_OPEN,   /* '{' or '[' was taken: depth has grown */
    JSON_SCAN_CLOSE,  /* its end was taken: depth has shrunk */
    JSON_SCAN_KEY,    /* the quote that begins a key was taken */
    JSON_SCAN_COLON,  /* a key is over */
    JSON_SCAN_SCALAR, /* the first byte of a string, number or word was taken */
    JSON_SCAN_COMMA,
    JSON_SCAN_BAD, /* not JSON, or nested too deeply: for good */
};

struct json_scan {
    uint8_t state;
    uint8_t hex_left;
    bool in_key;
    const char *word; /* what is left of true, false or null */
    unsigned depth;
    uint64_t kinds[JSON_SCAN_DEPTH_MAX / 64]; /* bit: that level is an object */
};

void json_scan_init(struct json_scan *s);
/* Goes on at *at until something happens or `end`; *at is then behind the byte that it is about.
 * Events above `depth` levels of nesting (of the value that the event is inside of) are not told,
 * but for the JSON_SCAN_CLOSE that leads back to it. */
enum json_scan_event json_scan_next(struct json_scan *s, unsigned depth, const char **at,
                                    const char *end);
/* Nothing has begun that is not over. */
bool json_scan_is_idle(const struct json_scan *s);
/* The innermost open value is an object. */
bool json_scan_in_object(const struct json_scan *s);
