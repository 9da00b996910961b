/* The end of a data plane: what comes in is drained first, what the app sends stays open until the
 * app has left. Control thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

struct app;

void app_drain_init(struct app *app);
/* Told to stop: at once or after --drain-delay what comes in is drained, then the rest. */
void app_drain_leave(struct app *app);
/* In both directions, now: nobody needs us any more. */
void app_drain_all(struct app *app);
/* A worker has said how many sessions it still has. */
void app_drain_note(struct app *app);
void app_drain_close(struct app *app);
