/* Known messages of live nodes: decode to their fields, encode back to their bytes. */
#include <testlib/testlib.h>

#include <cjd/text.h>
#include <dht/message.h>

#define HEADER_BYTES 4u
#define BYTES_MAX    2048u
#define KEY_BYTES    32u

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

/* The message behind the content header. */
static size_t payload_of(uint8_t *out, const json_t *entry)
{
    uint8_t bytes[BYTES_MAX];
    size_t len = test_hex_member(bytes, sizeof bytes, entry, "payload");

    assert_true(len > HEADER_BYTES);
    test_assert_hex(bytes, HEADER_BYTES, test_str(vectors, "content_header"), "content header");
    memcpy(out, bytes + HEADER_BYTES, len - HEADER_BYTES);
    return len - HEADER_BYTES;
}

/* Without the zeros in front of the first key's length. */
static size_t unpad(uint8_t *out, const uint8_t *in, size_t len)
{
    size_t zeros = 0;

    assert_int_equal(in[0], 'd');
    while (in[1 + zeros] == '0') {
        zeros++;
    }
    out[0] = 'd';
    memcpy(out + 1, in + 1 + zeros, len - 1 - zeros);
    return len - zeros;
}

static enum cjd_method method_named(const char *q)
{
    static const char *const names[] = {"", "pn", "gp", "fn", "nh"};

    for (enum cjd_method m = CJD_METHOD_PN; q && m <= CJD_METHOD_NH; m++) {
        if (strcmp(q, names[m]) == 0) {
            return m;
        }
    }
    return q ? CJD_METHOD_UNKNOWN : CJD_METHOD_NONE;
}

struct buffers {
    uint8_t txid[256];
    uint8_t target[32];
};

/* The struct as the fields say, made by the test alone. */
static void from_fields(struct cjd_message *m, struct buffers *b, const json_t *entry)
{
    const json_t *fields = json_object_get(entry, "fields");
    const json_t *nodes = json_object_get(entry, "nodes");
    uint8_t es[CJD_SCHEME_BYTES_MAX];
    uint8_t n[BYTES_MAX];
    size_t es_len = test_hex_member(es, sizeof es, fields, "es");
    size_t n_len = test_hex_member(n, sizeof n, fields, "n");

    memset(m, 0, sizeof *m);
    assert_int_equal(cjd_scheme_parse(&m->scheme, es, es_len), 0);
    m->method = method_named(json_string_value(json_object_get(fields, "q")));
    m->version = (uint32_t)test_int(fields, "p");
    m->form = (int)test_int(fields, "ei");
    m->txid = b->txid;
    m->txid_len = test_hex_member(b->txid, sizeof b->txid, fields, "txid");
    m->target_len = test_hex_member(b->target, sizeof b->target, fields, "tar");
    m->target = m->target_len > 0 ? b->target : NULL;
    m->node_count = (uint32_t)json_array_size(nodes);
    assert_int_equal(n_len, m->node_count * 40);
    for (uint32_t i = 0; i < m->node_count; i++) {
        const json_t *node = json_array_get(nodes, i);
        memcpy(&m->nodes[i].key, n + i * 40, KEY_BYTES);
        test_assert_hex(n + i * 40, KEY_BYTES, test_str(node, "key"), "key of n");
        m->nodes[i].label = test_label(test_str(node, "label"));
        m->nodes[i].version = (uint32_t)test_int(node, "version");
    }
}

static void assert_same(const struct cjd_message *a, const struct cjd_message *b)
{
    assert_int_equal(a->method, b->method);
    assert_int_equal(a->version, b->version);
    assert_int_equal(a->form, b->form);
    assert_true(cjd_scheme_equal(&a->scheme, &b->scheme));
    assert_int_equal(a->txid_len, b->txid_len);
    assert_memory_equal(a->txid, b->txid, a->txid_len);
    assert_int_equal(a->target_len, b->target_len);
    if (a->target_len > 0) {
        assert_memory_equal(a->target, b->target, a->target_len);
    }
    assert_int_equal(a->do_not_tell, b->do_not_tell);
    assert_int_equal(a->node_count, b->node_count);
    for (uint32_t i = 0; i < a->node_count; i++) {
        assert_memory_equal(&a->nodes[i].key, &b->nodes[i].key, sizeof a->nodes[i].key);
        assert_int_equal(a->nodes[i].label, b->nodes[i].label);
        assert_int_equal(a->nodes[i].version, b->nodes[i].version);
    }
}

static void check_message(const json_t *entry)
{
    struct cjd_message decoded;
    struct cjd_message expected;
    struct buffers buffers;
    uint8_t padded[BYTES_MAX];
    uint8_t plain[BYTES_MAX];
    uint8_t again[BYTES_MAX];
    size_t len = payload_of(padded, entry);
    size_t plain_len = unpad(plain, padded, len);

    from_fields(&expected, &buffers, entry);
    assert_int_equal(cjd_message_encode(&expected, again, sizeof again), plain_len);
    assert_memory_equal(again, plain, plain_len);
    /* A reply with the older tag "0", not "00", is of no query of ours. */
    bool is_ours = expected.method != CJD_METHOD_NONE || memcmp(buffers.txid, "00", 2) == 0;
    enum cjd_message_verdict verdict = is_ours ? CJD_MESSAGE_OK : CJD_MESSAGE_FOREIGN;
    assert_int_equal(cjd_message_decode(&decoded, padded, len), verdict);
    if (verdict == CJD_MESSAGE_OK) {
        assert_same(&decoded, &expected);
    }
    assert_int_equal(cjd_message_decode(&decoded, plain, plain_len), verdict);
    if (verdict == CJD_MESSAGE_OK) {
        assert_same(&decoded, &expected);
    }
}

static void test_messages(void **state)
{
    const json_t *messages = json_object_get(vectors, "messages");
    size_t i;
    const json_t *entry;

    (void)state;
    assert_true(json_array_size(messages) > 40);
    json_array_foreach(messages, i, entry)
    {
        check_message(entry);
    }
}

static size_t check_events(const char *section)
{
    const json_t *events = json_object_get(json_object_get(vectors, section), "events");
    struct cjd_message m;
    uint8_t bytes[BYTES_MAX];
    size_t messages = 0;
    size_t i;
    const json_t *entry;

    json_array_foreach(events, i, entry)
    {
        if (!json_object_get(entry, "payload")) {
            continue;
        }
        bool is_query = strncmp(test_str(entry, "kind"), "query", 5) == 0;
        size_t len = payload_of(bytes, entry);
        enum cjd_message_verdict verdict = cjd_message_decode(&m, bytes, len);
        messages++;
        if (!is_query && verdict == CJD_MESSAGE_FOREIGN) {
            continue; /* the other router of that node asked */
        }
        assert_int_equal(verdict, CJD_MESSAGE_OK);
        assert_int_equal(m.method != CJD_METHOD_NONE, is_query);
        assert_int_equal(m.node_count, json_array_size(json_object_get(entry, "nodes")));
    }
    return messages;
}

static void test_bootstrap_messages(void **state)
{
    (void)state;
    assert_true(check_events("bootstrap_2_nodes") > 20);
    assert_true(check_events("bootstrap_3_nodes") > 40);
}

static void test_supernode_is_left_alone(void **state)
{
    const json_t *messages = json_object_get(json_object_get(vectors, "supernode"), "messages");
    struct cjd_message m;
    uint8_t bytes[BYTES_MAX];
    size_t i;
    const json_t *entry;

    (void)state;
    assert_true(json_array_size(messages) > 0);
    json_array_foreach(messages, i, entry)
    {
        size_t len = payload_of(bytes, entry);
        assert_int_equal(cjd_message_decode(&m, bytes, len), CJD_MESSAGE_FOREIGN);
    }
}

/* A reply with as many nodes as the list has versions. */
static void check_np(const json_t *entry)
{
    const json_t *versions = json_object_get(entry, "versions");
    struct cjd_message m = {
        .txid = (const uint8_t *)"00x", .txid_len = 3, .version = 21, .scheme = *cjd_scheme_358()};
    struct cjd_message decoded;
    uint8_t np[64];
    uint8_t bytes[BYTES_MAX];
    size_t np_len = test_hex_member(np, sizeof np, entry, "np");

    m.node_count = (uint32_t)json_array_size(versions);
    for (uint32_t i = 0; i < m.node_count; i++) {
        m.nodes[i].label = 0x13;
        m.nodes[i].version = (uint32_t)json_integer_value(json_array_get(versions, i));
    }
    int len = cjd_message_encode(&m, bytes, sizeof bytes);
    assert_true(len > 0);
    char expected[8];
    (void)snprintf(expected, sizeof expected, "np%zu:", np_len);
    uint8_t *at = memmem(bytes, (size_t)len, expected, strlen(expected));
    assert_non_null(at);
    assert_memory_equal(at + strlen(expected), np, np_len);
    assert_int_equal(cjd_message_decode(&decoded, bytes, (size_t)len), CJD_MESSAGE_OK);
    assert_same(&decoded, &m);
}

static void test_np(void **state)
{
    const json_t *np = json_object_get(vectors, "np");
    size_t i;
    const json_t *entry;

    (void)state;
    assert_true(json_array_size(np) > 0);
    json_array_foreach(np, i, entry)
    {
        check_np(entry);
    }
}

static void test_encoding_scheme(void **state)
{
    const json_t *section = json_object_get(vectors, "encoding_scheme");
    const json_t *forms = json_object_get(section, "forms");
    struct cjd_scheme scheme;
    uint8_t es[CJD_SCHEME_BYTES_MAX];
    uint8_t again[CJD_SCHEME_BYTES_MAX];
    size_t len = test_hex_member(es, sizeof es, section, "es");
    size_t i;
    const json_t *form;

    (void)state;
    assert_int_equal(cjd_scheme_parse(&scheme, es, len), 0);
    assert_int_equal(scheme.count, json_array_size(forms));
    json_array_foreach(forms, i, form)
    {
        assert_int_equal(scheme.form[i].prefix_len, test_int(form, "prefixLen"));
        assert_int_equal(scheme.form[i].prefix, test_int(form, "prefix"));
        assert_int_equal(scheme.form[i].bit_count, test_int(form, "bitCount"));
    }
    assert_true(cjd_scheme_equal(&scheme, cjd_scheme_358()));
    assert_int_equal(cjd_scheme_serialise(&scheme, again, sizeof again), len);
    assert_memory_equal(again, es, len);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages),
        cmocka_unit_test(test_bootstrap_messages),
        cmocka_unit_test(test_supernode_is_left_alone),
        cmocka_unit_test(test_np),
        cmocka_unit_test(test_encoding_scheme),
    };
    return cmocka_run_group_tests(tests, load, unload);
}
