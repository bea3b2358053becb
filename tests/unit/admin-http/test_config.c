/* Configuration: defaults, every refusal with its place. */
#include "http_fixture.h"

#include <cjd/text.h>

#define LISTEN "\"listen\":[\"unix:/tmp/x.sock\"]"
#define HASH   "0123456789abcdef0123456789ABCDEF0123456789abcdef0123456789abcdef"
/* A key of the network, from the notes. */
#define KEY "zk4wphywp63kqzyux5rnclybs5dsby453qb4jkgpm64d785df6g0.k"

static struct cjd_http_config *read_ok(const char *text)
{
    struct cjd_plugin_error error = {.size = sizeof error};
    struct cjd_http_config *config = NULL;
    json_t *json = json_loads(text, 0, NULL);

    assert_non_null(json);
    if (cjd_http_config_read(&config, json, &error) != 0) {
        fail_msg("%s: %s %s", text, error.pointer, error.text);
    }
    json_decref(json);
    return config;
}

static void test_places(void **state)
{
    struct cjd_http_config *c =
        read_ok("{\"listen\":[\"unix:/run/a b.sock?mode=0600&group=root\",\"tcp:127.0.0.1:11235\","
                "\"tcp:[::1]:11235\",\"mesh:11235?device=tun0\",\"unix:/x?group=no-such-group\"]}");

    (void)state;
    assert_int_equal(c->listen_count, 5);
    assert_int_equal(c->listen[0].place, CJD_HTTP_UNIX);
    assert_string_equal(c->listen[0].path, "/run/a b.sock");
    assert_int_equal(c->listen[0].mode, 0600);
    assert_int_equal(c->listen[0].group, 0);
    assert_int_equal(c->listen[1].place, CJD_HTTP_TCP);
    assert_int_equal(c->listen[1].at.port, 11235);
    assert_int_equal(c->listen[2].at.family, 6);
    assert_int_equal(c->listen[3].place, CJD_HTTP_MESH);
    assert_string_equal(c->listen[3].device, "tun0");
    assert_int_equal(c->listen[4].mode, 0660);
    assert_string_equal(c->listen[4].group_missing, "no-such-group");
    assert_string_equal(c->token_file, "/run/cjdns/api.token");
    assert_int_equal(c->limits.connections, 64);
    assert_int_equal(c->limits.receive_s, 10);
    cjd_http_config_free(c);
    cjd_http_config_free(NULL);
}

static void test_access(void **state)
{
    struct cjd_http_config *c =
        read_ok("{" LISTEN ",\"tokens\":[{\"name\":\"a\",\"sha256\":\"" HASH
                "\",\"scopes\":[\"read\",\"write\"],\"expires\":\"2027-01-31\"}],"
                "\"access\":[{\"publicKey\":\"" KEY "\",\"scopes\":[\"metrics\"]},"
                "{\"user\":\"root\",\"scopes\":[\"all\"]},{\"group\":\"4711\",\"scopes\":[]}],"
                "\"hostNames\":[\"box\"],\"corsOrigins\":[\"https://a\",\"https://b\"],"
                "\"limits\":{\"streams\":3}}");
    struct cjd_addr addr;

    (void)state;
    assert_int_equal(c->tokens[0].sha256[1], 0x23);
    assert_int_equal(c->tokens[0].scopes, CJD_RPC_READ | CJD_RPC_WRITE | CJD_HTTP_METRICS);
    assert_true(c->tokens[0].expires_ms == 1801353600000ull);
    assert_int_equal(c->grant_count, 3);
    assert_int_equal(cjd_addr_from_text(&addr, "fccb:61e1:1555:760:835d:326c:af8:32a8"), 0);
    assert_memory_equal(c->grants[0].addr.b, addr.b, sizeof addr.b);
    assert_int_equal(c->grants[1].id, 0);
    assert_int_equal(c->grants[1].scopes, CJD_RPC_ALL | CJD_HTTP_METRICS);
    assert_int_equal(c->grants[2].id, 4711);
    assert_int_equal(c->host_name_count, 1);
    assert_string_equal(c->cors_origins[1], "https://b");
    assert_int_equal(c->limits.streams, 3);
    cjd_http_config_free(c);
}

static void test_insecure(void **state)
{
    struct cjd_http_config *c = read_ok("{\"listen\":[\"tcp:0.0.0.0:1\"],\"allowInsecure\":true}");

    (void)state;
    assert_int_equal(c->listen[0].at.family, 4);
    cjd_http_config_free(c);
}

static void test_refusals(void **state)
{
    static const struct {
        const char *text;
        const char *pointer;
    } rows[] = {
        {"{\"listen\":[]}", "/listen"},
        {"{\"listen\":[\"x\",\"x\",\"x\",\"x\",\"x\",\"x\",\"x\",\"x\",\"x\"]}", "/listen"},
        {"{\"listen\":[5]}", "/listen/0"},
        {"{\"listen\":[\"127.0.0.1:1\"]}", "/listen/0"},
        {"{\"listen\":[\"unix:x\"]}", "/listen/0"},
        {"{\"listen\":[\"unix:/x?mode=9\"]}", "/listen/0"},
        {"{\"listen\":[\"unix:/x?mode=\"]}", "/listen/0"},
        {"{\"listen\":[\"unix:/x?mode=07777\"]}", "/listen/0"},
        {"{\"listen\":[\"unix:/x?what=1\"]}", "/listen/0"},
        {"{\"listen\":[\"unix:/x?mode\"]}", "/listen/0"},
        {"{\"listen\":[\"unix:/x?device=a\"]}", "/listen/0"},
        {"{\"listen\":[\"tcp:127.0.0.1\"]}", "/listen/0"},
        {"{\"listen\":[\"tcp:localhost:1\"]}", "/listen/0"},
        {"{\"listen\":[\"tcp:0.0.0.0:1\"]}", "/listen/0"},
        {"{\"listen\":[\"tcp:192.0.2.1:1\"]}", "/listen/0"},
        {"{\"listen\":[\"tcp:[::ffff:127.0.0.1]:1\"]}", "/listen/0"},
        {"{\"listen\":[\"mesh:x\"]}", "/listen/0"},
        {"{\"listen\":[\"mesh:\"]}", "/listen/0"},
        {"{\"listen\":[\"unix:/tmp/x\",\"mesh:70000\"]}", "/listen/1"},
        {"{" LISTEN ",\"tokenFile\":\"x\"}", "/tokenFile"},
        {"{" LISTEN ",\"tokens\":[{\"name\":\"a\",\"sha256\":\"00\",\"scopes\":[]}]}",
         "/tokens/0/sha256"},
        {"{" LISTEN ",\"tokens\":[{\"name\":\"a\",\"sha256\":\"" HASH "\",\"scopes\":[\"root\"]}]}",
         "/tokens/0/scopes/0"},
        {"{" LISTEN ",\"tokens\":[{\"name\":\"a\",\"sha256\":\"" HASH
         "\",\"scopes\":[],\"expires\":\"tomorrow\"}]}",
         "/tokens/0/expires"},
        {"{" LISTEN ",\"access\":[{\"scopes\":[]}]}", "/access/0"},
        {"{" LISTEN ",\"access\":[{\"user\":\"root\",\"group\":\"root\",\"scopes\":[]}]}",
         "/access/0"},
        {"{" LISTEN ",\"access\":[{\"user\":\"no-such-user\",\"scopes\":[]}]}", "/access/0/user"},
        {"{" LISTEN ",\"access\":[{\"user\":\"nobody\",\"scopes\":[]}]}", "/access/0/user"},
        {"{" LISTEN ",\"access\":[{\"group\":\"no-such-group\",\"scopes\":[]}]}",
         "/access/0/group"},
        {"{" LISTEN ",\"access\":[{\"publicKey\":\"x\",\"scopes\":[]}]}", "/access/0/publicKey"},
        {"{" LISTEN ",\"hostNames\":[5]}", "/hostNames/0"},
        {"{" LISTEN ",\"limits\":{\"streams\":0}}", "/limits/streams"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct cjd_plugin_error error = {.size = sizeof error};
        struct cjd_http_config *config = NULL;
        json_t *json = json_loads(rows[i].text, 0, NULL);
        assert_non_null(json);
        int err = cjd_http_config_read(&config, json, &error);
        if (err != CJD_ERR_CONFIG || strcmp(error.pointer, rows[i].pointer) != 0 ||
            error.text[0] == '\0') {
            fail_msg("%s: %d %s %s", rows[i].text, err, error.pointer, error.text);
        }
        assert_null(config);
        json_decref(json);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_places), cmocka_unit_test(test_access),
                                       cmocka_unit_test(test_insecure),
                                       cmocka_unit_test(test_refusals)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
