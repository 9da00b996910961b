/* The addresses of policyd's and certd's Services, for pods whose resolver knows no names of the
 * cluster (dnsPolicy None or Default). Our own resolver is asked now and then, which needs no
 * right at the API server. On the loop's thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/inject/inject.h"

struct injector_names;
struct loop;

/* Keeps config's discovery_ip and certd_ip current, which are empty until an answer comes; both
 * must outlive it. */
struct injector_names *injector_names_open(struct loop *l, struct inject_config *config);
/* NULL is allowed. */
void injector_names_close(struct injector_names *n);
