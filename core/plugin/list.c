/* --list-plugins: what lies in a folder. */
#include <plugin/plugins.h>

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include <plugin/file.h>

static int is_so(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name);

    return len > 3 && strcmp(entry->d_name + len - 3, ".so") == 0;
}

static void list_one(const char *folder, char *name, FILE *out)
{
    char why[CJD_PLUGIN_WHY] = "";
    struct cjd_plugin_file file = {0};
    char *path;

    name[strlen(name) - 3] = '\0';
    int err = cjd_plugin_file_find(&path, NULL, name, folder, why);
    if (err == 0) {
        err = cjd_plugin_file_open(&file, path, why);
    }
    if (err < 0) {
        fprintf(out, "%-12s unusable: %s\n", name, why);
        return;
    }
    const struct cjd_plugin *p = &file.plugin;
    fprintf(out, "%-12s %-8s ABI %u.%u  %-12s %s\n", p->id, p->version, (unsigned)p->abi_major,
            (unsigned)p->abi_minor, p->license, p->summary);
    cjd_plugin_file_close(&file, false);
}

int cjd_plugins_list(const char *folder, FILE *out)
{
    struct dirent **entries;
    int n = scandir(folder, &entries, is_so, alphasort);

    if (n < 0) {
        fprintf(out, "no plugins: the folder %s cannot be read\n", folder);
        return CJD_ERR_NOT_FOUND;
    }
    if (n == 0) {
        fprintf(out, "no plugins in %s\n", folder);
    }
    for (int i = 0; i < n; i++) {
        list_one(folder, entries[i]->d_name, out);
        free(entries[i]);
    }
    free(entries);
    return 0;
}
