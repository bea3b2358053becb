/* A TUN plugin on a fake host. */
#ifndef TUN_FIXTURE_H
#define TUN_FIXTURE_H

#include <testlib/testlib.h>

#include <fake_host.h>
#include <tun.h>

struct tun_fixture {
    struct cjd_fake_host *fake;
    struct cjd_tun *tun;
    const struct cjd_plugin_ops *ops;
    struct cjd_plugin_error error;
};

/* Creates an instance; nothing configured. hidden: a service the host lacks, or NULL. */
struct tun_fixture tun_fixture_new(const char *hidden);
/* Configures with JSON text; returns what the plugin does. */
int tun_fixture_configure(struct tun_fixture *f, const char *json);
/* configure, acquire, start; fails the test if one of them does. */
void tun_fixture_start(struct tun_fixture *f, const char *json);
/* stop, release, destroy; fails the test if something was left behind. */
void tun_fixture_end(struct tun_fixture *f);

/* Fails the test unless err is `code` and the text contains `text`. */
void tun_fixture_want(const struct cjd_plugin_error *error, int err, int code, const char *text);

/* A folder with files in it: pairs of name and text, ended by NULL. Removed by tun_fixture_remove.
 */
void tun_fixture_tree(char *dir, const char *const *files);
void tun_fixture_remove(const char *dir);

#endif
