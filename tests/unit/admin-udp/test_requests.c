/* The plugin as a whole on a fake host: requests over a real socket, calls answered by the test. */
#include <testlib/testlib.h>

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fake_host.h>

#include "admin.h"

extern const struct cjd_plugin cjd_plugin_abi1;

struct world {
    struct cjd_fake_host *fake;
    struct admin *admin;
    int client;
};

/* What the registry was asked last, and how it answers. */
static struct {
    char method[64];
    char args[512];
    unsigned calls;
    const char *result; /* JSON, or NULL: later */
    const char *code;   /* an error */
    cjd_rpc_done_fn done;
    void *arg;
    struct cjd_rpc_call call;
} registry;

static void on_call(struct cjd_fake_host *fake, const struct cjd_rpc_request *r,
                    struct cjd_rpc_call **out)
{
    char *args = r->args ? json_dumps(r->args, JSON_COMPACT | JSON_SORT_KEYS) : NULL;

    (void)fake;
    registry.calls++;
    registry.done = r->done;
    registry.arg = r->arg;
    snprintf(registry.method, sizeof registry.method, "%s", r->method);
    snprintf(registry.args, sizeof registry.args, "%s", args ? args : "");
    free(args);
    if (registry.code) {
        const struct cjd_rpc_error error = {.size = sizeof error,
                                            .err = CJD_ERR_INVALID,
                                            .code = registry.code,
                                            .pointer = "",
                                            .message = "wrong",
                                            .hint = "do it right"};
        r->done(r->arg, NULL, &error);
    } else if (registry.result) {
        json_t *result = json_loads(registry.result, 0, NULL);
        r->done(r->arg, result, NULL);
        json_decref(result);
    } else {
        *out = &registry.call;
    }
}

static int begin(void **state, const char *config)
{
    struct world *w = calloc(1, sizeof *w);
    const struct cjd_plugin_ops *ops = &cjd_plugin_abi1.ops;
    struct cjd_plugin_error error = {.size = sizeof error};
    json_t *json = json_loads(config, 0, NULL);
    socklen_t len = sizeof(struct sockaddr_in);
    struct sockaddr_in at;
    void *self;

    memset(&registry, 0, sizeof registry);
    w->fake = cjd_fake_new();
    w->fake->on_call = on_call;
    assert_int_equal(0, ops->create(&w->fake->host, &self, &error));
    assert_int_equal(0, ops->configure(self, json, &error));
    assert_int_equal(0, ops->acquire(self, &error));
    assert_int_equal(0, ops->start(self, &error));
    json_decref(json);
    w->admin = self;
    assert_int_equal(0, getsockname(w->admin->fd, (struct sockaddr *)&at, &len));
    w->client = socket(AF_INET, SOCK_DGRAM, 0);
    assert_int_equal(0, connect(w->client, (struct sockaddr *)&at, len));
    *state = w;
    return 0;
}

static int setup(void **state)
{
    return begin(state, "{\"bind\": \"127.0.0.1:0\", \"password\": \"NONE\"}");
}

static int setup_closed(void **state)
{
    return begin(state, "{\"bind\": \"127.0.0.1:0\", \"anonymousPerSecond\": 10}");
}

static int teardown(void **state)
{
    struct world *w = *state;
    const struct cjd_plugin_ops *ops = &cjd_plugin_abi1.ops;

    ops->stop(w->admin);
    ops->release(w->admin);
    ops->destroy(w->admin);
    assert_int_equal(0, cjd_fake_leaks(w->fake));
    assert_int_equal(0, w->fake->subscriptions);
    cjd_fake_free(w->fake);
    close(w->client);
    free(w);
    return 0;
}

static void say(struct world *w, const char *text)
{
    assert_int_equal(strlen(text), send(w->client, text, strlen(text), 0));
    cjd_fake_poll(w->fake, 1000);
}

/* "" if nothing came. */
static const char *heard(struct world *w)
{
    static char out[70000];
    ssize_t n = recv(w->client, out, sizeof out - 1, MSG_DONTWAIT);

    out[n > 0 ? n : 0] = '\0';
    return out;
}

static void ask(struct world *w, const char *text, const char *wished)
{
    say(w, text);
    assert_string_equal(wished, heard(w));
}

static void simple_answers(void **state)
{
    struct world *w = *state;

    ask(w, "d1:q4:pinge", "d1:q4:ponge");
    ask(w, "d1:q6:cookie4:txid1:xe", "d6:cookie10:17000000004:txid1:xe");
    ask(w, "d1:q4:ping\n", "");
    ask(w, "d1:q5:no_fne",
        "d5:error65:No functions matched your request, try Admin_availableFunctions()e");
    ask(w, "d1:q4:authe", "d5:error12:Auth failed.e");
}

static void needed_arguments_are_asked_for(void **state)
{
    struct world *w = *state;

    ask(w, "d1:q19:NodeStore_dumpTablee",
        "d5:error50:Entry [page] is required and must be of type [Int]e");
}

static void methods_are_called_and_answers_rendered(void **state)
{
    struct world *w = *state;

    registry.result = "{\"pid\": 77}";
    ask(w, "d1:q8:Core_pid4:txid2:abe", "d3:pidi77e4:txid2:abe");
    assert_string_equal("node.info", registry.method);
    registry.result = "{\"items\": [], \"total\": 12, \"next\": \"12\"}";
    ask(w, "d4:argsd4:pagei1ee1:q29:InterfaceController_peerStatse",
        "d4:morei1e5:peersle5:totali12ee");
    assert_string_equal("{\"after\":\"6\",\"limit\":6}", registry.args);
    registry.result = "{\"added\": true}";
    ask(w, "d4:argsd8:password2:pw4:useri5ee1:q23:AuthorizedPasswords_adde", "d5:error4:nonee");
    assert_string_equal("{\"password\":\"pw\"}", registry.args);
    registry.code = "not_found";
    ask(w, "d4:argsd4:path7:fc00::1e1:q21:RouterModule_pingNodee", "d5:error9:not_founde");
}

static void late_answers_find_their_way(void **state)
{
    struct world *w = *state;
    json_t *result = json_pack("{s:i}", "pid", 5);

    ask(w, "d1:q8:Core_pid4:txid1:1e", "");
    cjd_rpc_done_fn done = registry.done;
    void *arg = registry.arg;
    ask(w, "d1:q4:ping4:txid1:2e", "d1:q4:pong4:txid1:2e");
    done(arg, result, NULL);
    assert_string_equal("d3:pidi5e4:txid1:1e", heard(w));
    json_decref(result);
}

static void stop_cancels_what_waits(void **state)
{
    struct world *w = *state;

    for (unsigned i = 0; i < 2 * ADMIN_PER_CLIENT; i++) {
        ask(w, "d1:q8:Core_pide", "");
    }
    assert_int_equal(ADMIN_PER_CLIENT, registry.calls);
    cjd_plugin_abi1.ops.stop(w->admin);
    assert_int_equal(ADMIN_PER_CLIENT, w->fake->cancelled_calls);
    struct cjd_plugin_error error = {.size = sizeof error};
    assert_int_equal(0, cjd_plugin_abi1.ops.start(w->admin, &error));
}

static void strangers_are_limited(void **state)
{
    struct world *w = *state;
    unsigned answers = 0;

    for (unsigned i = 0; i < 50; i++) {
        say(w, "d1:q4:pinge");
        answers += heard(w)[0] != '\0';
    }
    assert_int_equal(10, answers);
    cjd_fake_advance(w->fake, 500000000);
    for (unsigned i = 0; i < 50; i++) {
        say(w, "d1:q4:pinge");
        answers += heard(w)[0] != '\0';
    }
    assert_int_equal(15, answers);
}

static void log_lines_go_to_who_is_there(void **state)
{
    struct world *w = *state;
    json_t *data = json_pack("{s:s, s:s, s:s}", "level", "warn", "module", "dht", "message", "m");
    struct cjd_rpc_event lines[2] = {
        {.size = sizeof lines[0], .seq = 1, .wall_ms = 1700000005123, .type = "log", .data = data},
        {.size = sizeof lines[0], .seq = 2, .wall_ms = 1700000005123, .type = "log", .data = data}};

    say(w, "d1:q18:AdminLog_subscribe4:txid1:le");
    assert_memory_equal("d5:error4:none8:streamId16:", heard(w), 27);
    w->fake->lines = lines;
    w->fake->line_count = 1;
    w->fake->ready(w->fake->ready_arg);
    assert_non_null(
        strstr(heard(w), "d4:file3:dht5:level4:WARN4:linei0e7:message1:m8:streamId16:"));
    /* Silent for longer than 30 s: it is deleted. */
    cjd_fake_advance(w->fake, 31000000000ull);
    w->fake->lines = lines;
    w->fake->line_count = 1;
    w->fake->ready(w->fake->ready_arg);
    assert_string_equal("", heard(w));
    assert_int_equal(0, w->fake->subscriptions);
    json_decref(data);
}

static void password_is_never_logged(void **state)
{
    struct world *w = *state;

    ask(w, "d4:argsd8:password12:hidden-word!e1:q23:AuthorizedPasswords_adde", "");
    assert_int_equal(0, cjd_fake_logged_any(w->fake, "hidden-word"));
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(simple_answers),
        T(needed_arguments_are_asked_for),
        T(methods_are_called_and_answers_rendered),
        T(late_answers_find_their_way),
        T(stop_cancels_what_waits),
        cmocka_unit_test_setup_teardown(strangers_are_limited, setup_closed, teardown),
        T(log_lines_go_to_who_is_there),
        T(password_is_never_logged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
