/*
 * The start of a live network, replayed into the store of each node: the answers it got, over the
 * paths it asked, must yield the links the live nodes learned, at the same moment.
 */
#include <testlib/testlib.h>

#include <base/time.h>
#include <cjd/text.h>
#include <dht/message.h>
#include <dht/store.h>

#define NODES_MAX    3u
#define PENDING_MAX  256u
#define BYTES_MAX    2048u
#define HEADER_BYTES 4u

struct pending {
    uint8_t txid[64];
    size_t txid_len;
    uint64_t path;
    bool is_open;
};

struct replay_node {
    struct cjd_addr addr;
    struct cjd_store *store;
    struct pending pending[PENDING_MAX];
    uint32_t pending_count;
};

struct replay {
    struct replay_node node[NODES_MAX + 1]; /* numbered from 1 */
    uint32_t learned;
    struct test_rng seed;
    struct cjd_rng rng;
};

static json_t *vectors;

static int load(void **state)
{
    (void)state;
    vectors = test_vectors("router.json");
    return 0;
}

static int unload(void **state)
{
    (void)state;
    json_decref(vectors);
    return 0;
}

static void setup(struct replay *r, const json_t *section)
{
    const char *name;
    json_t *info;

    memset(r, 0, sizeof *r);
    r->rng = test_rng_init(&r->seed, 3);
    json_object_foreach(json_object_get(section, "nodes"), name, info)
    {
        struct replay_node *n = &r->node[atoi(name)];
        assert_int_equal(cjd_addr_from_text(&n->addr, test_str(info, "ipv6")), 0);
        struct cjd_store_config config = {.addr = n->addr,
                                          .version = 21,
                                          .scheme = cjd_scheme_358(),
                                          .rng = r->rng,
                                          .nodes = 64,
                                          .links = 256};
        memcpy(config.key.b, n->addr.b, sizeof n->addr.b);
        assert_int_equal(cjd_store_new(&n->store, &config, CJD_S), 0);
    }
}

static struct cjd_dht_contact contact_of(const struct replay *r, const json_t *event)
{
    const struct replay_node *peer = &r->node[test_int(event, "peer")];
    struct cjd_dht_contact c = {
        .addr = peer->addr, .version = 21, .label = test_label(test_str(event, "path"))};

    memcpy(c.key.b, peer->addr.b, sizeof peer->addr.b);
    return c;
}

static void on_message(struct replay *r, struct replay_node *n, const json_t *event, bool is_out,
                       uint64_t now_ns)
{
    uint8_t bytes[BYTES_MAX];
    struct cjd_message m;
    struct cjd_store_node *found;
    size_t len = test_hex_member(bytes, sizeof bytes, event, "payload");

    if (cjd_message_decode(&m, bytes + HEADER_BYTES, len - HEADER_BYTES) != CJD_MESSAGE_OK) {
        return;
    }
    if (is_out && m.method != CJD_METHOD_NONE) {
        struct pending *p = &n->pending[n->pending_count++];
        assert_true(n->pending_count <= PENDING_MAX && m.txid_len <= sizeof p->txid);
        memcpy(p->txid, m.txid, m.txid_len);
        p->txid_len = m.txid_len;
        p->path = test_label(test_str(event, "path"));
        p->is_open = true;
        return;
    }
    for (uint32_t i = 0; !is_out && m.method == CJD_METHOD_NONE && i < n->pending_count; i++) {
        struct pending *p = &n->pending[i];
        if (!p->is_open || p->txid_len != m.txid_len || memcmp(p->txid, m.txid, m.txid_len) != 0) {
            continue;
        }
        struct cjd_store_proof proof = {
            .who = contact_of(r, event), .scheme = &m.scheme, .form = m.form, .rtt_us = 2000};
        assert_int_equal(proof.who.label, p->path);
        p->is_open = false;
        assert_true(cjd_store_discover(n->store, &proof, now_ns, &found) != CJD_STORE_REFUSED);
    }
}

static void on_learned(struct replay *r, struct replay_node *n, const json_t *event)
{
    int64_t parent = test_int(event, "parent");
    int64_t child = test_int(event, "child");
    struct cjd_store_node *from = cjd_store_self(n->store);

    if (parent == child) {
        return; /* the reference keeps a link to itself */
    }
    if (&r->node[parent] != n) {
        from = cjd_store_find(n->store, &r->node[parent].addr);
        assert_non_null(from);
    }
    struct cjd_store_link *l =
        cjd_store_link_find(n->store, from, test_label(test_str(event, "label")));
    assert_non_null(l);
    assert_memory_equal(&l->child->addr, &r->node[child].addr, sizeof l->child->addr);
    assert_int_equal(l->back_form, test_int(event, "inverse_form"));
    assert_true(l->proven_ns > 0 && l->child->scheme != NULL);
    r->learned++;
}

static void replay(const char *name, uint32_t links)
{
    const json_t *section = json_object_get(vectors, name);
    struct replay r;
    uint32_t total = 0;
    bool is_new;
    size_t i;
    const json_t *event;

    setup(&r, section);
    json_array_foreach(json_object_get(section, "events"), i, event)
    {
        struct replay_node *n = &r.node[test_int(event, "node")];
        const char *what = test_str(event, "event");
        uint64_t now_ns = (uint64_t)(json_real_value(json_object_get(event, "t")) * 1e9) + CJD_S;
        if (strcmp(what, "core->router: peer up") == 0) {
            struct cjd_dht_contact peer = contact_of(&r, event);
            assert_true(cjd_store_peer_add(n->store, &peer, 0, now_ns, &is_new));
        } else if (strncmp(what, "CJDHT", 5) == 0) {
            on_message(&r, n, event, strcmp(what, "CJDHT out") == 0, now_ns);
        } else if (strcmp(what, "link learned") == 0) {
            on_learned(&r, n, event);
        }
    }
    for (uint32_t k = 1; k <= NODES_MAX; k++) {
        if (r.node[k].store) {
            total += cjd_store_link_count(r.node[k].store);
            cjd_store_free(r.node[k].store);
        }
    }
    assert_int_equal(r.learned, links);
    assert_int_equal(total, links);
}

static void test_two_nodes(void **state)
{
    (void)state;
    replay("bootstrap_2_nodes", 2);
}

static void test_three_nodes(void **state)
{
    (void)state;
    replay("bootstrap_3_nodes", 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_nodes),
        cmocka_unit_test(test_three_nodes),
    };
    return cmocka_run_group_tests(tests, load, unload);
}
