/* What kube_write.c and kube_event.c share.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/buf.h"
#include "lib/kube/kube_write.h"

/* The object's path, or (without the name) that of its kind in its namespace; mem_free it. */
char *kube_write_path(const struct kube_ref *ref, bool with_name, const char *suffix);
