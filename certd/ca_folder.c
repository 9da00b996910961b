/* Reading the CA's files, and writing those that were made, in an order that no crash can turn into
 * a pair that does not belong together. Blocking file access, on certd's only thread. Must not know
 * what makes a good CA.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "certd/ca_folder.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/io/file.h"
#include "lib/tls/digest.h"

enum { FILE_MAX = 1 << 20, KEY_MODE = 0600, CERT_MODE = 0644, DIR_MODE = 0700 };

static char *path_in(const char *dir, const char *name)
{
    return mem_printf("%s/%s", dir, name);
}

/* *text stays NULL when there is no such file. */
static enum err read_one(const char *dir, const char *name, bool is_key, char **text,
                         char detail[CA_DETAIL_MAX])
{
    size_t len;
    char *path = path_in(dir, name);
    enum err e = file_read(path, FILE_MAX, text, &len);
    if (e == ERR_NOT_FOUND) {
        *text = NULL;
        e = ERR_OK;
    } else if (e) {
        e = ca_say(e, detail, "%s: %s", path, err_text(e));
    } else if (is_key && file_is_exposed(path)) {
        digest_wipe(*text, len);
        mem_free(*text);
        *text = NULL;
        e = ca_say(ERR_DENIED, detail,
                   "%s: group or others may read this private key; chmod 600 it", path);
    }
    mem_free(path);
    return e;
}

static enum err read_all(const char *dir, struct ca_material *m, char detail[CA_DETAIL_MAX])
{
    enum err e = read_one(dir, "root.pem", false, &m->root_pem, detail);
    if (!e)
        e = read_one(dir, "root.key", true, &m->root_key, detail);
    if (!e)
        e = read_one(dir, "intermediate.pem", false, &m->signer_pem, detail);
    if (!e)
        e = read_one(dir, "intermediate.key", true, &m->signer_key, detail);
    if (!e)
        e = read_one(dir, "bundle.version", false, &m->version, detail);
    return e;
}

static enum err write_one(const char *dir, const char *name, const char *text, int mode,
                          char detail[CA_DETAIL_MAX])
{
    char *path = path_in(dir, name);
    enum err e = file_write_atomic(path, text, strlen(text), mode);
    if (e)
        e = ca_say(e, detail, "%s: cannot be written: %s", path, err_text(e));
    mem_free(path);
    return e;
}

/* Written key first: a root certificate without a key on disk would look like an offline root. */
static enum err store_root(const char *dir, const struct ca_material *m, char detail[CA_DETAIL_MAX])
{
    enum err e = write_one(dir, "root.key", m->root_key, KEY_MODE, detail);
    if (!e)
        e = write_one(dir, "root.pem", m->root_pem, CERT_MODE, detail);
    if (!e)
        LOG_I("ca", "made a new root in %s", dir);
    return e;
}

/* The certificate is taken away before its key changes, so that a crash in between leaves no pair
 * that does not belong together, only a missing half that is made again. */
static enum err store_signer(const char *dir, const struct ca_material *m,
                             char detail[CA_DETAIL_MAX])
{
    char *path = path_in(dir, "intermediate.pem");
    if (unlink(path) && errno != ENOENT) {
        enum err e = ca_say(err_from_errno(errno), detail, "%s: cannot be replaced", path);
        mem_free(path);
        return e;
    }
    mem_free(path);
    enum err e = write_one(dir, "intermediate.key", m->signer_key, KEY_MODE, detail);
    if (!e)
        e = write_one(dir, "intermediate.pem", m->signer_pem, CERT_MODE, detail);
    if (!e)
        LOG_I("ca", "made a new intermediate in %s", dir);
    return e;
}

static enum err store(const char *dir, const struct ca_material *m, unsigned made,
                      char detail[CA_DETAIL_MAX])
{
    enum err e = made & CA_MADE_ROOT ? store_root(dir, m, detail) : ERR_OK;
    if (!e && (made & CA_MADE_SIGNER))
        e = store_signer(dir, m, detail);
    if (!e && (made & CA_MADE_VERSION))
        e = write_one(dir, "bundle.version", m->version, CERT_MODE, detail);
    return e;
}

static enum err open_dir(const char *dir, char detail[CA_DETAIL_MAX])
{
    struct stat st;
    enum err e = file_make_dirs(dir, DIR_MODE);
    if (e)
        return ca_say(e, detail, "%s: cannot be made: %s", dir, err_text(e));
    if (stat(dir, &st) == 0 && (st.st_mode & 022))
        return ca_say(ERR_DENIED, detail, "%s: group or others may write here; chmod 700 it", dir);
    return ERR_OK;
}

enum err ca_folder_open(const struct ca_config *config, int64_t now_ms, struct ca *out,
                        char detail[CA_DETAIL_MAX])
{
    struct ca_material material = {0};
    unsigned made;
    *out = (struct ca){0};
    enum err e = open_dir(config->where, detail);
    if (!e)
        e = read_all(config->where, &material, detail);
    if (!e)
        e = ca_settle(config, now_ms, &material, &made, out, detail);
    if (!e)
        e = store(config->where, &material, made, detail);
    ca_material_dispose(&material);
    if (e)
        ca_close(out);
    return e;
}
