/* The native form: what is read, what is refused and where, and hostile input. */
#include "helper.h"

#define NODE "\"node\":{\"privateKey\":\"" OWN_SECRET "\"}"

static void smallest(void **state)
{
    struct reading r = read_text("{" NODE ",\"plugins\":[]}");

    (void)state;
    assert_read(&r);
    assert_int_equal(r.diags.count, 0);
    assert_false(cjd_config_is_reference_form(r.config));
    assert_true(cjd_config_wants_foreground(r.config));
    assert_int_equal(cjd_config_password_count(r.config), 0);
    assert_int_equal(cjd_config_plugin_count(r.config), 0);
    assert_null(cjd_config_plugin_path(r.config));
    assert_string_equal(cjd_config_state_dir(r.config), "/var/lib/cjdroute");
    struct cjd_config_sandbox s = cjd_config_sandbox(r.config);
    assert_true(s.user_is_default && !s.user && s.keep_net_admin && !s.chroot && s.no_forks);
    assert_true(!s.no_files && s.seccomp && s.landlock && !s.hot_load);
    struct cjd_config_log log = cjd_config_log(r.config);
    assert_string_equal(log.to, "stderr");
    assert_string_equal(log.level, "info");
    assert_true(!log.is_json && !log.modules);
    reading_fini(&r);
}

static const char full[] =
    "// written by hand\n"
    "{\n"
    "  \"version\": 3,\n"
    "  \"_note\": [ 1, { } ], \"// old\": null,\n"
    "  \"node\": { \"privateKey\": \"" OWN_SECRET "\", \"publicKey\": \"" OWN_KEY "\",\n"
    "            \"ipv6\": \"" OWN_ADDR "\", \"name\": \"gate-1\" },\n"
    "  \"peering\": { \"passwords\": [\n"
    "    { \"login\": \"default-login\", \"password\": \"one\" },\n"
    "    { \"password\": \"one\", \"address\": \"" ADDR_A "\" },\n"
    "  ] },\n"
    "  \"routing\": { \"supernodes\": [] },\n"
    "  \"pluginPath\": \"/usr/lib/cjdroute/plugins\", \"stateDir\": \"/srv/state\",\n"
    "  \"plugins\": [\n"
    "    { \"plugin\": \"udp\", \"id\": \"udp#2\", \"required\": true,\n"
    "      \"config\": { \"bind\": \"0.0.0.0:20948\",\n"
    "        \"peers\": [ { \"address\": \"203.0.113.7:5199\", \"publicKey\": \"" KEY_A "\",\n"
    "                       \"password\": \"p\" } ] } },\n"
    "    { \"plugin\": \"udp\" },\n"
    "    { \"plugin\": \"udp\", \"enabled\": false },\n"
    "    { \"so\": \"/opt/lib/thing.so\" },\n"
    "    { \"plugin\": \"tun\", \"so\": \"/opt/lib/my-tun.so\", \"config\": { \"mtu\": 1304 } },\n"
    "  ],\n"
    "  \"sandbox\": { \"user\": null, \"keepNetAdmin\": false, \"chroot\": \"/var/empty\",\n"
    "               \"noForks\": false, \"noFiles\": true, \"seccomp\": false, \"landlock\": "
    "false,\n"
    "               \"hotLoad\": true },\n"
    "  \"log\": { \"to\": \"file:/var/log/cjdroute.log\", \"level\": \"debug\", \"format\": "
    "\"json\",\n"
    "           \"modules\": { \"dht\": \"trace\" } },\n"
    "}\n";

static void whole_view(void **state)
{
    struct reading r = read_text(full);

    (void)state;
    assert_read(&r);
    assert_int_equal(r.diags.count, 0);
    assert_int_equal(cjd_config_keypair(r.config)->addr.b[0], 0xfc);
    assert_string_equal(cjd_config_plugin_path(r.config), "/usr/lib/cjdroute/plugins");
    assert_string_equal(cjd_config_state_dir(r.config), "/srv/state");
    assert_int_equal(cjd_config_password_count(r.config), 2);
    struct cjd_config_password p = cjd_config_password_at(r.config, 0);
    assert_string_equal(p.login, "default-login");
    assert_string_equal(p.password, "one");
    assert_false(p.is_restricted);
    p = cjd_config_password_at(r.config, 1);
    assert_null(p.login);
    assert_true(p.is_restricted);
    assert_int_equal(p.only.b[1], 0xcb);
    struct cjd_config_sandbox s = cjd_config_sandbox(r.config);
    assert_true(!s.user && !s.user_is_default && !s.keep_net_admin && !s.no_forks && s.no_files);
    assert_true(!s.seccomp && !s.landlock && s.hot_load);
    assert_string_equal(s.chroot, "/var/empty");
    struct cjd_config_log log = cjd_config_log(r.config);
    assert_string_equal(log.to, "file:/var/log/cjdroute.log");
    assert_string_equal(log.level, "debug");
    assert_true(log.is_json);
    assert_string_equal(json_string_value(json_object_get(log.modules, "dht")), "trace");
    reading_fini(&r);
}

static void plugin_entries(void **state)
{
    static const struct {
        const char *name;
        const char *so;
        const char *id;
        bool is_enabled;
        bool is_required;
    } want[] = {
        {"udp", NULL, "udp#2", true, true},
        {"udp", NULL, "udp", true, false},
        {"udp", NULL, "udp#3", false, false}, /* udp#2 was taken by the first */
        {NULL, "/opt/lib/thing.so", "thing", true, false},
        {"tun", "/opt/lib/my-tun.so", "tun", true, false},
    };
    struct reading r = read_text(full);

    (void)state;
    assert_read(&r);
    assert_int_equal(cjd_config_plugin_count(r.config), 5);
    for (size_t i = 0; i < 5; i++) {
        struct cjd_config_plugin p = cjd_config_plugin_at(r.config, i);
        char pointer[64];
        assert_true(!p.name == !want[i].name && (!p.name || strcmp(p.name, want[i].name) == 0));
        assert_true(!p.so == !want[i].so && (!p.so || strcmp(p.so, want[i].so) == 0));
        assert_string_equal(p.id, want[i].id);
        assert_int_equal(p.is_enabled, want[i].is_enabled);
        assert_int_equal(p.is_required, want[i].is_required);
        snprintf(pointer, sizeof pointer, "/plugins/%zu/config", i);
        assert_string_equal(p.pointer, pointer);
        assert_ptr_equal(p.config, at(&r, pointer));
    }
    reading_fini(&r);
}

static void positions(void **state)
{
    struct reading r = read_text(full);

    (void)state;
    assert_read(&r);
    struct cjd_position p = cjd_config_position(r.config, "/plugins/0/config/peers/0/address");
    assert_int_equal(p.line, 16);
    assert_int_equal(p.column, 33);
    assert_string_equal(p.pointer, "/plugins/0/config/peers/0/address");
    /* What is not written stands where its parent does. */
    p = cjd_config_position(r.config, "/plugins/1/config/bind");
    assert_int_equal(p.line, 18);
    assert_string_equal(p.pointer, "/plugins/1");
    cjd_config_diag(r.config, &r.diags, CJD_DIAG_WARNING, "/log/level", "too %s", "much");
    assert_diag(&r, CJD_DIAG_WARNING, 26, 57, "/log/level", "too much");
    reading_fini(&r);
}

/* Faults of single values: where and what. `@` in the text marks the place. */
static const struct {
    const char *text;
    const char *pointer;
    const char *part;
} fault_rows[] = {
    {"@{\"plugins\":[]}", "", "\"node\" is missing"},
    {"{\"node\":@{},\"plugins\":[]}", "/node", "\"privateKey\" is missing"},
    {"{\"node\":{\"privateKey\":@\"c7\"},\"plugins\":[]}", "/node/privateKey", "64 hexadecimal"},
    {"{\"node\":{\"privateKey\":@"
     "\"0000000000000000000000000000000000000000000000000000000000000001\"},\"plugins\":[]}",
     "/node/privateKey", "not in fc00::/8"},
    {"{\"node\":{\"privateKey\":@5},\"plugins\":[]}", "/node/privateKey", "must be a text"},
    {"{\"node\":{\"privateKey\":\"" OWN_SECRET "\",\"publicKey\":@\"" KEY_A "\"},\"plugins\":[]}",
     "/node/publicKey", "not the key of the private key"},
    {"{\"node\":{\"privateKey\":\"" OWN_SECRET "\",\"ipv6\":@\"fc00::1\"},\"plugins\":[]}",
     "/node/ipv6", "not the address of the private key"},
    {"{\"node\":{\"privateKey\":\"" OWN_SECRET "\",@\"pivateKey\":1},\"plugins\":[]}",
     "/node/pivateKey", "did you mean \"privateKey\"?"},
    {"{\"version\":@4," NODE ",\"plugins\":[]}", "/version", "from 3 to 3"},
    {"{" NODE ",\"plugins\":@{}}", "/plugins", "must be a list"},
    {"{" NODE ",\"plugins\":[@5]}", "/plugins/0", "must be an object"},
    {"{" NODE ",\"plugins\":[@{}]}", "/plugins/0", "\"plugin\" is missing"},
    {"{" NODE ",\"plugins\":[{\"plugin\":@\"../x\"}]}", "/plugins/0/plugin", "lower-case"},
    {"{" NODE ",\"plugins\":[{\"plugin\":@\"\"}]}", "/plugins/0/plugin", "empty"},
    {"{" NODE ",\"plugins\":[{\"so\":@\"x.so\"}]}", "/plugins/0/so", "absolute path"},
    {"{" NODE ",\"plugins\":[{\"plugin\":\"a\",\"id\":\"b\"},{\"plugin\":\"b\",\"id\":@\"b\"}]}",
     "/plugins/1/id", "earlier plugin"},
    {"{" NODE ",\"plugins\":[{\"plugin\":\"a\",@\"reqired\":true}]}", "/plugins/0/reqired",
     "\"required\""},
    {"{" NODE ",\"plugins\":[{\"plugin\":\"a\",\"required\":@1}]}", "/plugins/0/required",
     "true or false"},
    {"{" NODE ",\"plugins\":[{\"plugin\":\"a\",\"config\":@[]}]}", "/plugins/0/config",
     "must be an object"},
    {"{" NODE ",\"plugins\":[],\"peering\":{\"passwords\":[@{\"login\":\"x\"}]}}",
     "/peering/passwords/0", "\"password\" is missing"},
    {"{" NODE ",\"plugins\":[],\"peering\":{\"passwords\":[{\"password\":@\"\"}]}}",
     "/peering/passwords/0/password", "empty"},
    {"{" NODE ",\"plugins\":[],\"peering\":{\"passwords\":[{\"password\":\"x\",\"login\":\"l\"},"
     "{\"password\":\"x\"},@{\"password\":\"x\",\"login\":\"l\"}]}}",
     "/peering/passwords/2", "same as in an earlier entry"},
    {"{" NODE ",\"plugins\":[],\"peering\":{\"passwords\":[{\"password\":\"x\",\"login\":\"l\"},"
     "@{\"password\":\"y\",\"login\":\"l\"}]}}",
     "/peering/passwords/1", "this login is that of an earlier entry"},
    {"{" NODE ",\"plugins\":[],\"peering\":{\"passwords\":[{\"password\":\"x\",\"address\":@"
     "\"fd00::1\"}]}}",
     "/peering/passwords/0/address", "fc00::/8"},
    {"{" NODE ",\"plugins\":[],\"pluginPath\":@\"plugins\"}", "/pluginPath", "absolute"},
    {"{" NODE ",\"plugins\":[],\"sandbox\":{\"user\":@0}}", "/sandbox/user",
     "text in quotes or null"},
    {"{" NODE ",\"plugins\":[],\"sandbox\":{\"chroot\":@\"x\"}}", "/sandbox/chroot", "absolute"},
    {"{" NODE ",\"plugins\":[],\"log\":{\"to\":@\"syslog\"}}", "/log/to", "must be \"stderr\""},
    {"{" NODE ",\"plugins\":[],\"log\":{\"to\":@\"file:x\"}}", "/log/to", "absolute path"},
    {"{" NODE ",\"plugins\":[],\"log\":{\"level\":@\"loud\"}}", "/log/level", "\"info\""},
    {"{" NODE ",\"plugins\":[],\"log\":{\"modules\":{\"dht\":@5}}}", "/log/modules/dht", "text"},
    {"{" NODE ",\"plugins\":[],\"routing\":{\"supernodes\":[@\"x\"]}}", "/routing/supernodes/0",
     "public key"},
    {"{" NODE ",\"plugins\":[],\"routing\":{\"supernodes\":[@\"" OWN_KEY "\"]}}",
     "/routing/supernodes/0", "this node itself"},
    {"{" NODE ",\"plugins\":[{\"plugin\":\"udp\",\"config\":{\"peers\":[{\"publicKey\":@\"" OWN_KEY
     "\"}]}}]}",
     "/plugins/0/config/peers/0/publicKey", "this node itself"},
    {"{" NODE ",\"plugins\":[{\"plugin\":\"udp\",\"config\":{\"peers\":[{\"publicKey\":@\"" KEY_BAD
     "\"}]}}]}",
     "/plugins/0/config/peers/0/publicKey", "no address in fc00::/8"},
    {"{" NODE ",\"plugins\":[{\"plugin\":\"udp\",\"config\":{\"bind\":\"[::]:1\",\"peers\":["
     "{\"address\":\"[::1]:7\"},{\"address\":\"x:7\"},{\"address\":@\"[0:0::1]:7\"}]}}]}",
     "/plugins/0/config/peers/2/address", "earlier peer"},
    {"{" NODE ",\"plugins\":[],@\"interfaces\":{}}", "/interfaces", "beside \"plugins\""},
    {"{" NODE ",\"plugins\":[],@\"admin\":{}}", "/admin", "beside \"plugins\""},
    {"{" NODE ",\"plugins\":[],@\"security\":[]}", "/security", "beside \"plugins\""},
    {"{" NODE ",\"plugins\":[],\"router\":{@\"interface\":{}}}", "/router/interface",
     "beside \"plugins\""},
    {"{" NODE ",\"plugins\":[],@\"router\":{}}", "/router", "\"router\" is not known"},
    {"{" NODE ",\"plugins\":[],@\"plugins\":[]}", "/plugins", "already on line 1"},
    {"{" NODE ",\"plugins\":[]} @x", "", "behind the end"},
    {"{" NODE "@ \"plugins\":[]}", "/node", "comma is missing"},
    {"{" NODE ",\"plugins\":[],\"_x\":@\"\\xff\"}", "/_x", "UTF-8"},
    {"{" NODE ",\"plugins\":[],\"_x\":@\"\\u0000\"}", "/_x", "NUL"},
    {"{" NODE ",\"plugins\":[],\"_x\":\"a@\\q\"}", "/_x", "escape"},
    {"{" NODE ",\"plugins\":[],\"_x\":@\"", "/_x", "not closed"},
    {"{" NODE ",\"plugins\":[],\"_x\":@yes}", "/_x", "expected a value"},
    {"{" NODE ",\"plugins\":[],\"_x\":@99999999999999999999}", "/_x", "64 bits"},
};

static void faults(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof fault_rows / sizeof fault_rows[0]; i++) {
        char text[1024];
        const char *mark = strchr(fault_rows[i].text, '@');
        size_t before = (size_t)(mark - fault_rows[i].text);
        snprintf(text, sizeof text, "%.*s%s", (int)before, fault_rows[i].text, mark + 1);
        struct reading r = read_text(text);
        /* A missing comma is noticed at what follows the space. */
        size_t column = before + (text[before] == ' ' ? 2 : 1);
        if (r.diags.errors != 1) {
            cjd_diags_print(&r.diags, stdout);
            fail_msg("%s: %zu errors", text, r.diags.errors);
        }
        assert_diag(&r, CJD_DIAG_ERROR, 1, (unsigned)column, fault_rows[i].pointer,
                    fault_rows[i].part);
        assert_null(strstr(r.diags.v[0].text, OWN_SECRET));
        reading_fini(&r);
    }
}

static void all_errors_at_once(void **state)
{
    struct reading r = read_text("{ \"node\": { \"privateKey\": \"zz\", \"colour\": 1 }\n"
                                 "  \"peering\": { \"passwords\": [ { } ],, },\n"
                                 "  \"log\": { \"level\": 5, \"level\": 6 },\n"
                                 "  \"plugins\": [ { \"plugin\": \"UDP\" },\n"
                                 "    { \"plugin\": \"tun\", \"config\": { \"peers\": [\n"
                                 "      { \"publicKey\": \"" KEY_BAD "\" } ] } } ],\n"
                                 "  \"admin\": 5, \"sandbox\": [] }");

    (void)state;
    assert_int_equal(r.err, CJD_ERR_CONFIG);
    assert_int_equal(r.diags.errors, 11);
    for (size_t i = 1; i < r.diags.count; i++) {
        assert_true(r.diags.v[i].line >= r.diags.v[i - 1].line);
    }
    find_diag(&r, CJD_DIAG_ERROR, "/node/privateKey", "hexadecimal");
    find_diag(&r, CJD_DIAG_ERROR, "/node/colour", "not known");
    assert_diag(&r, CJD_DIAG_ERROR, 2, 3, "/node", "comma is missing");
    find_diag(&r, CJD_DIAG_ERROR, "/peering/passwords", "comma without");
    find_diag(&r, CJD_DIAG_ERROR, "/peering/passwords/0", "missing");
    find_diag(&r, CJD_DIAG_ERROR, "/log/level", "already on line 3");
    find_diag(&r, CJD_DIAG_ERROR, "/log/level", "must be a text");
    find_diag(&r, CJD_DIAG_ERROR, "/plugins/0/plugin", "lower-case");
    find_diag(&r, CJD_DIAG_ERROR, "/plugins/1/config/peers/0/publicKey", "fc00::/8");
    find_diag(&r, CJD_DIAG_ERROR, "/admin", "older form");
    find_diag(&r, CJD_DIAG_ERROR, "/sandbox", "must be an object");
    reading_fini(&r);
}

static void supernodes_are_told(void **state)
{
    struct reading r =
        read_text("{" NODE ",\"plugins\":[],\"routing\":{\"supernodes\":[\"" KEY_A "\"]}}");

    (void)state;
    assert_read(&r);
    find_diag(&r, CJD_DIAG_WARNING, "/routing/supernodes", "not supported");
    reading_fini(&r);
}

/* --- hostile input ------------------------------------------------------------------------------
 */

static void no_configuration_at_all(void **state)
{
    static const char *const texts[] = {"",
                                        " ",
                                        "[]",
                                        "{",
                                        "}",
                                        "\"x\"",
                                        "5",
                                        "null",
                                        "{}",
                                        "\xef\xbb\xbf",
                                        "\177ELF",
                                        "{\"plugins\":",
                                        "{\"version\":2"};

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct reading r = read_text(texts[i]);
        assert_int_equal(r.err, CJD_ERR_CONFIG);
        reading_fini(&r);
    }
    struct reading r = read_bytes("\0\0\0\0", 4);
    assert_int_equal(r.err, CJD_ERR_CONFIG);
    reading_fini(&r);
}

static void too_much(void **state)
{
    size_t n = 3u << 20;
    char *text = malloc(n);
    struct reading r;

    (void)state;
    assert_non_null(text);
    memset(text, ' ', n);
    memcpy(text, "{" NODE ",\"plugins\":[]}", sizeof "{" NODE ",\"plugins\":[]}" - 1);
    r = read_bytes(text, n);
    find_diag(&r, CJD_DIAG_ERROR, "", "too long for a configuration");
    reading_fini(&r);
    memcpy(text, "{\"plugins\":", 11);
    memset(text + 11, '[', 1000000);
    r = read_bytes(text, 1000011);
    find_diag(
        &r, CJD_DIAG_ERROR,
        "/plugins/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0"
        "/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0",
        "levels of brackets");
    reading_fini(&r);
    free(text);
}

/* Thousands of faults: a bounded number of messages, in bounded time. */
static void many_faults(void **state)
{
    char *text = malloc(1 << 20);
    size_t n;
    struct reading r;

    (void)state;
    assert_non_null(text);
    n = (size_t)sprintf(text, "{" NODE ",\"plugins\":[],\"routing\":{\"supernodes\":[");
    for (unsigned i = 0; i < 60000; i++) {
        n += (size_t)sprintf(text + n, "%u,", i);
    }
    n += (size_t)sprintf(text + n, "0]}}");
    r = read_bytes(text, n);
    assert_int_equal(r.err, CJD_ERR_CONFIG);
    assert_int_equal(r.diags.errors, 60001);
    assert_int_equal(r.diags.count, CJD_DIAGS_MAX);
    reading_fini(&r);
    n = (size_t)sprintf(text, "{" NODE ",\"plugins\":[]");
    for (unsigned i = 0; i < 60000; i++) {
        n += (size_t)sprintf(text + n, ",\"k%u\":%u", i % 30000, i);
    }
    n += (size_t)sprintf(text + n, "}");
    r = read_bytes(text, n);
    assert_int_equal(r.err, CJD_ERR_CONFIG);
    assert_true(r.diags.errors >= 30000);
    reading_fini(&r);
    n = (size_t)sprintf(text, "{" NODE ",\"plugins\":[");
    for (unsigned i = 0; i < 300; i++) {
        n += (size_t)sprintf(text + n, "{\"plugin\":\"x\"},");
    }
    n += (size_t)sprintf(text + n, "]}");
    r = read_bytes(text, n);
    find_diag(&r, CJD_DIAG_ERROR, "/plugins", "more than 256");
    reading_fini(&r);
    free(text);
}

/* Every cut of a sound file is refused or read, never worse. */
static void every_cut(void **state)
{
    (void)state;
    for (size_t n = 0; n < sizeof full - 1; n++) {
        struct reading r = read_bytes(full, n);
        /* Only white space may be missing. */
        assert_int_equal(r.err, n >= sizeof full - 2 ? 0 : CJD_ERR_CONFIG);
        reading_fini(&r);
    }
}

static int write_masked(FILE *out, void *arg)
{
    return cjd_config_write_native(out, arg, true);
}

static int write_plain(FILE *out, void *arg)
{
    return cjd_config_write_native(out, arg, false);
}

static void writing(void **state)
{
    struct reading r = read_text(full);
    int err;

    (void)state;
    assert_read(&r);
    char *masked = printed(write_masked, r.config, &err);
    assert_int_equal(err, 0);
    assert_null(strstr(masked, OWN_SECRET));
    assert_null(strstr(masked, "\"one\""));
    assert_null(strstr(masked, "\"p\""));
    assert_non_null(strstr(masked, "\"privateKey\": \"********\""));
    /* The configuration itself keeps them, and what is written is read as the same. */
    char *plain = printed(write_plain, r.config, &err);
    assert_int_equal(err, 0);
    struct reading again = read_text(plain);
    assert_read(&again);
    assert_true(json_equal(cjd_config_tree(r.config), cjd_config_tree(again.config)));
    FILE *closed = fopen("/dev/null", "r");
    assert_non_null(closed);
    assert_int_equal(cjd_config_write_native(closed, r.config, false), CJD_ERR_IO);
    fclose(closed);
    reading_fini(&again);
    reading_fini(&r);
    free(masked);
    free(plain);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(smallest),
        cmocka_unit_test(whole_view),
        cmocka_unit_test(plugin_entries),
        cmocka_unit_test(positions),
        cmocka_unit_test(faults),
        cmocka_unit_test(all_errors_at_once),
        cmocka_unit_test(supernodes_are_told),
        cmocka_unit_test(no_configuration_at_all),
        cmocka_unit_test(too_much),
        cmocka_unit_test(many_faults),
        cmocka_unit_test(every_cut),
        cmocka_unit_test(writing),
    };

    assert_int_equal(cjd_crypto_init(), 0);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
