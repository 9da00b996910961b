/* Temporary folders for tests that need files. Every path given is relative to the folder.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

struct folder {
    char path[64];
};

void folder_init(struct folder *f);
/* With everything in it. */
void folder_dispose(struct folder *f);
/* The same buffer each time. */
const char *folder_at(const struct folder *f, const char *name);
void folder_put(const struct folder *f, const char *name, const char *text);
void folder_link(const struct folder *f, const char *name, const char *target);
void folder_make(const struct folder *f, const char *name);
void folder_rename(const struct folder *f, const char *from, const char *to);
