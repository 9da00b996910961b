/* Fuzz target: a format of the access log in the first line, and what a peer may send behind it. A
 * line stays one line of at most its length, and with a format of JSON it is JSON.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdint.h>
#include <stdlib.h>

#include "lib/codec/doc/json_find.h"
#include "sidecar/telemetry/access_format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool holds)
{
    if (!holds)
        abort();
}

static struct slice write_line(const struct log_format *f, struct slice sent, struct headers *h,
                               char line[ACCESS_LOG_LINE_MAX])
{
    struct access_record r = {.method = sent,
                              .path = sent,
                              .authority = sent,
                              .status = 200,
                              .grpc_status = -1,
                              .upstream_us = -1,
                              .request_headers = h};
    size_t len = access_format_line(f, &r, line);
    demand(len > 0 && len <= ACCESS_LOG_LINE_MAX && line[len - 1] == '\n');
    return slice_of(line, len - 1);
}

static void as_json(struct arena *a, struct slice format, struct slice sent, struct headers *h)
{
    char line[ACCESS_LOG_LINE_MAX];
    struct log_format_json j;
    struct log_format f;
    struct json_find find;
    struct slice found;
    log_format_json_begin(&j, a);
    if (log_format_json_member(&j, format, format) ||
        log_format_json_member(&j, SLICE("b"), SLICE("$request_time")) ||
        log_format_json_end(&j, &f))
        return;
    json_find_init(&find, write_line(&f, sent, h, line), NULL);
    demand(json_find_run(&find, sizeof(line), &found) == JSON_FIND_FOUND);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice sent = slice_of(data, size), line;
    char text[ACCESS_LOG_LINE_MAX];
    struct headers h;
    struct log_format f;
    struct arena a;
    arena_init(&a, 4096);
    headers_init(&h, &a);
    slice_split(&sent, '\n', &line);
    headers_add(&h, SLICE("x-sent"), sent);
    if (!log_format_text(&a, line, &f)) {
        struct slice written = write_line(&f, sent, &h, text);
        demand(slice_find_byte(written, '\n') == written.len);
    }
    as_json(&a, line, sent, &h);
    arena_dispose(&a);
    return 0;
}
