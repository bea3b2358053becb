#include "tun_fixture.h"

#include <sys/stat.h>

struct tun_fixture tun_fixture_new(const char *hidden)
{
    struct tun_fixture f = {
        .fake = cjd_fake_new(), .ops = &cjd_plugin_abi1.ops, .error = {.size = sizeof f.error}};
    void *self = NULL;

    if (hidden) {
        cjd_fake_hide(f.fake, hidden);
    }
    assert_int_equal(f.ops->create(&f.fake->host, &self, &f.error), 0);
    f.tun = self;
    return f;
}

int tun_fixture_configure(struct tun_fixture *f, const char *json)
{
    json_error_t where;
    json_t *config = json_loads(json, JSON_ALLOW_NUL, &where);

    if (!config) {
        fail_msg("bad JSON in the test, column %d: %s", where.column, json);
    }
    f->error.text[0] = '\0';
    f->error.pointer[0] = '\0';
    int err = f->ops->configure(f->tun, config, &f->error);
    json_decref(config);
    return err;
}

static void want_ok(const struct tun_fixture *f, int err, const char *step)
{
    if (err != 0) {
        fail_msg("%s: %s %s %s", step, cjd_err_text(err), f->error.pointer, f->error.text);
    }
}

void tun_fixture_start(struct tun_fixture *f, const char *json)
{
    want_ok(f, tun_fixture_configure(f, json), "configure");
    want_ok(f, f->ops->acquire(f->tun, &f->error), "acquire");
    want_ok(f, f->ops->start(f->tun, &f->error), "start");
}

void tun_fixture_end(struct tun_fixture *f)
{
    f->ops->stop(f->tun);
    cjd_fake_run(f->fake);
    f->ops->release(f->tun);
    f->ops->destroy(f->tun);
    assert_int_equal(cjd_fake_leaks(f->fake), 0);
    cjd_fake_free(f->fake);
}

void tun_fixture_want(const struct cjd_plugin_error *error, int err, int code, const char *text)
{
    if (err != code || !strstr(error->text, text)) {
        fail_msg("%d instead of %d, \"%s\" without \"%s\"", err, code, error->text, text);
    }
}

void tun_fixture_tree(char *dir, const char *const *files)
{
    char path[256];

    assert_non_null(mkdtemp(dir));
    for (size_t i = 0; files[i]; i += 2) {
        snprintf(path, sizeof path, "%s/%s", dir, files[i]);
        for (char *slash = strchr(path + strlen(dir) + 1, '/'); slash;
             slash = strchr(slash + 1, '/')) {
            *slash = '\0';
            (void)mkdir(path, 0700);
            *slash = '/';
        }
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        fputs(files[i + 1], file);
        fclose(file);
    }
}

void tun_fixture_remove(const char *dir)
{
    char command[300];

    snprintf(command, sizeof command, "rm -r '%s'", dir);
    assert_int_equal(system(command), 0);
}
