/* The node's methods on a node of its own, without neighbours: what each answers fits what it
 * promised (builds for finding faults check that), and what it refuses it refuses with a reason. */
#include <testlib/testlib.h>

#include <node/node.h>
#include <rpc/methods.h>
#include <cjd/text.h>
#include <runtime/runtime.h>

#include "bench.h"

struct world {
    struct bench *bench;
    struct cjd_pool *pool;
    struct cjd_runtime *rt;
    struct cjd_node *node;
    struct cjd_methods *methods;
};

static uint64_t wall(void)
{
    return 1767225600123;
}

static int setup(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    struct cjd_runtime_config config = {0};
    struct cjd_node_config node = {.rng = cjd_rng_system()};
    void *bench;

    assert_int_equal(0, bench_setup(&bench));
    w->bench = bench;
    w->pool = cjd_pool_new(256, 8);
    config.pool = w->pool;
    assert_int_equal(0, cjd_crypto_init());
    assert_int_equal(0, cjd_runtime_new(&w->rt, &config));
    cjd_keypair_generate(&node.self, &node.rng);
    node.pool = w->pool;
    node.ops = cjd_runtime_node_ops(w->rt);
    assert_int_equal(0, cjd_node_new(&w->node, &node, cjd_clock_now()));
    cjd_runtime_set_node(w->rt, w->node);
    struct cjd_methods_config methods = {.rpc = w->bench->rpc,
                                         .rt = w->rt,
                                         .node = w->node,
                                         .pool = w->pool,
                                         .rng = node.rng,
                                         .wall_ms = wall};
    assert_int_equal(0, cjd_methods_new(&w->methods, &methods));
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    void *bench = w->bench;

    cjd_methods_free(w->methods);
    cjd_runtime_set_node(w->rt, NULL);
    cjd_node_free(w->node);
    bench_teardown(&bench);
    cjd_runtime_free(w->rt);
    cjd_pool_free(w->pool);
    free(w);
    return 0;
}

/* Turns until the call is answered. */
static void settle(struct world *w)
{
    for (int i = 0; i < 2000 && w->bench->got.count == 0; i++) {
        assert_int_equal(0, cjd_runtime_turn(w->rt, true));
    }
    assert_int_equal(1, w->bench->got.count);
}

static const json_t *call(struct world *w, const char *method, const char *args)
{
    bench_call(w->bench, method, args);
    settle(w);
    if (w->bench->got.errors > 0) {
        fail_msg("%s: %s: %s", method, w->bench->got.code, w->bench->got.message);
    }
    return w->bench->got.result;
}

static void refused(struct world *w, const char *method, const char *args, const char *code)
{
    bench_call(w->bench, method, args);
    settle(w);
    assert_int_equal(1, w->bench->got.errors);
    assert_string_equal(code, w->bench->got.code);
}

static json_int_t number(const json_t *value, const char *key)
{
    assert_true(json_is_integer(json_object_get(value, key)));
    return json_integer_value(json_object_get(value, key));
}

static void views_answer(void **state)
{
    struct world *w = *state;
    static const char *const empty[] = {"interfaces.list", "peers.list",    "refusals.list",
                                        "sessions.list",   "searches.list", "links.list"};

    for (size_t i = 0; i < sizeof empty / sizeof empty[0]; i++) {
        assert_int_equal(0, number(call(w, empty[i], NULL), "total"));
        assert_true(json_is_null(json_object_get(w->bench->got.result, "next")));
    }
    assert_int_equal(1, number(call(w, "nodes.list", NULL), "total"));
    assert_true(number(call(w, "node.info", NULL), "pid") > 0);
    call(w, "node.counters", NULL);
    assert_int_equal(0, number(call(w, "drops.list", NULL), "total"));
    call(w, "drops.list", "{\"all\": true}");
    assert_int_equal(CJD_DROP_COUNT,
                     json_array_size(json_object_get(w->bench->got.result, "items")));
    assert_true(json_array_size(json_object_get(call(w, "methods.list", NULL), "items")) > 30);
    assert_true(json_array_size(json_object_get(call(w, "events.types", NULL), "items")) > 5);
}

static void own_node_is_known(void **state)
{
    struct world *w = *state;
    char args[128];
    char addr[CJD_ADDR_TEXT_SIZE];

    cjd_addr_to_text(addr, &cjd_node_self(w->node)->addr);
    snprintf(args, sizeof args, "{\"node\": \"%s\"}", addr);
    const json_t *node = call(w, "nodes.get", args);
    assert_string_equal("0000.0000.0000.0001", json_string_value(json_object_get(node, "label")));
    assert_int_equal(127, number(node, "bucket"));
    snprintf(args, sizeof args, "{\"address\": \"%s\"}", addr);
    assert_true(json_is_true(json_object_get(call(w, "routes.explain", args), "is_self")));
}

static void passwords_come_and_go(void **state)
{
    struct world *w = *state;

    call(w, "passwords.add", "{\"login\": \"ann\", \"password\": \"secret-word\"}");
    assert_true(json_is_true(json_object_get(w->bench->got.result, "added")));
    call(w, "passwords.add", "{\"login\": \"ann\", \"password\": \"secret-word\"}");
    assert_true(json_is_false(json_object_get(w->bench->got.result, "added")));
    refused(w, "passwords.add", "{\"login\": \"ann\", \"password\": \"other-word\"}",
            "login_exists");
    const json_t *list = call(w, "passwords.list", NULL);
    char *text = json_dumps(list, 0);
    assert_null(strstr(text, "secret"));
    assert_non_null(strstr(text, "ann"));
    free(text);
    call(w, "passwords.remove", "{\"login\": \"ann\"}");
    refused(w, "passwords.remove", "{\"login\": \"ann\"}", "no_such_login");
}

static void lists_come_in_pages(void **state)
{
    struct world *w = *state;
    char args[96];

    for (int i = 0; i < 5; i++) {
        snprintf(args, sizeof args, "{\"login\": \"u%d\", \"password\": \"password-%d\"}", i, i);
        call(w, "passwords.add", args);
    }
    const json_t *page = call(w, "passwords.list", "{\"limit\": 2}");
    assert_int_equal(2, json_array_size(json_object_get(page, "items")));
    assert_int_equal(5, number(page, "total"));
    assert_string_equal("2", json_string_value(json_object_get(page, "next")));
    page = call(w, "passwords.list", "{\"limit\": 2, \"after\": \"4\"}");
    assert_int_equal(1, json_array_size(json_object_get(page, "items")));
    assert_true(json_is_null(json_object_get(page, "next")));
    page = call(w, "passwords.list", "{\"after\": \"99999999999999999999999\"}");
    assert_int_equal(0, json_array_size(json_object_get(page, "items")));
}

static void nonsense_is_refused(void **state)
{
    struct world *w = *state;

    refused(w, "peers.get", "{\"peer\": \"p-99\"}", "no_such_peer");
    refused(w, "peers.disconnect", "{\"peer\": \"p-99\"}", "no_such_peer");
    refused(w, "sessions.get", "{\"session\": \"12\"}", "no_such_session");
    refused(w, "nodes.get", "{\"node\": \"nobody\"}", "invalid_argument");
    refused(w, "nodes.get", "{\"node\": \"fc00::1\"}", "no_such_node");
    refused(w, "routes.get", "{\"address\": \"fc00::1\"}", "no_route");
    refused(w, "routes.get", "{\"address\": \"1.2.3.4\"}", "invalid_argument");
    refused(w, "routes.splice",
            "{\"path\": \"0000.0000.0000.001g\", \"rest\": \"0000.0000.0000.0013\"}",
            "invalid_argument");
    refused(w, "routes.splice",
            "{\"path\": \"0fff.0000.0000.0013\", \"rest\": \"0fff.0000.0000.0013\"}",
            "label_too_long");
    refused(w, "traceroute", "{\"address\": \"fc00::1\"}", "no_route");
    refused(w, "ping.node", "{\"target\": \"fc00::1\"}", "not_found");
    refused(w, "ping.node", "{\"target\": \"0000.0000.0000.0013\"}", "not_found");
    refused(w, "ping.node", "{\"target\": \"junk\"}", "invalid_argument");
    refused(w, "ping.node", "{\"target\": \"v20.0000.0000.0000.0013.junk.k\"}", "invalid_argument");
    refused(w, "ping.switch", "{\"target\": \"0000.0000.0000.0001\", \"data_hex\": \"xx\"}",
            "invalid_argument");
}

static void splice_is_the_switch_s(void **state)
{
    struct world *w = *state;
    const json_t *r =
        call(w, "routes.splice",
             "{\"path\": \"0000.0000.0000.0013\", \"rest\": \"0000.0000.0000.0015\"}");

    assert_string_equal("0000.0000.0000.0153", json_string_value(json_object_get(r, "label")));
}

static void probes_of_this_node_itself(void **state)
{
    struct world *w = *state;
    const json_t *r =
        call(w, "ping.switch", "{\"target\": \"0000.0000.0000.0001\", \"data_hex\": \"6869\"}");

    assert_string_equal("pong", json_string_value(json_object_get(r, "result")));
    assert_string_equal("6869", json_string_value(json_object_get(r, "data_hex")));
    r = call(w, "query.peers", "{\"target\": \"0000.0000.0000.0001\"}");
    assert_int_equal(1, json_array_size(json_object_get(r, "nodes")));
    call(w, "ping.node", "{\"target\": \"0000.0000.0000.0001\"}");
}

static void probes_into_the_void_end(void **state)
{
    struct world *w = *state;
    const json_t *r =
        call(w, "ping.switch", "{\"target\": \"0000.0000.0000.0013\", \"timeout_ms\": 50}");

    assert_string_equal("switch_error", json_string_value(json_object_get(r, "result")));
    r = call(w, "search", "{\"address\": \"fc00::1\"}");
    assert_true(json_is_false(json_object_get(r, "found")));
    r = call(w, "ping.session", "{\"address\": \"fc00::1\", \"timeout_ms\": 300}");
    assert_string_not_equal("pong", json_string_value(json_object_get(r, "result")));
}

static void cancelled_probes_are_forgotten(void **state)
{
    struct world *w = *state;
    struct cjd_rpc_call *c =
        bench_call(w->bench, "ping.session", "{\"address\": \"fc00::1\", \"timeout_ms\": 60000}");

    if (c) {
        cjd_rpc_cancel(c);
    }
    for (int i = 0; i < 20; i++) {
        assert_int_equal(0, cjd_runtime_turn(w->rt, false));
    }
    assert_int_equal(0, w->bench->got.count);
}

/* --- events -------------------------------------------------------------------------------------
 */

static void expect_event(struct world *w, struct cjd_rpc_subscription *sub, const char *type)
{
    struct cjd_rpc_event e = {.size = sizeof e};

    for (int i = 0; i < 100; i++) {
        if (cjd_rpc_next(sub, &e) == 1) {
            assert_string_equal(type, e.type);
            return;
        }
        assert_int_equal(0, cjd_runtime_turn(w->rt, false));
    }
    fail_msg("no event %s", type);
}

/* Told from inside the node, heard when it has returned; the first one of a peer is "added". */
static void peers_are_told_of(void **state)
{
    struct world *w = *state;
    struct cjd_rpc_subscription *sub;
    struct cjd_rpc_subscribe wish = {.size = sizeof wish, .after = UINT64_MAX};
    struct cjd_rpc_event e = {.size = sizeof e};
    const struct cjd_keypair *self = cjd_node_self(w->node);
    struct cjd_peer_info info = {.peer = 77, .label = 0x13, .key = self->key, .ip6 = self->addr};

    assert_int_equal(0, cjd_rpc_subscribe(w->bench->rpc, w, &wish, &sub));
    cjd_methods_peer_event(w->methods, &info, false);
    assert_int_equal(0, cjd_rpc_next(sub, &e));
    expect_event(w, sub, "peer.added");
    info.state = CJD_CA_ESTABLISHED;
    cjd_methods_peer_event(w->methods, &info, false);
    expect_event(w, sub, "peer.state");
    cjd_methods_peer_event(w->methods, &info, true);
    expect_event(w, sub, "peer.removed");
    cjd_methods_peer_event(w->methods, &info, false);
    expect_event(w, sub, "peer.added");
    cjd_rpc_unsubscribe(sub);
}

/* The node is woken for it only while somebody follows, or did lately. */
static void nothing_is_compared_for_nobody(void **state)
{
    struct world *w = *state;
    struct cjd_rpc_subscription *sub;
    struct cjd_rpc_subscribe wish = {.size = sizeof wish, .after = UINT64_MAX};
    uint64_t rates = cjd_timers_next(cjd_runtime_timers(w->rt));

    assert_true(rates > cjd_clock_now() + 3 * CJD_S);
    assert_int_equal(0, cjd_rpc_subscribe(w->bench->rpc, w, &wish, &sub));
    assert_true(cjd_timers_next(cjd_runtime_timers(w->rt)) <= cjd_clock_now() + CJD_S);
    cjd_rpc_unsubscribe(sub);
    w->bench->now_ns += 601 * CJD_S;
    assert_int_equal(0, cjd_runtime_turn(w->rt, true));
    for (int i = 0; i < 100 && cjd_timers_next(cjd_runtime_timers(w->rt)) < rates; i++) {
        assert_int_equal(0, cjd_runtime_turn(w->rt, true));
    }
    assert_int_equal(rates, cjd_timers_next(cjd_runtime_timers(w->rt)));
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(views_answer),
        T(own_node_is_known),
        T(passwords_come_and_go),
        T(lists_come_in_pages),
        T(nonsense_is_refused),
        T(splice_is_the_switch_s),
        T(probes_of_this_node_itself),
        T(probes_into_the_void_end),
        T(cancelled_probes_are_forgotten),
        T(peers_are_told_of),
        T(nothing_is_compared_for_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
