/*
 * Known answers: scenarios and corrupt (CryptoAuth notes §14), for this project's sessions and for
 * the model of the un-hardened reference, which has to meet them all unchanged.
 *
 * Where hardening (§13.4) changes what happens, `changes` says what and names the measure.
 */
#include "end.h"

#include <base/wire.h>

enum { SCENARIOS = 28, OPS = 238, CORRUPT_OPS = 43, LABELS = 32, SAME = -1 };

/* Another outcome than the vector's. Steps that stand not here have to match it. */
struct change {
    const char *scenario;
    int op;
    const char *measure;
    int error;     /* decrypt: result; encrypt: 0 */
    int word;      /* encrypt: first word of the packet, SAME: the whole packet matches */
    bool is_reply; /* encrypt: the answer to a message of a handshake packet */
    int state;
    int64_t next;
    bool is_initiator;
};

static const struct change changes[] = {
    /* The session lives on; the key packet is the reference's to the byte. */
    {"new hello on an established session", 10, "H1", 0, SAME, false, 100, 7, false},
    {"new hello on an established session", 11, "H1", 0, SAME, true, 100, 7, false},
    /* The peer has got further since this hello: refused, the data after it is understood. */
    {"replayed hello on an established session", 13, "H1 H5", 13, SAME, false, 100, 7, false},
    {"replayed hello on an established session", 15, "H1 H5", 0, SAME, false, 100, 7, false},
    {"counter limit", 12, "H1", 0, SAME, false, 100, 7, false},
    {"counter limit", 13, "H1", 0, SAME, true, 100, 7, false},
    /* The genuine packet is accepted at once. */
    {"forged first data packet", 6, "H2", 0, SAME, false, 100, 6, false},
    {"forged first data packet", 8, "H2", 0, SAME, false, 100, 6, false},
    /* The late hello is answered with a key, and the handshake takes no extra round. */
    {"late handshake restarts", 4, "H3", 0, 2, false, 3, 3, false},
    {"late handshake restarts", 5, "H3", 0, SAME, false, 4, 4, true},
    {"late handshake restarts", 6, "H3", 0, 4, false, 4, 5, true},
    {"late handshake restarts", 7, "H3", 0, SAME, false, 100, 6, false},
    {"late handshake restarts", 8, "H3", 0, 6, false, 100, 7, false},
    {"late handshake restarts", 9, "H3", 0, SAME, false, 100, 8, true},
    {"late handshake restarts", 10, "H3", 0, 8, false, 100, 9, true},
    {"late handshake restarts", 11, "H3", 0, SAME, false, 100, 7, false},
};

/* A packet made earlier in the run. */
struct made {
    char label[16];
    uint8_t packet[MESSAGE_MAX];
    size_t packet_len;
    uint8_t plain[MESSAGE_MAX];
    size_t plain_len;
};

struct run {
    const char *name;
    bool is_model;
    struct end end[2];
    struct made made[LABELS];
    size_t made_count;
    uint64_t now_ns;
    size_t changed;
};

static const struct change *find_change(const struct run *run, size_t op)
{
    for (size_t i = 0; !run->is_model && i < sizeof changes / sizeof changes[0]; i++) {
        if (strcmp(changes[i].scenario, run->name) == 0 && changes[i].op == (int)op) {
            return &changes[i];
        }
    }
    return NULL;
}

static size_t hex_text(char out[64], const json_t *c, const char *name)
{
    memset(out, 0, 64);
    return test_hex_member((uint8_t *)out, 63, c, name);
}

static void add_users(struct end *end, const json_t *node)
{
    size_t i;
    const json_t *user;

    json_array_foreach(json_object_get(node, "users"), i, user)
    {
        char login[64];
        char password[64];
        struct cjd_addr only;
        size_t len = hex_text(password, user, "password");
        bool is_restricted = test_hex_member(only.b, sizeof only.b, user, "restricted_ipv6") == 16;
        hex_text(login, user, "login");
        assert_int_equal(
            cjd_users_add(end->users, login, password, len, is_restricted ? &only : NULL), 0);
    }
}

static void start_node(struct run *run, const json_t *nodes, size_t i)
{
    const json_t *node = json_array_get(nodes, i);
    struct cjd_credentials credentials;
    char login[64];
    char password[64];
    size_t len = hex_text(password, node, "password");

    hex_text(login, node, "login");
    cjd_credentials_init(&credentials,
                         json_is_string(json_object_get(node, "login")) ? login : NULL,
                         json_is_string(json_object_get(node, "password")) ? password : NULL, len);
    end_session(&run->end[i], &run->end[1 - i].self.key,
                json_is_true(json_object_get(node, "require_auth")), &credentials, run->now_ns);
    cjd_credentials_fini(&credentials);
}

static void start(struct run *run, const json_t *scenario, bool is_model)
{
    const json_t *nodes = json_object_get(scenario, "nodes");

    memset(run, 0, sizeof *run);
    run->name = test_str(scenario, "name");
    run->is_model = is_model;
    run->now_ns = (uint64_t)test_int(scenario, "start_time") * CJD_S;
    assert_int_equal(json_array_size(nodes), 2);
    for (size_t i = 0; i < 2; i++) {
        const json_t *node = json_array_get(nodes, i);
        uint8_t secret[32];
        assert_int_equal(test_hex_member(secret, sizeof secret, node, "private"), 32);
        end_init(&run->end[i], is_model, secret);
        test_assert_hex(run->end[i].self.key.b, 32, test_str(node, "public"), "public key");
        add_users(&run->end[i], node);
    }
    start_node(run, nodes, 0);
    start_node(run, nodes, 1);
}

static const struct made *find_made(const struct run *run, const json_t *op)
{
    const char *label = json_string_value(json_object_get(op, "label"));

    for (size_t i = 0; label && i < run->made_count; i++) {
        if (strcmp(run->made[i].label, label) == 0) {
            return &run->made[i];
        }
    }
    return NULL;
}

static void encrypt(struct run *run, struct end *end, const json_t *op, const struct change *change)
{
    struct made *made = &run->made[run->made_count++];
    uint8_t random[68];
    struct box box;
    size_t random_len = test_hex_member(random, sizeof random, op, "random");

    assert_true(run->made_count <= LABELS);
    (void)snprintf(made->label, sizeof made->label, "%s", test_str(op, "label"));
    made->plain_len = test_hex_member(made->plain, sizeof made->plain, op, "plaintext");
    struct cjd_pkt *pkt = box_message(&box, made->plain, made->plain_len);
    end_script(end, random, random_len);
    end_seal(end, pkt, change && change->is_reply, run->now_ns);
    made->packet_len = pkt->len;
    memcpy(made->packet, cjd_pkt_data(pkt), pkt->len);
    if (change && change->word != SAME) {
        assert_int_equal(cjd_load32(made->packet), change->word);
    } else {
        assert_true(end_script_is_used(end));
        test_assert_hex(made->packet, made->packet_len, test_str(op, "packet"), "packet");
    }
}

static void decrypt(struct run *run, struct end *end, const json_t *op, const struct change *change)
{
    const struct made *made = find_made(run, op);
    uint8_t bytes[MESSAGE_MAX];
    size_t len = made ? 0 : test_hex_member(bytes, sizeof bytes, op, "packet");
    int want = change ? change->error : (int)test_int(op, "error");
    struct box box;

    assert_true(made || json_object_get(op, "packet"));
    struct cjd_pkt *pkt =
        made ? box_packet(&box, made->packet, made->packet_len) : box_packet(&box, bytes, len);
    assert_int_equal(end_open(end, pkt, run->now_ns), want);
    if (want != 0) {
        return;
    }
    if (change) {
        assert_non_null(made);
        assert_int_equal(pkt->len, made->plain_len);
        assert_memory_equal(cjd_pkt_data(pkt), made->plain, made->plain_len);
    } else {
        test_assert_hex(cjd_pkt_data(pkt), pkt->len, test_str(op, "plaintext"), "plaintext");
    }
}

static void check_state(const struct end *end, const json_t *op, const struct change *change)
{
    assert_int_equal(end_state(end), change ? change->state : test_int(op, "state"));
    assert_int_equal(end_next(end), change ? change->next : test_int(op, "next_nonce"));
    assert_int_equal(end_is_initiator(end), change
                                                ? change->is_initiator
                                                : json_is_true(json_object_get(op, "initiator")));
}

/* Returns whether the op leaves a state to be checked. */
static bool run_node_op(struct run *run, size_t node, const json_t *op, const struct change *change)
{
    const char *what = test_str(op, "op");
    struct end *end = &run->end[node];

    if (strcmp(what, "encrypt") == 0) {
        encrypt(run, end, op, change);
    } else if (strcmp(what, "decrypt") == 0) {
        decrypt(run, end, op, change);
    } else if (strcmp(what, "reset_if_timeout") == 0) {
        end_expire(end, run->now_ns);
    } else if (strcmp(what, "new_session") == 0) {
        end_session(end, &run->end[1 - node].self.key, false, NULL, run->now_ns);
        return false;
    } else if (strcmp(what, "set_next_nonce") == 0) {
        end_set_next(end, (uint32_t)test_int(op, "value"));
        return false;
    } else {
        fail_msg("unknown op %s", what);
    }
    return true;
}

static void run_op(struct run *run, size_t i, const json_t *op)
{
    const struct change *change = find_change(run, i);

    run->changed += change != NULL;
    if (strcmp(test_str(op, "op"), "time") == 0) {
        run->now_ns = (uint64_t)test_int(op, "now") * CJD_S;
        return;
    }
    size_t node = (size_t)test_int(op, "node");
    assert_in_range(node, 0, 1);
    if (run_node_op(run, node, op, change)) {
        check_state(&run->end[node], op, change);
    }
}

/* Returns the number of ops; adds to *changed how many had another outcome than the vector's. */
static size_t run_scenario(const json_t *scenario, bool is_model, size_t *changed)
{
    static struct run run;
    size_t i;
    const json_t *op;

    start(&run, scenario, is_model);
    print_message("%s\n", run.name);
    json_array_foreach(json_object_get(scenario, "ops"), i, op)
    {
        run_op(&run, i, op);
    }
    end_fini(&run.end[0]);
    end_fini(&run.end[1]);
    *changed += run.changed;
    return i;
}

static void run_all(bool is_model, size_t want_changed)
{
    json_t *root = test_vectors("cryptoauth.json");
    const json_t *cases = json_object_get(root, "scenarios");
    size_t ops = 0;
    size_t changed = 0;
    size_t i;
    const json_t *scenario;

    assert_true(json_array_size(cases) >= SCENARIOS);
    json_array_foreach(cases, i, scenario)
    {
        ops += run_scenario(scenario, is_model, &changed);
    }
    assert_int_equal(i, json_array_size(cases));
    assert_true(ops >= OPS);
    assert_int_equal(changed, want_changed);
    json_decref(root);
}

static void run_corrupt(bool is_model)
{
    json_t *root = test_vectors("cryptoauth.json");
    size_t changed = 0;

    assert_true(run_scenario(json_object_get(root, "corrupt"), is_model, &changed) >= CORRUPT_OPS);
    assert_int_equal(changed, 0);
    json_decref(root);
}

static void scenarios(void **state)
{
    (void)state;
    run_all(false, sizeof changes / sizeof changes[0]);
}

static void corrupt(void **state)
{
    (void)state;
    run_corrupt(false);
}

static void scenarios_of_the_model(void **state)
{
    (void)state;
    run_all(true, 0);
}

static void corrupt_of_the_model(void **state)
{
    (void)state;
    run_corrupt(true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scenarios),
        cmocka_unit_test(corrupt),
        cmocka_unit_test(scenarios_of_the_model),
        cmocka_unit_test(corrupt_of_the_model),
    };
    return cmocka_run_group_tests_name("vector_crypto_scenarios", tests, NULL, NULL);
}
