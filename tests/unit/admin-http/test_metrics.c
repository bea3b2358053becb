/* Exposition text: what the core says, escaped and complete; what it does not say, left out. */
#include "http_fixture.h"

static char *metrics_of(const char *values_text, struct cjd_http_server *s)
{
    struct evbuffer *out = evbuffer_new();
    json_t *values = json_loads(values_text, 0, NULL);

    assert_non_null(values);
    assert_int_equal(cjd_http_metrics(out, values, s), 0);
    evbuffer_add(out, "", 1);
    char *text = strdup((const char *)evbuffer_pullup(out, -1));
    evbuffer_free(out);
    json_decref(values);
    return text;
}

static struct cjd_http_server *server(struct cjd_http_config *config)
{
    static struct cjd_http_server s;

    s = (struct cjd_http_server){.config = config};
    s.calls = json_pack("{s:{s:i, s:i}}", "node.info", "ok", 3, "error", 1);
    s.counters.received_requests = 4;
    config->limits.metric_peers = 2;
    return &s;
}

static void expect(const char *text, const char *line)
{
    if (!strstr(text, line)) {
        fail_msg("missing: %s\nin:\n%s", line, text);
    }
}

static const char values[] =
    "{\"node.info\":{\"version\":\"1 \\\"x\\\" \\\\\",\"protocol_version\":21,\"uptime_ms\":1500,"
    "\"nodes\":12},"
    "\"node.counters\":{\"loop\":{\"longest_turn_us\":1500},\"rpc\":{\"calls\":9},"
    "\"crypto_failures\":[{\"where\":\"link\",\"reason\":\"replay\",\"packets\":2}]},"
    "\"drops.list\":{\"items\":[{\"reason\":\"no_route\",\"packets\":7}]},"
    "\"peers.list\":{\"next\":null,\"items\":["
    "{\"address\":\"fc00::1\",\"interface\":\"udp/"
    "a\\nb\",\"state\":\"established\",\"rx_bytes\":5},"
    "{\"address\":\"fc00::1\",\"interface\":\"udp/a\\nb\",\"state\":\"init\",\"rx_bytes\":6}]}}";

static void test_lines(void **state)
{
    static const char *const lines[] = {
        ("# TYPE cjdns_build_info gauge\n"
         "cjdns_build_info{version=\"1 \\\"x\\\" \\\\\",protocol=\"21\"} 1\n"),
        "# TYPE cjdns_uptime_seconds gauge\ncjdns_uptime_seconds 1.5\n",
        "cjdns_routing_nodes 12\n",
        "cjdns_event_loop_lag_seconds 0.0015\n",
        "# TYPE cjdns_rpc_calls_total counter\ncjdns_rpc_calls_total 9\n",
        "cjdns_crypto_failures_total{where=\"link\",reason=\"replay\"} 2\n",
        "cjdns_dropped_packets_total{reason=\"no_route\"} 7\n",
        "cjdns_peers{state=\"established\"} 1\n",
        "cjdns_peers{state=\"init\"} 1\n",
        "cjdns_peer_receive_bytes_total{peer=\"fc00::1\",interface=\"udp/a\\nb\"} 5\n",
        "cjdns_peer_up{peer=\"fc00::1\",interface=\"udp/a\\nb\"} 1\n",
        "cjdns_admin_requests_total{api=\"http\",function=\"node.info\",result=\"error\"} 1\n",
        "cjdns_admin_received_requests_total{api=\"http\"} 4\n"};
    struct cjd_http_config config = {0};
    struct cjd_http_server *s = server(&config);
    char *text = metrics_of(values, s);

    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        expect(text, lines[i]);
    }
    /* One sample for a name and its labels. */
    assert_null(strstr(text, "} 6\n"));
    /* Not said, so not told. */
    assert_null(strstr(text, "cjdns_sessions"));
    assert_int_equal(text[strlen(text) - 1], '\n');
    json_decref(s->calls);
    free(text);
}

static void test_many_peers(void **state)
{
    struct cjd_http_config config = {0};
    struct cjd_http_server *s = server(&config);
    char *text;

    (void)state;
    config.limits.metric_peers = 1;
    text = metrics_of(values, s);
    expect(text, "cjdns_peers{state=\"init\"} 1\n");
    assert_null(strstr(text, "cjdns_peer_"));
    free(text);
    /* More than fit into one answer: not even their states are known. */
    text = metrics_of("{\"peers.list\":{\"next\":\"x\",\"items\":[{\"state\":\"init\"}]}}", s);
    assert_null(strstr(text, "cjdns_peers"));
    free(text);
    json_decref(s->calls);
}

static void test_nothing(void **state)
{
    struct cjd_http_config config = {0};
    struct cjd_http_server *s = server(&config);
    char *text = metrics_of("{}", s);

    (void)state;
    expect(text, "cjdns_admin_open_connections{api=\"http\"} 0\n");
    assert_null(strstr(text, "cjdns_build_info"));
    json_decref(s->calls);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_lines),
                                       cmocka_unit_test(test_many_peers),
                                       cmocka_unit_test(test_nothing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
