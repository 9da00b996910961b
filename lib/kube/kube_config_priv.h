/* What kube_config.c and kube_config_file.c share. Blocking; any thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>

#include "lib/kube/kube_config.h"

#define KUBE_CONFIG_FILE_MAX (8u << 20)

/* Writes the sentence and returns e. */
enum err kube_config_say(enum err e, char detail[KUBE_DETAIL_MAX], const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* A whole text file that is not empty; mem_free it. */
MUST_USE enum err kube_config_read(const char *path, char **out, char detail[KUBE_DETAIL_MAX]);
/* paths: one kubeconfig; is_list: several, separated by ':', of which the first that says something
 * counts and those that do not exist are passed over. What was set in *out on failure is the
 * caller's to dispose. */
MUST_USE enum err kube_config_file_load(const char *paths, bool is_list, struct kube_config *out,
                                        char detail[KUBE_DETAIL_MAX]);
