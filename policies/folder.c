/* Files into a policy set: which, in which order, how big. Control thread; blocking. Must not
 * know what is in them.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/folder.h"

#include <stdio.h>

#include "lib/base/mem.h"
#include "lib/io/file.h"

enum { FILE_MAX = 8 << 20, FOLDER_MAX = 128 << 20 };

struct load {
    struct policy_set *set;
    struct diag_list *diags;
    size_t total;
    enum err err; /* the first one */
};

static void refuse(struct load *load, const char *path, enum err e, const char *text)
{
    struct diag what = {.file = slice_from_cstr(path)};
    diag_add(load->diags, &what, "%s", text);
    if (!load->err)
        load->err = e;
}

static void read_one(void *owner, const char *path)
{
    struct load *load = owner;
    char *text;
    size_t len;
    enum err e = file_read(path, FILE_MAX, &text, &len);
    if (e == ERR_NOT_FOUND && !file_has_name(path))
        return; /* removed since it was listed: not part of the folder any more */
    if (e == ERR_LIMIT) {
        refuse(load, path, e, "the file is larger than 8 MiB");
        return;
    }
    if (e) {
        char why[96];
        snprintf(why, sizeof why, "cannot be read: %s", err_text(e));
        refuse(load, path, e, why);
        return;
    }
    load->total += len;
    if (load->total > FOLDER_MAX) {
        refuse(load, path, ERR_LIMIT, "the folder holds more than 128 MiB");
    } else {
        e = policy_set_add_text(load->set, slice_from_cstr(path), slice_of(text, len), load->diags);
        if (e && !load->err)
            load->err = e;
    }
    mem_free(text);
}

enum err folder_load(const char *dir, struct diag_list *diags, struct policy_set **out)
{
    static const char *const suffixes[] = {".yaml", ".yml", ".json", NULL};
    struct load load = {.set = policy_set_create(), .diags = diags};
    *out = NULL;
    enum err e = file_list(dir, suffixes, read_one, &load);
    if (e)
        refuse(&load, dir, e, e == ERR_NOT_FOUND ? "there is no such folder" : err_text(e));
    if (!load.err)
        load.err = policy_set_finish(load.set, diags);
    if (load.err)
        policy_set_destroy(load.set);
    else
        *out = load.set;
    return load.err;
}
