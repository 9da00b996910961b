/* The CA in a folder of its own: root.pem, root.key, intermediate.pem, intermediate.key and
 * bundle.version. One thread; blocking.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "certd/ca.h"

/* Loads what is there in config->where; makes what is not. Refuses keys that others may read, and
 * what ca_settle refuses. The folder is made if it is missing. */
MUST_USE enum err ca_folder_open(const struct ca_config *config, int64_t now_ms, struct ca *out,
                                 char detail[CA_DETAIL_MAX]);
