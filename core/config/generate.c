#include <config/config.h>

#include <string.h>

#include <cjd/text.h>
#include <config/buf.h>
#include <crypto/seed.h>

/* New configurations (§11). The order in which randomness is drawn is part of the format. */

#define PASSWORD_CHARS 31u
#define PASSWORDS      4u

struct values {
    char password[PASSWORDS][PASSWORD_CHARS + 1];
    unsigned port;
    char secret[65];
    char key[CJD_KEY_TEXT_SIZE];
    char addr[CJD_ADDR_TEXT_SIZE];
};

/* Two runs of 16 bytes in base 32, cut to 31 characters. */
static void draw_password(char out[PASSWORD_CHARS + 1], const struct cjd_rng *rng)
{
    uint8_t bytes[16];
    char text[27];

    for (size_t at = 0; at < PASSWORD_CHARS;) {
        cjd_rng_fill(rng, bytes, sizeof bytes);
        int n = cjd_base32_encode(text, sizeof text, bytes, sizeof bytes);
        for (int i = 0; i < n && at < PASSWORD_CHARS; i++) {
            out[at++] = text[i];
        }
    }
    out[PASSWORD_CHARS] = '\0';
    explicit_bzero(bytes, sizeof bytes);
    explicit_bzero(text, sizeof text);
}

static unsigned draw_port(const struct cjd_rng *rng)
{
    uint8_t bytes[2];
    unsigned port;

    do {
        cjd_rng_fill(rng, bytes, sizeof bytes);
        port = bytes[0] | (unsigned)bytes[1] << 8;
    } while (port <= 1024);
    return port;
}

static void draw_keys(struct values *v, const struct cjd_rng *rng)
{
    struct cjd_keypair pair;

    cjd_keypair_generate(&pair, rng);
    cjd_hex_encode(v->secret, pair.secret, sizeof pair.secret);
    cjd_key_to_text(v->key, &pair.key);
    cjd_addr_to_text_long(v->addr, &pair.addr);
    cjd_keypair_fini(&pair);
}

static void draw(struct values *v, const struct cjd_rng *rng)
{
    for (unsigned i = 0; i < PASSWORDS; i++) {
        draw_password(v->password[i], rng);
    }
    v->port = draw_port(rng);
    draw_keys(v, rng);
}

/* --- reference form -----------------------------------------------------------------------------
 */

/* What is written must pass the reference's strict parser (§2): nothing before the first brace, no
 * comma too many, comments only between tokens. */

static void put_identity(FILE *out, const struct values *v)
{
    fprintf(out,
            "{\n"
            "    // This file holds secrets: nobody but its owner should be able to read it.\n"
            "    // \"cjdroute --convert FILE\" turns it into the newer form with plugins.\n"
            "\n"
            "    // Who this node is. Key and address below follow from the private key.\n"
            "    \"privateKey\": \"%s\",\n"
            "    \"publicKey\": \"%s\",\n"
            "    \"ipv6\": \"%s\",\n"
            "\n",
            v->secret, v->key, v->addr);
}

static void put_passwords(FILE *out, const struct values *v)
{
    fprintf(out,
            "    // Passwords with which other nodes may connect to this one. Give each friend an\n"
            "    // entry of their own, so that you can take it back. To let somebody in, send:\n"
            "    //     \"your.address:%u\": {\n"
            "    //         \"login\": \"default-login\",\n"
            "    //         \"password\": \"%s\",\n"
            "    //         \"publicKey\": \"%s\",\n"
            "    //         \"peerName\": \"how you want to be called\"\n"
            "    //     }\n"
            "    \"authorizedPasswords\": [\n"
            "        {\"password\": \"%s\", \"user\": \"default-login\"}\n"
            "\n"
            "        // Three more that nobody knows yet; mind the comma between entries.\n",
            v->port, v->password[0], v->key, v->password[0]);
    for (unsigned i = 1; i < PASSWORDS; i++) {
        fprintf(out, "        // {\"password\": \"%s\", \"user\": \"friend-%u\"}%s\n",
                v->password[i], i, i + 1 < PASSWORDS ? "," : "");
    }
    fputs("    ],\n\n", out);
}

static void put_admin(FILE *out)
{
    fputs(
        "    // Where tools such as cjdnstool talk to this node. Without a password it must stay\n"
        "    // on this machine.\n"
        "    \"admin\": {\n"
        "        \"bind\": \"127.0.0.1:11234\",\n"
        "        \"password\": \"NONE\"\n"
        "    },\n"
        "\n",
        out);
}

static void put_udp(FILE *out, const struct values *v)
{
    fprintf(
        out,
        "        // Over the Internet, one entry for each version of IP.\n"
        "        \"UDPInterface\": [\n"
        "            {\n"
        "                \"bind\": \"0.0.0.0:%u\",\n"
        "\n"
        "                // Class of service of outgoing packets, 0 to 63.\n"
        "                \"dscp\": 0,\n"
        "\n"
        "                // Neighbours in the local network: 0 off, 1 listen, 2 also be heard.\n"
        "                \"beacon\": 2,\n"
        "                \"beaconDevices\": [\"all\"],\n"
        "                \"beaconPort\": 64512,\n"
        "\n"
        "                // Nodes to connect to: what a friend has sent you goes here.\n"
        "                \"connectTo\": {\n"
        "                }\n"
        "            },\n"
        "            {\n"
        "                \"bind\": \"[::]:%u\",\n"
        "                \"dscp\": 0,\n"
        "                \"connectTo\": {\n"
        "                }\n"
        "            }\n"
        "        ],\n"
        "\n",
        v->port, v->port);
}

static void put_eth(FILE *out, bool with_eth)
{
    fprintf(out,
            "        // Over Ethernet and WLAN without IP; take \"_disabled_\" away to use it.\n"
            "        \"%sETHInterface\": [\n"
            "            {\n"
            "                // A device, or \"all\".\n"
            "                \"bind\": \"all\",\n"
            "                \"beacon\": 2,\n"
            "\n"
            "                // Like above, with addresses like \"01:02:03:04:05:06\".\n"
            "                \"connectTo\": {\n"
            "                }\n"
            "            }\n"
            "        ]\n",
            with_eth ? "" : "_disabled_");
}

static void put_router(FILE *out)
{
    fputs("    \"router\": {\n"
          "        // Public keys of route servers.\n"
          "        \"supernodes\": [],\n"
          "\n"
          "        // How packets get from this machine into the network.\n"
          "        \"interface\": {\n"
          "            \"type\": \"TUNInterface\"\n"
          "\n"
          "            // The device, if it must be a certain one; then with a comma above.\n"
          "            // \"tunDevice\": \"tun0\"\n"
          "        },\n"
          "\n"
          "        // Ordinary IP addresses given to, or taken from, single nodes.\n"
          "        \"ipTunnel\": {\n"
          "            // {\"publicKey\": \"key.k\", \"ip4Address\": \"192.168.1.2\", "
          "\"ip4Prefix\": 0}\n"
          "            \"allowedConnections\": [],\n"
          "\n"
          "            // \"key.k\"\n"
          "            \"outgoingConnections\": []\n"
          "        }\n"
          "    },\n"
          "\n",
          out);
}

static void put_process(FILE *out)
{
    fputs("    // What the process may still do once it runs.\n"
          "    \"security\": [\n"
          "        // Run as this user; keepNetAdmin lets it set addresses of its device later.\n"
          "        {\"setuser\": \"nobody\", \"keepNetAdmin\": 1},\n"
          "        // See no files but these.\n"
          "        {\"chroot\": \"/var/run/\"},\n"
          "        // 1: open nothing any more, not even another interface.\n"
          "        {\"nofiles\": 0},\n"
          "        // Start no other program.\n"
          "        {\"noforks\": 1},\n"
          "        // Use only the system calls it needs.\n"
          "        {\"seccomp\": 1},\n"
          "        // End if setting all this up takes too long.\n"
          "        {\"setupComplete\": 1}\n"
          "    ],\n"
          "\n"
          "    \"logging\": {\n"
          "        // \"logTo\": \"stdout\"\n"
          "    },\n"
          "\n"
          "    // 1: do not go into the background.\n"
          "    \"noBackground\": 0,\n"
          "\n"
          "    // Of no use here; older programs put a socket of that name into /tmp.\n"
          "    \"pipe\": \"cjdroute.sock\",\n"
          "\n"
          "    // Of this form. Without it older and looser rules hold for what may stand here.\n"
          "    \"version\": 2\n"
          "}\n",
          out);
}

static int result_of(FILE *out)
{
    return ferror(out) ? CJD_ERR_IO : 0;
}

int cjd_config_generate(FILE *out, const struct cjd_rng *rng, bool with_eth)
{
    struct values v;

    draw(&v, rng);
    put_identity(out, &v);
    put_passwords(out, &v);
    put_admin(out);
    fputs("    \"interfaces\": {\n", out);
    put_udp(out, &v);
    put_eth(out, with_eth);
    fputs("    },\n\n", out);
    put_router(out);
    put_process(out);
    explicit_bzero(&v, sizeof v);
    return result_of(out);
}

int cjd_config_generate_seed(FILE *out, const uint8_t seed[64], bool with_eth)
{
    struct cjd_seed_rng s;

    cjd_seed_rng_init(&s, seed);
    struct cjd_rng rng = cjd_seed_rng(&s);
    int err = cjd_config_generate(out, &rng, with_eth);
    cjd_seed_rng_fini(&s);
    return err;
}

/* --- native form --------------------------------------------------------------------------------
 */

int cjd_config_generate_native(FILE *out, const struct cjd_rng *rng)
{
    struct values v;
    char bind4[32];
    char bind6[32];

    draw(&v, rng);
    snprintf(bind4, sizeof bind4, "0.0.0.0:%u", v.port);
    snprintf(bind6, sizeof bind6, "[::]:%u", v.port);
    json_t *tree = json_pack(
        "{si s{ssssss} s{s[{ssss}]} s[{sssss{sss[]}}{sssss{sss[]}}{sss{ssss}}{sss{s[s]}}]}",
        "version", 3, "node", "privateKey", v.secret, "publicKey", v.key, "ipv6", v.addr, "peering",
        "passwords", "login", "default-login", "password", v.password[0], "plugins", "plugin",
        "udp", "id", "udp4", "config", "bind", bind4, "peers", "plugin", "udp", "id", "udp6",
        "config", "bind", bind6, "peers", "plugin", "tun", "config", "device", "cjdns0", "manage",
        "auto", "plugin", "admin-http", "config", "listen",
        "unix:/run/cjdns/api.sock?mode=0660&group=cjdns");
    explicit_bzero(&v, sizeof v);
    if (!tree) {
        return CJD_ERR_NO_MEMORY;
    }
    int written = json_dumpf(tree, out, JSON_INDENT(2));
    json_decref(tree);
    fputc('\n', out);
    return written < 0 ? CJD_ERR_IO : result_of(out);
}
