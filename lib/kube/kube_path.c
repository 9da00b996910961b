/* Percent-encoding: names, tokens and selectors stay one path segment, or one value of a query,
 * whatever they hold. Pure; any thread. Must not know which paths there are.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/kube/kube_path.h"

#include "lib/base/mem.h"
#include "lib/base/percent.h"

char *kube_path_escape(struct slice s)
{
    char *text = mem_alloc(s.len * 3 + 1);
    text[percent_encode(s, "-_.~", text)] = '\0';
    return text;
}
