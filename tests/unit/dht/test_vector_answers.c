/* Known replies of live nodes, reproduced by a router that knows what they knew. */
#include "solo.h"

#include <base/wire.h>
#include <cjd/text.h>

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

static uint64_t label_at(const json_t *list, size_t index)
{
    return test_label(json_string_value(json_array_get(list, index)));
}

/* The asker may be one of the peers. */
static void check_gp(const json_t *entry)
{
    const json_t *peers = json_object_get(entry, "responder_peer_labels");
    const json_t *reply = json_object_get(entry, "reply_labels");
    struct solo *s = solo_new(5, NULL);
    struct cjd_dht_contact asker =
        solo_node(s, test_label(test_str(entry, "asker_label_at_responder")));
    struct cjd_message m;
    uint8_t target[8];

    for (size_t i = 0; i < json_array_size(peers); i++) {
        struct cjd_dht_contact peer = solo_node(s, label_at(peers, i));
        if (peer.label == asker.label) {
            peer = asker;
        }
        solo_peer(s, &peer);
    }
    cjd_store64(target, test_label(test_str(entry, "target_label")));
    solo_query(s, &asker, "gp", target, sizeof target);
    solo_last_reply(s, &m);
    assert_int_equal(m.node_count, json_array_size(reply));
    for (uint32_t i = 0; i < m.node_count; i++) {
        assert_int_equal(m.nodes[i].label, label_at(reply, i));
    }
    solo_free(s);
}

static void test_gp_selection(void **state)
{
    const json_t *list = json_object_get(vectors, "gp_selection");
    size_t i;
    const json_t *entry;

    (void)state;
    assert_true(json_array_size(list) > 0);
    json_array_foreach(list, i, entry)
    {
        check_gp(entry);
    }
}

static struct cjd_addr addr_of(const json_t *text)
{
    struct cjd_addr addr;

    assert_int_equal(cjd_addr_from_text(&addr, json_string_value(text)), 0);
    return addr;
}

/* Any key will do; this one tells which node it is. */
static struct cjd_dht_contact node_at(const json_t *text, uint64_t label)
{
    struct cjd_dht_contact c = {.addr = addr_of(text), .version = 21, .label = label};

    memcpy(c.key.b, c.addr.b, sizeof c.addr.b);
    return c;
}

static void check_fn(const json_t *entry)
{
    const json_t *table = json_object_get(entry, "table_without_self");
    const json_t *order = json_object_get(entry, "strict_xor_order_worst_to_best");
    struct cjd_addr own = addr_of(json_object_get(entry, "responder"));
    struct cjd_addr target = addr_of(json_object_get(entry, "target"));
    struct solo *s = solo_new_at(&own, 6);
    struct cjd_message m;

    for (size_t i = 0; i < json_array_size(table); i++) {
        uint64_t label = cjd_scheme_peer_label(cjd_scheme_358(), (uint32_t)i + 2);
        struct cjd_dht_contact peer = node_at(json_array_get(table, i), label);
        solo_peer(s, &peer);
    }
    struct cjd_dht_contact asker = solo_node(s, cjd_scheme_peer_label(cjd_scheme_358(), 40));
    solo_query(s, &asker, "fn", target.b, sizeof target.b);
    solo_last_reply(s, &m);
    assert_int_equal(m.node_count, json_array_size(order));
    for (uint32_t i = 0; i < m.node_count; i++) {
        struct cjd_addr expected = addr_of(json_array_get(order, i));
        assert_memory_equal(m.nodes[i].key.b, expected.b, sizeof expected.b);
    }
    solo_free(s);
}

static void test_fn_reply_order(void **state)
{
    const json_t *list = json_object_get(vectors, "fn_reply_order");
    size_t i;
    const json_t *entry;

    (void)state;
    assert_true(json_array_size(list) > 0);
    json_array_foreach(list, i, entry)
    {
        check_fn(entry);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gp_selection),
        cmocka_unit_test(test_fn_reply_order),
    };
    return cmocka_run_group_tests(tests, load, unload);
}
