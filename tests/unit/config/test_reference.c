/* The reference's form: every row of configuration notes §16, and the way back. */
#include "helper.h"

#include <cjd/text.h>

/* As such files look in the wild: comments, notes of their owners, disabled parts. */
static const char full[] =
    "{\n"
    "    // Private key:\n"
    "    // Your confidentiality depends on it.\n"
    "    \"privateKey\": \"" OWN_SECRET "\",\n"
    "    \"publicKey\": \"" OWN_KEY "\",\n"
    "    \"ipv6\": \"" OWN_ADDR "\",\n"
    "\n"
    "    /* Who may connect. */\n"
    "    \"authorizedPasswords\":\n"
    "    [\n"
    "        // {\"password\": \"old\"},\n"
    "        {\"password\": \"one\", \"user\": \"default-login\"},\n"
    "        {\"password\": \"two\", \"user\": \"bob\", \"ipv6\": \"" ADDR_A "\"},\n"
    "        {\"password\": \"three\"}\n"
    "    ],\n"
    "    \"admin\": {\"bind\": \"127.0.0.1:11234\", \"password\": \"NONE\"},\n"
    "    \"interfaces\":\n"
    "    {\n"
    "        \"UDPInterface\":\n"
    "        [\n"
    "            {\n"
    "                \"bind\": \"0.0.0.0:20948\",\n"
    "                \"dscp\": 46,\n"
    "                \"beacon\": 1,\n"
    "                \"beaconDevices\": [ \"eth0\", \"192.168.1.255\", \"10.0.0.255:64512\" ],\n"
    "                \"beaconPort\": 64512,\n"
    "                \"connectTo\":\n"
    "                {\n"
    "                    // a friend\n"
    "                    \"203.0.113.7:5199\": {\n"
    "                        \"login\": \"alice\",\n"
    "                        \"password\": \"secret\",\n"
    "                        \"publicKey\": \"" KEY_A "\",\n"
    "                        \"peerName\": \"upstream\",\n"
    "                        \"contact\": \"alice@example.org\", \"gpg\": \"00 11\"\n"
    "                    },\n"
    "                    \"node.example.org:5199\": {\"password\":\"x\",\"publicKey\":\"" KEY_B
    "\"},\n"
    "                    \"0.0.0.0:7\": {\"password\":\"x\",\"publicKey\":\"" KEY_B "\"},\n"
    "                    \"_disabled_1.2.3.4:5\": {}\n"
    "                }\n"
    "            },\n"
    "            { \"bind\": \"[::]:20948\", \"connectTo\": { \"[::]:9\": {\n"
    "                  \"publicKey\":\"" KEY_A "\",\"password\":\"y\"} } }\n"
    "        ],\n"
    "        \"_disabled_ETHInterface\": [ { \"bind\": 5 } ]\n"
    "    },\n"
    "    \"router\":\n"
    "    {\n"
    "        \"supernodes\": [],\n"
    "        \"interface\": { \"type\": \"TUNInterface\", \"tunDevice\": \"cjdns0\" },\n"
    "        \"ipTunnel\": { \"allowedConnections\": [], \"outgoingConnections\": [] }\n"
    "    },\n"
    "    \"security\": [\n"
    "        { \"setuser\": \"nobody\", \"keepNetAdmin\": 1 },\n"
    "        { \"chroot\": \"/var/run/\" },\n"
    "        { \"nofiles\": 0 },\n"
    "        { \"noforks\": 1 },\n"
    "        { \"seccomp\": 0 },\n"
    "        { \"setupComplete\": 1 }\n"
    "    ],\n"
    "    \"logging\": { \"logTo\": \"stdout\" },\n"
    "    \"noBackground\": 1,\n"
    "    \"pipe\": \"cjdroute.sock\",\n"
    "    \"version\": 2\n"
    "}\n";

/* What it comes to. Entries of plugins that this build lacks are looked at one by one. */
static void whole_file(void **state)
{
    struct reading r = read_text(full);

    (void)state;
    assert_read(&r);
    assert_true(cjd_config_is_reference_form(r.config));
    assert_true(cjd_config_wants_foreground(r.config));
    assert_int_equal(count_diags(&r, CJD_DIAG_WARNING), 4);
    find_diag(&r, CJD_DIAG_WARNING,
              "/interfaces/UDPInterface/0/connectTo/203.0.113.7:5199/password", "of an example");
    find_diag(&r, CJD_DIAG_WARNING, "/interfaces/UDPInterface/0/connectTo/0.0.0.0:7",
              "this machine itself");
    find_diag(&r, CJD_DIAG_WARNING, "/interfaces/UDPInterface/0/connectTo/0.0.0.0:7/publicKey",
              "two links to one node");
    find_diag(&r, CJD_DIAG_WARNING, "/interfaces/UDPInterface/1/connectTo/[::]:9",
              "this machine itself");
    json_t *udp = json_pack(
        "[{sss{sssis{sssis[sss]}s[{ssssssssss}{ssssss}{ssssss}]}sbsbss}"
        "{sss{sss[{ssssss}]}sbsbss}"
        "{sss{ssss}sbsbss}]",
        "plugin", "udp", "config", "bind", "0.0.0.0:20948", "dscp", 46, "beacon", "mode", "accept",
        "port", 64512, "devices", "eth0", "192.168.1.255", "10.0.0.255:64512", "peers", "address",
        "203.0.113.7:5199", "publicKey", KEY_A, "login", "alice", "password", "secret", "name",
        "upstream", "address", "node.example.org:5199", "publicKey", KEY_B, "password", "x",
        "address", "127.0.0.1:7", "publicKey", KEY_B, "password", "x", "required", 1, "enabled", 1,
        "id", "udp", "plugin", "udp", "config", "bind", "[::]:20948", "peers", "address", "[::1]:9",
        "publicKey", KEY_A, "password", "y", "required", 1, "enabled", 1, "id", "udp#2", "plugin",
        "tun", "config", "device", "cjdns0", "manage", "auto", "required", 0, "enabled", 1, "id",
        "tun");
    assert_non_null(udp);
    for (size_t i = 0; i < 3; i++) {
        char pointer[32];
        snprintf(pointer, sizeof pointer, "/plugins/%zu", i);
        if (!json_equal(at(&r, pointer), json_array_get(udp, i))) {
            json_dumpf(at(&r, pointer), stdout, JSON_INDENT(1));
            fail_msg("%s differs", pointer);
        }
    }
    json_decref(udp);
    reading_fini(&r);
}

static void typed_view(void **state)
{
    struct reading r = read_text(full);
    char key[CJD_KEY_TEXT_SIZE];

    (void)state;
    assert_read(&r);
    assert_int_equal(cjd_config_password_count(r.config), 3);
    assert_string_equal(cjd_config_password_at(r.config, 0).login, "default-login");
    assert_true(cjd_config_password_at(r.config, 1).is_restricted);
    assert_null(cjd_config_password_at(r.config, 2).login);
    assert_string_equal(cjd_config_password_at(r.config, 2).password, "three");
    cjd_key_to_text(key, &cjd_config_keypair(r.config)->key);
    assert_string_equal(key, OWN_KEY);
    struct cjd_config_sandbox s = cjd_config_sandbox(r.config);
    assert_string_equal(s.user, "nobody");
    assert_string_equal(s.chroot, "/var/run");
    assert_true(!s.user_is_default && s.keep_net_admin && s.no_forks && !s.no_files && !s.seccomp);
    assert_string_equal(cjd_config_log(r.config).to, "stdout");
    assert_int_equal(cjd_config_plugin_count(r.config), 5);
    reading_fini(&r);
}

/* Places of converted values are those in the file as written. */
static void positions(void **state)
{
    struct reading r = read_text(full);

    (void)state;
    assert_read(&r);
    struct cjd_position p = cjd_config_position(r.config, "/plugins/0/config/peers/0/publicKey");
    assert_int_equal(p.line, 33);
    assert_int_equal(p.column, 38);
    assert_string_equal(p.pointer,
                        "/interfaces/UDPInterface/0/connectTo/203.0.113.7:5199/publicKey");
    p = cjd_config_position(r.config, "/plugins/0/config/peers/0/unknown/deeper");
    assert_string_equal(p.pointer, "/interfaces/UDPInterface/0/connectTo/203.0.113.7:5199");
    p = cjd_config_position(r.config, "/plugins/1/config/bind");
    assert_string_equal(p.pointer, "/interfaces/UDPInterface/1/bind");
    p = cjd_config_position(r.config, "/peering/passwords/1/address");
    assert_string_equal(p.pointer, "/authorizedPasswords/1/ipv6");
    p = cjd_config_position(r.config, "/sandbox/user");
    assert_string_equal(p.pointer, "/security/0/setuser");
    p = cjd_config_position(r.config, "/log/level");
    assert_string_equal(p.pointer, "/logging/logTo");
    p = cjd_config_position(r.config, "/nothing");
    assert_string_equal(p.pointer, "");
    assert_int_equal(p.line, 1);
    reading_fini(&r);
}

static int write_plain(FILE *out, void *arg)
{
    return cjd_config_write_native(out, arg, false);
}

/* Converted, written and read again it is the same, with nothing but the warnings of its peers. */
static void round_trip(void **state)
{
    struct reading r = read_text(full);
    int err;

    (void)state;
    assert_read(&r);
    char *text = printed(write_plain, r.config, &err);
    assert_int_equal(err, 0);
    struct reading again = read_text(text);
    assert_read(&again);
    assert_int_equal(again.diags.count, 4);
    assert_int_equal(count_diags(&again, CJD_DIAG_WARNING), 4);
    assert_false(cjd_config_is_reference_form(again.config));
    assert_true(json_equal(cjd_config_tree(r.config), cjd_config_tree(again.config)));
    assert_memory_equal(cjd_config_keypair(r.config), cjd_config_keypair(again.config),
                        sizeof(struct cjd_keypair));
    reading_fini(&again);
    reading_fini(&r);
    free(text);
}

/* --- single rows --------------------------------------------------------------------------------
 */

#define HEAD  "{\"version\":2,\"privateKey\":\"" OWN_SECRET "\""
#define ADMIN ",\"admin\":{\"bind\":\"127.0.0.1:1\"}"

/* Reads a file with these members; it has to be sound. */
static struct reading read_members(const char *members)
{
    char text[2048];

    snprintf(text, sizeof text, HEAD ADMIN "%s%s}", members[0] ? "," : "", members);
    struct reading r = read_text(text);
    assert_read(&r);
    return r;
}

static void defaults(void **state)
{
    struct reading r = read_members("");

    (void)state;
    assert_false(cjd_config_wants_foreground(r.config));
    assert_int_equal(cjd_config_password_count(r.config), 0);
    /* §4.7: no list, all defaults; §4.6: no interface, no plugin; only the faces are left. */
    struct cjd_config_sandbox s = cjd_config_sandbox(r.config);
    assert_string_equal(s.user, "nobody");
    assert_string_equal(s.chroot, "/var/run");
    assert_true(s.keep_net_admin && s.no_forks && !s.no_files && s.seccomp);
    assert_int_equal(cjd_config_plugin_count(r.config), 2);
    assert_string_equal(cjd_config_log(r.config).to, "stderr");
    assert_string_equal(cjd_config_log(r.config).level, "warn");
    reading_fini(&r);
}

static void sandboxes(void **state)
{
    static const struct {
        const char *list;
        const char *user;
        bool keeps;
        const char *chroot;
        bool no_forks;
        bool no_files;
        bool seccomp;
        unsigned warnings;
    } rows[] = {
        {"[]", "nobody", true, "/var/run", true, false, true, 0},
        /* As written by scripts that want none of it: what is not named keeps its default. */
        {"[{\"noforkbomb\":1},{\"setupComplete\":1}]", "nobody", true, "/var/run", true, false,
         true, 1},
        {"[{\"setuser\":\"joe\"}]", "joe", false, "/var/run", true, false, true, 0},
        {"[{\"setuser\":\"joe\",\"keepNetAdmin\":1}]", "joe", true, "/var/run", true, false, true,
         0},
        {"[{\"setuser\":\"joe\",\"exemptAngel\":1}]", "joe", true, "/var/run", true, false, true,
         0},
        {"[{\"setuser\":0}]", NULL, true, "/var/run", true, false, true, 0},
        {"[{\"chroot\":0}]", "nobody", true, NULL, true, false, true, 0},
        {"[{\"chroot\":\"/\"}]", "nobody", true, "/", true, false, true, 0},
        {"[{\"chroot\":\"/a/b//\"}]", "nobody", true, "/a/b", true, false, true, 0},
        {"[{\"noforks\":0},{\"nofiles\":1},{\"seccomp\":0}]", "nobody", true, "/var/run", false,
         true, false, 0},
        {"[\"nofiles\",\"setuser\"]", "nobody", true, "/var/run", true, false, true, 2},
        {"[{\"nofiles\":\"1\"}]", "nobody", true, "/var/run", true, false, true, 1},
        {"[{\"setuser\":\"a\"},{\"setuser\":\"b\"}]", "b", false, "/var/run", true, false, true, 0},
    };
    char members[256];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        snprintf(members, sizeof members, "\"security\":%s", rows[i].list);
        struct reading r = read_members(members);
        struct cjd_config_sandbox s = cjd_config_sandbox(r.config);
        assert_true(!s.user == !rows[i].user && (!s.user || strcmp(s.user, rows[i].user) == 0));
        assert_true(!s.chroot == !rows[i].chroot &&
                    (!s.chroot || strcmp(s.chroot, rows[i].chroot) == 0));
        assert_int_equal(s.keep_net_admin, rows[i].keeps);
        assert_int_equal(s.no_forks, rows[i].no_forks);
        assert_int_equal(s.no_files, rows[i].no_files);
        assert_int_equal(s.seccomp, rows[i].seccomp);
        assert_false(s.user_is_default);
        assert_int_equal(count_diags(&r, CJD_DIAG_WARNING), rows[i].warnings);
        reading_fini(&r);
    }
}

/* Of one UDP entry: what becomes of it. */
static void udp_entries(void **state)
{
    static const struct {
        const char *entry;
        const char *config; /* JSON */
        unsigned warnings;
    } rows[] = {
        {"{}", "{\"bind\":\"0.0.0.0:0\",\"peers\":[]}", 0},
        {"{\"bind\":\"10.0.0.1\"}", "{\"bind\":\"10.0.0.1:0\",\"peers\":[]}", 0},
        {"{\"bind\":\"[::1]\"}", "{\"bind\":\"[::1]:0\",\"peers\":[]}", 0},
        {"{\"bind\":\"::1\"}", "{\"bind\":\"[::1]:0\",\"peers\":[]}", 0},
        {"{\"bind\":\"[::1]:5\",\"dscp\":\"7\"}", "{\"bind\":\"[::1]:5\",\"peers\":[]}", 1},
        {"{\"beacon\":0}", "{\"bind\":\"0.0.0.0:0\",\"beacon\":{\"mode\":\"off\"},\"peers\":[]}",
         0},
        {"{\"beacon\":2,\"beaconPort\":9,\"beaconDevices\":[\"all\"]}",
         "{\"bind\":\"0.0.0.0:0\",\"beacon\":{\"mode\":\"send\",\"port\":9,\"devices\":[\"all\"]},"
         "\"peers\":[]}",
         0},
        {"{\"beacon\":2,\"beaconDevices\":[\"all\"]}",
         "{\"bind\":\"0.0.0.0:0\",\"beacon\":{\"mode\":\"off\",\"devices\":[\"all\"]},\"peers\":[]"
         "}",
         1},
        {"{\"beacon\":1,\"beaconPort\":9}",
         "{\"bind\":\"0.0.0.0:0\",\"beacon\":{\"mode\":\"off\",\"port\":9},\"peers\":[]}", 1},
        {"{\"bind\":\"[::]:1\",\"beacon\":2}",
         "{\"bind\":\"[::]:1\",\"beacon\":{\"mode\":\"off\"},\"peers\":[]}", 1},
        {"{\"beacon\":true,\"beaconPort\":9,\"beaconDevices\":[]}",
         "{\"bind\":\"0.0.0.0:0\",\"beacon\":{\"mode\":\"accept\",\"port\":9,\"devices\":[]},"
         "\"peers\":[]}",
         0},
        {"{\"becon\":2}", "{\"bind\":\"0.0.0.0:0\",\"peers\":[]}", 1},
    };
    char members[512];

    (void)state;
    for (size_t i = 0; i < 2 * sizeof rows / sizeof rows[0]; i++) {
        /* A single object stands for a list of one. */
        snprintf(members, sizeof members, "\"interfaces\":{\"UDPInterface\":%s%s%s}",
                 i % 2 ? "[" : "", rows[i / 2].entry, i % 2 ? "]" : "");
        struct reading r = read_members(members);
        json_t *want = json_loads(rows[i / 2].config, 0, NULL);
        assert_non_null(want);
        if (!json_equal(at(&r, "/plugins/0/config"), want)) {
            json_dumpf(at(&r, "/plugins/0/config"), stdout, 0);
            fail_msg("%s", members);
        }
        assert_true(cjd_config_plugin_at(r.config, 0).is_required);
        assert_int_equal(count_diags(&r, CJD_DIAG_WARNING), rows[i / 2].warnings);
        json_decref(want);
        reading_fini(&r);
    }
}

static void long_peer_names_are_cut(void **state)
{
    static const char name[] = "sixty-two-letters-sixty-two-letters-sixty-two-letters-sixty-tw"
                               "\xc3\xa9 and more";
    char members[512];

    (void)state;
    snprintf(
        members, sizeof members,
        "\"interfaces\":{\"UDPInterface\":{\"connectTo\":{\"1.2.3.4:5\":{\"publicKey\":\"" KEY_A
        "\",\"password\":\"x\",\"peerName\":\"%s\"}}}}",
        name);
    struct reading r = read_members(members);
    const char *got = json_string_value(at(&r, "/plugins/0/config/peers/0/name"));
    assert_int_equal(strlen(got), 62);
    assert_memory_equal(got, name, 62);
    reading_fini(&r);
}

/* The reference takes one user with several passwords: the first is found by its name, the others
 * by themselves (§4.2). */
static void user_with_two_passwords(void **state)
{
    struct reading r =
        read_members("\"authorizedPasswords\":[{\"password\":\"a\",\"user\":\"u\"},\n"
                     "{\"password\":\"b\",\"user\":\"u\"}]");
    const struct cjd_diag *diag =
        find_diag(&r, CJD_DIAG_WARNING, "/authorizedPasswords/1/user", "earlier entry");

    (void)state;
    assert_read(&r);
    assert_int_equal(diag->column, 24);
    assert_string_equal(cjd_config_password_at(r.config, 0).login, "u");
    assert_null(cjd_config_password_at(r.config, 1).login);
    assert_string_equal(cjd_config_password_at(r.config, 1).password, "b");
    reading_fini(&r);
}

static void packet_interfaces(void **state)
{
    static const struct {
        const char *interface;
        const char *config; /* of the plugin tun; NULL: none */
        unsigned warnings;
    } rows[] = {
        {"{\"type\":\"TUNInterface\"}", "{\"manage\":\"auto\"}", 0},
        {"{\"type\":\"TUNInterface\",\"tunDevice\":\"t0\"}",
         "{\"device\":\"t0\",\"manage\":\"auto\"}", 0},
        {"{\"type\":\"TUNInterface\",\"tunfd\":\"5\"}", "{\"manage\":\"auto\"}", 1},
        {"{\"type\":\"SocketInterface\",\"socketFullPath\":\"/s\"}", "{\"socket\":\"/s\"}", 1},
        {"{\"type\":\"SocketInterface\",\"socketFullPath\":\"/s\",\"socketAttemptToCreate\":1}",
         "{\"socket\":\"/s\"}", 2},
        {"{\"type\":\"other\"}", NULL, 1},
        {"{}", NULL, 1},
    };
    char members[256];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        snprintf(members, sizeof members, "\"router\":{\"interface\":%s}", rows[i].interface);
        struct reading r = read_members(members);
        struct cjd_config_plugin p = cjd_config_plugin_at(r.config, 0);
        assert_int_equal(strcmp(p.name, "tun") == 0, rows[i].config != NULL);
        if (rows[i].config) {
            json_t *want = json_loads(rows[i].config, 0, NULL);
            assert_true(json_equal(p.config, want));
            assert_int_equal(p.is_enabled, !json_object_get(want, "socket"));
            json_decref(want);
        }
        assert_int_equal(count_diags(&r, CJD_DIAG_WARNING), rows[i].warnings);
        reading_fini(&r);
    }
}

static bool is_built(const char *name)
{
    char word[32];

    snprintf(word, sizeof word, " %s ", name);
    return strstr(CJD_CONFIG_PLUGINS, word) != NULL;
}

/* An entry of a plugin that is not part of this build is switched off, and that is told. */
static void assert_entry(const struct reading *r, size_t i, const char *name, const char *config)
{
    struct cjd_config_plugin p = cjd_config_plugin_at(r->config, i);
    json_t *want = json_loads(config, 0, NULL);

    assert_non_null(want);
    assert_string_equal(p.name, name);
    assert_int_equal(p.is_enabled, is_built(name));
    assert_false(p.is_required);
    if (!json_equal(p.config, want)) {
        json_dumpf(p.config, stdout, 0);
        fail_msg("configuration of %s", name);
    }
    json_decref(want);
}

static void ethernet(void **state)
{
    struct reading r = read_members(
        "\"interfaces\":{\"ETHInterface\":[{\"bind\":\"all\",\"beacon\":2,\"connectTo\":{}},\n"
        "{\"bind\":\"eth0\",\"connectTo\":{\"01:02:03:04:05:06\":{\"publicKey\":\"" KEY_A
        "\",\"password\":\"x\"}}}]}");

    (void)state;
    /* A device may be used by one plugin only. */
    assert_entry(&r, 0, "eth",
                 "{\"devices\":[\"all\",\"eth0\"],\"beacon\":{\"mode\":\"send\"},"
                 "\"rules\":[{\"device\":\"eth0\",\"beacon\":\"off\"}],"
                 "\"peers\":[{\"address\":\"01:02:03:04:05:06\",\"device\":\"eth0\","
                 "\"publicKey\":\"" KEY_A "\",\"password\":\"x\"}]}");
    find_diag(&r, CJD_DIAG_WARNING, "/interfaces/ETHInterface/0/bind", "other entries");
    if (!is_built("eth")) {
        find_diag(&r, CJD_DIAG_WARNING, "/interfaces/ETHInterface", "no plugin \"eth\"");
    }
    reading_fini(&r);
}

static void one_ethernet(void **state)
{
    char members[512];
    char list[400];

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        const char *entry =
            "{\"bind\":\"eth0\",\"beacon\":1,\"connectTo\":"
            "{\"02:02:03:04:05:06\":{\"publicKey\":\"" KEY_A "\",\"password\":\"x\"}}}";
        snprintf(list, sizeof list, i == 0 ? "%s" : "[%s]", entry);
        snprintf(members, sizeof members, "\"interfaces\":{\"ETHInterface\":%s}", list);
        struct reading r = read_members(members);
        assert_entry(&r, 0, "eth",
                     "{\"devices\":[\"eth0\"],\"beacon\":{\"mode\":\"accept\"},"
                     "\"peers\":[{\"address\":\"02:02:03:04:05:06\",\"publicKey\":\"" KEY_A
                     "\",\"password\":\"x\"}]}");
        reading_fini(&r);
    }
}

static void tunnels(void **state)
{
    struct reading r = read_members(
        "\"router\":{\"ipTunnel\":{\"allowedConnections\":[{\"publicKey\":\"" KEY_A
        "\",\"ip4Address\":\"10.0.0.2\",\"ip4Prefix\":0,\"ip6Address\":\"2001:db8::2\","
        "\"ip6Alloc\":128,\"ip6Prefix\":\"64\"}],\"outgoingConnections\":[\"" KEY_B "\"]}}");

    (void)state;
    assert_entry(&r, 0, "iptunnel",
                 "{\"allow\":[{\"publicKey\":\"" KEY_A
                 "\",\"ip4Address\":\"10.0.0.2\",\"ip4Prefix\":0,"
                 "\"ip6Address\":\"2001:db8::2\",\"ip6Alloc\":128}],\"connect\":[\"" KEY_B "\"]}");
    find_diag(&r, CJD_DIAG_WARNING, "/router/ipTunnel/allowedConnections/0/ip6Prefix", "quotes");
    reading_fini(&r);
}

static void admin_faces(void **state)
{
    struct reading r = read_members("");

    (void)state;
    assert_entry(&r, 0, "admin-udp", "{\"bind\":\"127.0.0.1:1\"}");
    assert_entry(&r, 1, "admin-http",
                 "{\"listen\":[\"unix:/run/cjdns/api.sock?mode=0660&group=cjdns\"]}");
    if (!is_built("admin-udp")) {
        find_diag(&r, CJD_DIAG_NOTE, "/admin", "no plugin \"admin-udp\"");
    }
    reading_fini(&r);
    /* Without a password it must not be reachable, or somebody wants it so. */
    static const struct {
        const char *admin;
        bool is_refused;
    } rows[] = {
        {"{\"bind\":\"0.0.0.0:1\",\"password\":\"NONE\"}", true},
        {"{\"bind\":\"[::]:1\",\"password\":\"NONE\"}", true},
        {"{\"bind\":\"[::1]:1\",\"password\":\"NONE\"}", false},
        {"{\"bind\":\"127.1.2.3:1\",\"password\":\"NONE\"}", false},
        {"{\"bind\":\"0.0.0.0:1\",\"password\":\"x\"}", false},
        {"{\"bind\":\"0.0.0.0:1\"}", false},
        {"{\"bind\":\"0.0.0.0:1\",\"password\":\"NONE\",\"allowInsecure\":true}", false},
        {"{\"bind\":\"0.0.0.0:1\",\"password\":\"NONE\",\"allowInsecure\":false}", true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[512];
        snprintf(text, sizeof text, HEAD ",\"admin\":%s}", rows[i].admin);
        r = read_text(text);
        assert_read(&r);
        assert_int_equal(count_diags(&r, CJD_DIAG_WARNING), rows[i].is_refused);
        assert_int_equal(cjd_config_plugin_at(r.config, 0).is_enabled,
                         is_built("admin-udp") && !rows[i].is_refused);
        reading_fini(&r);
    }
}

/* What the reference accepts with no more than a word, or without one. */
static void warnings(void **state)
{
    static const struct {
        const char *members;
        const char *pointer;
        const char *part;
    } rows[] = {
        {"\"publicKey\":\"" KEY_A "\"", "/publicKey", "not the key"},
        {"\"publicKey\":\"nonsense\"", "/publicKey", "not the key"},
        {"\"ipv6\":\"fc00::1\"", "/ipv6", "not the address"},
        {"\"loging\":{}", "/loging", "did you mean \"logging\"?"},
        {"\"something\":{}", "/something", "not known"},
        {"\"logging\":{\"logTo\":\"syslog\"}", "/logging/logTo", "only \"stdout\""},
        {"\"router\":{\"dnsSeeds\":[]}", "/router/dnsSeeds", "not supported"},
        {"\"router\":{\"publicPeer\":{\"id\":1}}", "/router/publicPeer", "not supported"},
        {"\"router\":{\"supernodes\":[\"" KEY_A "\"]}", "/router/supernodes", "not supported"},
        {"\"noBackground\":1,\"noBackground\":0", "/noBackground", "already on line 1"},
        {"\"noBackground\":\"1\"", "/noBackground", "without quotes"},
        {"\"interfaces\":{\"UdpInterface\":[]}", "/interfaces/UdpInterface", "\"UDPInterface\""},
        {"\"authorizedPasswords\":[{\"password\":\"x\",\"usr\":\"y\"}]",
         "/authorizedPasswords/0/usr", "\"user\""},
        {"\"interfaces\":{\"UDPInterface\":{\"connectTo\":{\"1.2.3.4:5\":{\"publicKey\":\"" KEY_A
         "\",\"password\":\"x\",\"pername\":1}}}}",
         "/interfaces/UDPInterface/connectTo/1.2.3.4:5/pername", "\"peerName\""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct reading r = read_members(rows[i].members);
        assert_int_equal(count_diags(&r, CJD_DIAG_WARNING), 1);
        find_diag(&r, CJD_DIAG_WARNING, rows[i].pointer, rows[i].part);
        reading_fini(&r);
    }
    struct reading r = read_text(HEAD "} trailing");
    assert_read(&r);
    find_diag(&r, CJD_DIAG_WARNING, "", "behind the end");
    find_diag(&r, CJD_DIAG_WARNING, "", "there is no \"admin\"");
    reading_fini(&r);
}

/* Files before version 2 (§2), and newer ones with what their parser did not take. */
static void dialects(void **state)
{
    struct reading r = read_text("# my node\n{ \"privateKey\": \"" OWN_SECRET "\" // key\n"
                                 "  \"admin\": { \"bind\": \"127.0.0.1:1\",, }\n"
                                 "  \"interfaces\": { \"UDPInterface\": { \"dscp\": 1.5 } }\n}");

    (void)state;
    assert_read(&r);
    assert_int_equal(json_integer_value(at(&r, "/plugins/0/config/dscp")), 1);
    find_diag(&r, CJD_DIAG_WARNING, "/interfaces/UDPInterface/dscp", "means nothing here");
    reading_fini(&r);
    r = read_text("\xef\xbb\xbf // c\n" HEAD ADMIN ",\"noBackground\":true,"
                  "\"logging\":{\"logTo\":\"\\u0073tdout\"}}");
    assert_read(&r);
    assert_true(cjd_config_wants_foreground(r.config));
    assert_string_equal(cjd_config_log(r.config).to, "stdout");
    reading_fini(&r);
    /* The strict parser takes a file without a version as well; then both agree. */
    r = read_text("{\"privateKey\":\"" OWN_SECRET "\"" ADMIN "}");
    assert_read(&r);
    assert_int_equal(count_diags(&r, CJD_DIAG_WARNING), 0);
    reading_fini(&r);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_file),        cmocka_unit_test(typed_view),
        cmocka_unit_test(positions),         cmocka_unit_test(round_trip),
        cmocka_unit_test(defaults),          cmocka_unit_test(sandboxes),
        cmocka_unit_test(udp_entries),       cmocka_unit_test(long_peer_names_are_cut),
        cmocka_unit_test(packet_interfaces), cmocka_unit_test(ethernet),
        cmocka_unit_test(one_ethernet),      cmocka_unit_test(user_with_two_passwords),
        cmocka_unit_test(tunnels),           cmocka_unit_test(admin_faces),
        cmocka_unit_test(warnings),          cmocka_unit_test(dialects),
    };

    assert_int_equal(cjd_crypto_init(), 0);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
