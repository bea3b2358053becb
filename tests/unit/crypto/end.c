#include "end.h"

#include <base/wire.h>
#include <crypto/box.h>

static struct cjd_pkt *fill_box(struct box *box, uint32_t off, const void *bytes, size_t len)
{
    if (len > sizeof box->bytes - off) {
        fail_msg("test packet of %zu bytes is too long", len);
    }
    memset(&box->pkt, 0, sizeof box->pkt);
    box->pkt.buf = box->bytes;
    box->pkt.cap = sizeof box->bytes;
    box->pkt.off = off;
    box->pkt.len = (uint32_t)len;
    if (len > 0) {
        memcpy(box->bytes + off, bytes, len);
    }
    return &box->pkt;
}

struct cjd_pkt *box_message(struct box *box, const void *bytes, size_t len)
{
    return fill_box(box, CJD_CA_HEADROOM, bytes, len);
}

struct cjd_pkt *box_packet(struct box *box, const void *bytes, size_t len)
{
    return fill_box(box, 0, bytes, len);
}

void end_init(struct end *end, bool is_model, const uint8_t secret[32])
{
    memset(end, 0, sizeof *end);
    assert_int_equal(cjd_crypto_init(), 0);
    end->is_model = is_model;
    int err = cjd_keypair_from_secret(&end->self, secret);
    assert_true(err == 0 || err == CJD_ERR_BAD_KEY); /* the address does not matter here */
    end->users = cjd_users_new();
    assert_non_null(end->users);
    end->node.self = &end->self;
    end->node.users = end->users;
    end_script(end, NULL, 0);
}

void end_fini(struct end *end)
{
    cjd_ca_fini(&end->ca);
    cjd_users_free(end->users);
    cjd_keypair_fini(&end->self);
}

void end_session(struct end *end, const struct cjd_key *peer, bool requires_auth,
                 const struct cjd_credentials *credentials, uint64_t now_ns)
{
    struct cjd_credentials none = {0};

    cjd_ca_fini(&end->ca);
    if (end->is_model) {
        model_init(&end->model, &end->node, peer, requires_auth, now_ns);
        end->model.credentials = credentials ? *credentials : none;
    } else {
        cjd_ca_init(&end->ca, &end->node, peer, requires_auth, now_ns);
        cjd_ca_set_credentials(&end->ca, credentials ? credentials : &none);
    }
}

void end_script(struct end *end, const uint8_t *bytes, size_t len)
{
    end->script = (struct test_script){.bytes = bytes, .len = len, .at = 0};
    end->node.rng = test_script_rng(&end->script);
}

void end_rng(struct end *end, struct cjd_rng rng)
{
    end->node.rng = rng;
}

bool end_script_is_used(const struct end *end)
{
    return end->script.at == end->script.len;
}

void end_seal(struct end *end, struct cjd_pkt *pkt, bool is_reply, uint64_t now_ns)
{
    if (end->is_model) {
        model_seal(&end->model, pkt, now_ns);
    } else if (is_reply) {
        assert_int_equal(cjd_ca_seal_reply(&end->ca, pkt, now_ns), 0);
    } else {
        assert_int_equal(cjd_ca_seal(&end->ca, pkt, now_ns), 0);
    }
}

int end_open(struct end *end, struct cjd_pkt *pkt, uint64_t now_ns)
{
    return end->is_model ? model_open(&end->model, pkt, now_ns)
                         : (int)cjd_ca_open(&end->ca, pkt, now_ns);
}

void end_expire(struct end *end, uint64_t now_ns)
{
    if (end->is_model) {
        model_expire(&end->model, now_ns);
    } else {
        cjd_ca_expire(&end->ca, now_ns);
    }
}

int end_state(const struct end *end)
{
    return end->is_model ? model_state(&end->model) : (int)cjd_ca_state(&end->ca);
}

uint32_t end_next(const struct end *end)
{
    return end->is_model ? end->model.next : end->ca.live.next;
}

void end_set_next(struct end *end, uint32_t next)
{
    end->model.next = next;
    end->ca.live.next = next;
}

bool end_is_initiator(const struct end *end)
{
    return end->is_model ? end->model.is_initiator : end->ca.live.is_initiator;
}

bool end_owes_key(const struct end *end)
{
    return !end->is_model && end->ca.owes_key;
}

struct cjd_replay end_replay(const struct end *end)
{
    return end->is_model ? end->model.replay : end->ca.live.replay;
}

struct cjd_pkt *craft_packet(struct box *box, const struct craft *craft)
{
    static const uint8_t header[120] = {[16] = 0x5a};
    const struct cjd_credentials *c = craft->credentials;
    struct cjd_pkt *pkt = box_packet(box, header, sizeof header);
    uint8_t *p = box->bytes;
    uint8_t shared[32];
    uint8_t key[32];

    memcpy(p + 120, "crafted", 7);
    pkt->len += 7;
    cjd_store32(p, craft->word);
    if (c && c->type != 0) {
        memcpy(p + 4, c->lookup, 8);
    }
    memcpy(p + 40, craft->from->b, 32);
    memcpy(p + 88, craft->temp, 32);
    assert_int_equal(cjd_box_shared(shared, craft->secret, craft->key), 0);
    cjd_box_key(key, shared, c && c->type != 0 ? c->secret : NULL);
    cjd_box_seal(p + 88, pkt->len - 88, p + 72, p + 16, key);
    return pkt;
}

void pair_init(struct pair *pair, bool is_model0, bool is_model1, uint64_t seed)
{
    bool is_model[2] = {is_model0, is_model1};

    memset(pair, 0, sizeof *pair);
    pair->now_ns = 1000 * CJD_S;
    for (int i = 0; i < 2; i++) {
        uint8_t secret[32];
        struct cjd_rng rng = test_rng_init(&pair->seed[i], seed * 2 + (uint64_t)i);
        cjd_rng_fill(&rng, secret, sizeof secret);
        end_init(&pair->end[i], is_model[i], secret);
        end_rng(&pair->end[i], rng);
    }
    for (int i = 0; i < 2; i++) {
        end_session(&pair->end[i], &pair->end[1 - i].self.key, false, NULL, pair->now_ns);
    }
}

void pair_fini(struct pair *pair)
{
    end_fini(&pair->end[0]);
    end_fini(&pair->end[1]);
}

int pair_send(struct pair *pair, int from, bool is_reply)
{
    static const char text[] = "a message";
    struct box box;
    struct cjd_pkt *pkt = box_message(&box, text, sizeof text);

    end_seal(&pair->end[from], pkt, is_reply, pair->now_ns);
    int result = end_open(&pair->end[1 - from], pkt, pair->now_ns);
    if (result == 0) {
        assert_int_equal(pkt->len, sizeof text);
        assert_memory_equal(cjd_pkt_data(pkt), text, sizeof text);
    }
    return result;
}

void pair_establish(struct pair *pair)
{
    for (int step = 0; step < 4; step++) {
        assert_int_equal(pair_send(pair, step % 2, false), 0);
    }
    assert_int_equal(end_state(&pair->end[0]), CJD_CA_ESTABLISHED);
    assert_int_equal(end_state(&pair->end[1]), CJD_CA_ESTABLISHED);
}
