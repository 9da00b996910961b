/* grpc.health.v1.Health/Check: two messages of one field each, which need no library. An app that
 * does not know the service, or says anything but SERVING, is not well. Control thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <string.h>

#include "sidecar/control/app_call_priv.h"

enum { SERVICE_MAX = 127, FIELD_SERVICE = 0x0a, FIELD_STATUS = 0x08, SERVING = 1 };

/* HealthCheckResponse.status; 0 (UNKNOWN) when it is not said. */
static int status_of(struct slice response)
{
    const uint8_t *bytes = (const uint8_t *)response.ptr;
    return response.len >= 2 && bytes[0] == FIELD_STATUS && bytes[1] < 0x80 ? bytes[1] : 0;
}

static const char *status_name(int status)
{
    static const char *const names[] = {"UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"};
    return status >= 0 && status < 4 ? names[status] : "an unknown status";
}

static void on_answer(void *owner, const struct grpc_result *result)
{
    struct app_call *c = owner;
    char detail[sizeof(c->detail)];
    if (result->status == GRPC_OK) {
        int status = status_of(result->response);
        c->status = status == SERVING ? 200 : 503;
        snprintf(detail, sizeof(detail), "the app says %s", status_name(status));
        app_call_note(c, APP_CALL_ANSWERED, detail);
        return;
    }
    snprintf(detail, sizeof(detail), "%s: %.*s", grpc_status_name(result->status),
             SLICE_ARG(result->text));
    /* Also what an app would say that is there and ill; asking at another address does no harm. */
    bool is_absent = result->status == GRPC_UNAVAILABLE;
    c->status = 503;
    app_call_note(c, is_absent ? APP_CALL_UNREACHABLE : APP_CALL_ANSWERED, detail);
}

static struct stream *dial(struct loop *l, void *dial_owner, const struct stream_events *events,
                           void *owner)
{
    (void)l;
    return app_call_dial(dial_owner, events, owner);
}

void app_call_grpc_begin(struct app_call *c)
{
    struct slice service = c->question->service;
    char request[SERVICE_MAX + 2];
    struct grpc_client_config config = {
        .to = c->addresses[c->at],
        .authority = SLICE("localhost"),
        .connect_timeout_ms = c->question->timeout_ms,
        .dial = dial,
        .dial_owner = c,
    };
    size_t len = service.len < SERVICE_MAX ? service.len : SERVICE_MAX;
    request[0] = FIELD_SERVICE;
    request[1] = (char)len;
    if (len)
        memcpy(request + 2, service.ptr, len);
    c->grpc = grpc_client_create(c->place.loop, &config);
    grpc_client_call(c->grpc, "/grpc.health.v1.Health/Check", NULL, 0,
                     slice_of(request, len ? len + 2 : 0), c->question->timeout_ms, on_answer, c);
}

void app_call_grpc_end(struct app_call *c)
{
    if (c->grpc)
        grpc_client_destroy(c->grpc);
    c->grpc = NULL;
}
