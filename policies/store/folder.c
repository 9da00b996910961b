/* Files into a policy set: which, in which order, how big. Control thread; blocking. Must not
 * know what is in them.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/store/folder.h"

#include <stdio.h>
#include <string.h>

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

/* name: what messages call it. */
static void read_file(struct load *load, const char *path, const char *name)
{
    char *text;
    size_t len;
    enum err e = file_read(path, FILE_MAX, &text, &len);
    if (e == ERR_NOT_FOUND && !file_has_name(path))
        return; /* removed since it was listed: not part of the folder any more */
    if (e == ERR_LIMIT) {
        refuse(load, name, e, "the file is larger than 8 MiB");
        return;
    }
    if (e) {
        char why[96];
        snprintf(why, sizeof why, "cannot be read: %s", err_text(e));
        refuse(load, name, e, why);
        return;
    }
    load->total += len;
    if (load->total > FOLDER_MAX) {
        refuse(load, name, ERR_LIMIT, "the folder holds more than 128 MiB");
    } else {
        e = policy_set_add_text(load->set, slice_from_cstr(name), slice_of(text, len), load->diags);
        if (e && !load->err)
            load->err = e;
    }
    mem_free(text);
}

static void read_listed(void *owner, const char *path)
{
    read_file(owner, path, path);
}

static void read_folder(struct load *load, const char *dir, const char *missing)
{
    static const char *const suffixes[] = {".yaml", ".yml", ".json", NULL};
    enum err e = file_list(dir, suffixes, read_listed, load);
    if (e)
        refuse(load, dir, e, e == ERR_NOT_FOUND ? missing : err_text(e));
}

static enum err finish(struct load *load, struct policy_set **out)
{
    *out = NULL;
    if (!load->err)
        load->err = policy_set_finish(load->set, load->diags);
    if (load->err)
        policy_set_destroy(load->set);
    else
        *out = load->set;
    return load->err;
}

enum err folder_load(const char *dir, struct diag_list *diags, struct policy_set **out)
{
    struct load load = {.set = policy_set_create(), .diags = diags};
    read_folder(&load, dir, "there is no such folder");
    return finish(&load, out);
}

enum err folder_load_all(const char *const *paths, size_t count, struct diag_list *diags,
                         struct policy_set **out)
{
    struct load load = {.set = policy_set_create(), .diags = diags};
    for (size_t i = 0; i < count; i++)
        if (strcmp(paths[i], "-") == 0)
            read_file(&load, "/dev/stdin", "(standard input)");
        else if (file_is_plain(paths[i]))
            read_file(&load, paths[i], paths[i]);
        else
            read_folder(&load, paths[i], "there is no such folder or file");
    return finish(&load, out);
}
