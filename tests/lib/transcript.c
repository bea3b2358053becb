#include <testlib/transcript.h>

#include <base/time.h>
#include <base/wire.h>

#define NOW (1000 * CJD_S)

void transcript_init(struct transcript *t, const char *secret, const char *peer_public,
                     const char *temp_secret)
{
    uint8_t bytes[32];
    struct cjd_key peer;

    memset(t, 0, sizeof *t);
    assert_int_equal(cjd_crypto_init(), 0);
    assert_int_equal(test_unhex(bytes, sizeof bytes, secret), 32);
    assert_int_equal(cjd_keypair_from_secret(&t->self, bytes), 0);
    assert_int_equal(test_unhex(peer.b, sizeof peer.b, peer_public), 32);
    assert_int_equal(test_unhex(t->temp_secret, sizeof t->temp_secret, temp_secret), 32);
    t->users = cjd_users_new();
    t->script.bytes = t->script_bytes;
    t->node = (struct cjd_ca_node){
        .self = &t->self, .users = t->users, .rng = test_script_rng(&t->script)};
    t->pool = cjd_pool_new(2, 0);
    cjd_ca_init(&t->ca, &t->node, &peer, false, NOW);
}

void transcript_fini(struct transcript *t)
{
    cjd_ca_fini(&t->ca);
    cjd_users_free(t->users);
    cjd_pool_free(t->pool);
}

static struct cjd_pkt *packet_of(struct transcript *t, const uint8_t *bytes, size_t len)
{
    struct cjd_pkt *pkt = cjd_pool_take(t->pool, (uint32_t)len);

    assert_non_null(pkt);
    cjd_pkt_put(pkt, (uint32_t)len);
    if (len > 0) {
        memcpy(cjd_pkt_data(pkt), bytes, len);
    }
    return pkt;
}

void transcript_sent(struct transcript *t, const uint8_t *packet, size_t len, const uint8_t *plain,
                     size_t plain_len)
{
    uint32_t word = cjd_load32(packet);
    struct cjd_pkt *pkt = packet_of(t, plain, plain_len);
    char *hex = malloc(2 * len + 1);

    if (word < 4) {
        /* Challenge, nonce, temporary secret: the order in which randomness is drawn. */
        memcpy(t->script_bytes, packet + 4, 36);
        memcpy(t->script_bytes + 36, t->temp_secret, 32);
        t->script.at = 0;
        t->script.len = 68;
    } else {
        t->ca.live.next = word; /* the recorded end chose its counters itself */
    }
    assert_int_equal(cjd_ca_seal(&t->ca, pkt, NOW), 0);
    assert_non_null(hex);
    cjd_hex_encode(hex, packet, len);
    test_assert_hex(cjd_pkt_data(pkt), pkt->len, hex, "sealed packet");
    free(hex);
    cjd_pool_give(t->pool, pkt);
}

size_t transcript_received(struct transcript *t, const uint8_t *packet, size_t len, uint8_t *plain,
                           size_t cap)
{
    struct cjd_pkt *pkt = packet_of(t, packet, len);

    assert_int_equal(cjd_ca_open(&t->ca, pkt, NOW), CJD_CA_OK);
    size_t plain_len = pkt->len;
    assert_true(plain_len <= cap);
    memcpy(plain, cjd_pkt_data(pkt), plain_len);
    cjd_pool_give(t->pool, pkt);
    return plain_len;
}
