#include "bench.h"

#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#define WAIT_SECONDS 30u

/* --- log ----------------------------------------------------------------------------------------
 */

static void keep_line(void *ctx, const char *module, enum cjd_log_level level, const char *text)
{
    struct bench *b = ctx;
    int n = snprintf(b->log + b->log_len, BENCH_LOG - b->log_len, "%s %s %s\n",
                     cjd_log_level_name(level), module, text);

    if (n > 0 && (size_t)n < BENCH_LOG - b->log_len) {
        b->log_len += (size_t)n;
    }
}

bool bench_logged(const struct bench *b, const char *text)
{
    return strstr(b->log, text) != NULL;
}

void bench_wait(struct bench *b, const char *text)
{
    uint64_t until = cjd_clock_now() + WAIT_SECONDS * CJD_S;

    while (!bench_logged(b, text)) {
        if (cjd_clock_now() > until) {
            fail_msg("never logged: %s\n%s", text, b->log);
        }
        assert_int_equal(cjd_runtime_turn(b->rt, true), 0);
    }
}

void bench_expect(const char *text, const char *part)
{
    if (!strstr(text, part)) {
        fail_msg("missing \"%s\" in:\n%s", part, text);
    }
}

const char *bench_diags(const struct bench *b)
{
    static char text[16384];
    FILE *f = fmemopen(text, sizeof text, "w");

    assert_non_null(f);
    cjd_diags_print(&b->diags, f);
    fclose(f);
    return text;
}

/* --- set-up -------------------------------------------------------------------------------------
 */

/* A wake-up now and then, so that a wait for something that never comes ends with a message. */
static struct cjd_timer heartbeat;
static void on_beat(void *arg, uint64_t now_ns)
{
    cjd_timer_arm(arg, &heartbeat, now_ns + CJD_S);
}

struct cjd_config *bench_config(struct bench *b, const char *plugin_list)
{
    struct test_rng state;
    struct cjd_rng rng = test_rng_init(&state, 7);
    struct cjd_config *config;
    struct cjd_keypair pair;
    char secret[65];
    char *text;

    cjd_keypair_generate(&pair, &rng);
    for (unsigned i = 0; i < 32; i++) {
        snprintf(secret + 2 * i, 3, "%02x", pair.secret[i]);
    }
    int len = asprintf(&text,
                       "{ \"version\": 3, \"node\": { \"privateKey\": \"%s\" },\n"
                       "  \"plugins\": %s }\n",
                       secret, plugin_list);
    assert_true(len > 0);
    int err = cjd_config_read(&config, text, (size_t)len, &b->diags);
    free(text);
    if (err < 0) {
        fail_msg("the test's configuration is wrong:\n%s", bench_diags(b));
    }
    return config;
}

static void make_node(struct bench *b)
{
    struct cjd_node_config config = {.self = *cjd_config_keypair(b->config),
                                     .rng = cjd_rng_system(),
                                     .log = {&b->sink, "node"},
                                     .pool = b->pool,
                                     .ops = cjd_runtime_node_ops(b->rt)};

    assert_int_equal(cjd_node_new(&b->node, &config, cjd_clock_now()), 0);
    cjd_runtime_set_node(b->rt, b->node);
}

void bench_open(struct bench *b, const char *folder, const char *plugin_list)
{
    char *own_folder = b->folder;

    memset(b, 0, sizeof *b);
    b->folder = own_folder;
    b->sink = (struct cjd_log_sink){.max_level = CJD_LOG_DEBUG, .write = keep_line, .ctx = b};
    b->diags.file = "test.json";
    assert_int_equal(cjd_crypto_init(), 0);
    b->config = bench_config(b, plugin_list);
    b->pool = cjd_pool_new(64, 8);
    assert_non_null(b->pool);
    struct cjd_runtime_config rt = {.log = {&b->sink, "runtime"}, .pool = b->pool};
    assert_int_equal(cjd_runtime_new(&b->rt, &rt), 0);
    cjd_timer_init(&heartbeat, on_beat, cjd_runtime_timers(b->rt));
    on_beat(cjd_runtime_timers(b->rt), cjd_clock_now());
    make_node(b);
    assert_int_equal(cjd_netif_new(&b->netif), 0);
    struct cjd_plugins_config config = {.rt = b->rt,
                                        .netif = b->netif,
                                        .rng = cjd_rng_system(),
                                        .log = {&b->sink, "plugin"},
                                        .folder = folder};
    assert_int_equal(cjd_plugins_new(&b->plugins, &config), 0);
}

int bench_up(struct bench *b)
{
    int err = cjd_plugins_load(b->plugins, b->config, &b->diags);

    err = err < 0 ? err : cjd_plugins_create(b->plugins, b->config, &b->diags);
    err = err < 0 ? err : cjd_plugins_acquire(b->plugins);
    return err < 0 ? err : cjd_plugins_start(b->plugins);
}

static int remove_entry(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

void bench_close(struct bench *b)
{
    cjd_plugins_stop(b->plugins);
    cjd_runtime_set_node(b->rt, NULL);
    cjd_node_free(b->node);
    cjd_plugins_free(b->plugins);
    cjd_netif_free(b->netif);
    cjd_runtime_free(b->rt);
    if (cjd_pool_in_use(b->pool) == 0) {
        cjd_pool_free(b->pool);
    }
    cjd_config_free(b->config);
    cjd_diags_fini(&b->diags);
    if (b->folder) {
        nftw(b->folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
        free(b->folder);
        b->folder = NULL;
    }
}

/* --- files --------------------------------------------------------------------------------------
 */

const char *bench_folder(struct bench *b)
{
    const char *tmp = getenv("TMPDIR");

    if (!b->folder) {
        assert_true(asprintf(&b->folder, "%s/cjd-abi-XXXXXX", tmp ? tmp : "/tmp") > 0);
        assert_non_null(mkdtemp(b->folder));
    }
    return b->folder;
}

static FILE *create_file(struct bench *b, const char *as, char *path, size_t cap)
{
    snprintf(path, cap, "%s/%s", bench_folder(b), as);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    return f;
}

void bench_write(struct bench *b, const char *as, const char *text)
{
    char path[1024];
    FILE *f = create_file(b, as, path, sizeof path);

    fputs(text, f);
    assert_int_equal(fclose(f), 0);
}

void bench_copy(struct bench *b, const char *name, const char *as, unsigned mode)
{
    char from_path[1024];
    char path[1024];
    char block[4096];
    size_t n;

    snprintf(from_path, sizeof from_path, "%s/%s.so", ABI_PLUGINS, name);
    FILE *from = fopen(from_path, "rb");
    assert_non_null(from);
    FILE *to = create_file(b, as, path, sizeof path);
    while ((n = fread(block, 1, sizeof block, from)) > 0) {
        assert_int_equal(fwrite(block, 1, n, to), n);
    }
    fclose(from);
    assert_int_equal(fclose(to), 0);
    assert_int_equal(chmod(path, (mode_t)mode), 0);
}
