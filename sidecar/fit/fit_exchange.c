/* The face of exchanges for programs that have none: filters name it, and nothing here is ever
 * called. Any thread. Must not grow behaviour.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>

#include "sidecar/exchange.h"

struct arena *exchange_arena(struct exchange *ex)
{
    (void)ex;
    abort();
}

struct message *exchange_request(struct exchange *ex)
{
    (void)ex;
    abort();
}

bool exchange_has_odd_names(const struct exchange *ex)
{
    (void)ex;
    abort();
}

struct message *exchange_response(struct exchange *ex)
{
    (void)ex;
    abort();
}

struct slice exchange_original_path(const struct exchange *ex)
{
    (void)ex;
    abort();
}

struct slice exchange_match_path(struct exchange *ex)
{
    (void)ex;
    abort();
}

const struct normalize_readings *exchange_other_paths(const struct exchange *ex)
{
    (void)ex;
    abort();
}

const struct downstream_info *exchange_downstream(const struct exchange *ex)
{
    (void)ex;
    abort();
}

const struct forwarded *exchange_client(const struct exchange *ex)
{
    (void)ex;
    abort();
}

const struct route_conf *exchange_route(const struct exchange *ex)
{
    (void)ex;
    abort();
}

const struct snapshot *exchange_snapshot(const struct exchange *ex)
{
    (void)ex;
    abort();
}

void exchange_reply_fail(struct exchange *ex, enum fail fail, struct slice detail)
{
    (void)ex, (void)fail, (void)detail;
    abort();
}

struct message *exchange_reply(struct exchange *ex, unsigned status, struct slice body)
{
    (void)ex, (void)status, (void)body;
    abort();
}

void exchange_wake(struct exchange *ex)
{
    (void)ex;
    abort();
}
