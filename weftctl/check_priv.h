/* What the checks share. SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/json_write.h"
#include "lib/codec/doc_json.h"
#include "weftctl/api.h"
#include "weftctl/output.h"
#include "weftctl/step.h"

struct check {
    struct api *api;
    struct arena arena;
    enum output_form form;
    struct json_write json;
    unsigned failed, warned;
};

void check_say(struct check *c, enum step_result result, const char *name, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* NULL: answer->detail says why. */
const struct doc *check_get(struct check *c, const char *path, struct api_answer *answer);

/* ---- one file each ---- */

/* What must be so before an installation. False: there is no use in asking further. */
bool check_cluster(struct check *c);
/* Does what is installed work? */
void check_installation(struct check *c);
