/* The main function of a fuzz target in every build but the fuzz preset's: feeds each file of the
 * corpus folders (or files) named on the command line to the target once, so that the ordinary test
 * run and its sanitizers see every input that was ever of subscription. Each input lives in a block
 * of its exact size, so a read past its end is seen. Knows nothing of what is tested.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/base/mem.h"

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        perror(path);
        return -1;
    }
    struct stat info;
    if (fstat(fileno(file), &info) != 0 || !S_ISREG(info.st_mode)) {
        fprintf(stderr, "%s: not a file\n", path);
        fclose(file);
        return -1;
    }
    size_t size = (size_t)info.st_size;
    uint8_t *data = mem_alloc(size > 0 ? size : 1);
    if (fread(data, 1, size, file) != size) {
        fprintf(stderr, "%s: cannot be read\n", path);
        mem_free(data);
        fclose(file);
        return -1;
    }
    fclose(file);
    LLVMFuzzerTestOneInput(data, size);
    mem_free(data);
    return 1;
}

static int replay_dir(const char *path)
{
    DIR *dir = opendir(path);
    if (dir == NULL)
        return replay_file(path);
    int count = 0;
    for (struct dirent *entry; count >= 0 && (entry = readdir(dir)) != NULL;) {
        if (entry->d_name[0] == '.')
            continue;
        char name[4096];
        int len = snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
        int rc = len < (int)sizeof(name) ? replay_file(name) : -1;
        count = rc < 0 ? -1 : count + rc;
    }
    closedir(dir);
    return count;
}

int main(int argc, char **argv)
{
    int total = 0;
    for (int i = 1; i < argc; i++) {
        int count = replay_dir(argv[i]);
        if (count < 0)
            return 1;
        total += count;
    }
    printf("%d inputs replayed\n", total);
    if (total == 0)
        fprintf(stderr, "an empty corpus tests nothing\n");
    return total == 0;
}
