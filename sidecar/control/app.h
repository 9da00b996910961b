/* The process: builds everything in order, runs the control thread, and takes it down in reverse.
 * Workers report to it by the app_note functions (any worker thread).
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "sidecar/control/settings.h"

struct app;
struct mailbox;
struct work_pool;
struct worker;

/* Runs until a signal ends it; the exit status. */
int app_main(const struct settings *settings);

const struct settings *app_settings(const struct app *app);
struct mailbox *app_mailbox(const struct app *app);
/* Threads for what would keep a worker too long. */
struct work_pool *app_work(const struct app *app);
void app_note_listening(struct app *app, struct worker *w, bool ok);
void app_note_adopted(struct app *app, struct worker *w, uint64_t snapshot_version);
/* The app newly calls an address, or has not for a long time. */
void app_note_interest(struct app *app, struct worker *w, const struct addr *to, bool wanted);
/* What others of its filters wait for has come: every other worker is told (exchange_hear). */
void app_note_news(struct app *app, struct worker *w, const void *what);
/* While draining: how many sessions are left. */
void app_note_sessions(struct app *app, struct worker *w, uint32_t left);
