/*
 * CryptoAuth sessions in every state of a handshake: arbitrary bytes, handshake packets that
 * authenticate but carry arbitrary words, temporary keys and messages, and genuine packets. Any
 * input also goes raw into a fresh session, an established one and cjd_ca_peek().
 *
 * Input: a byte that chooses (bits 0–2 state, bit 3 receiver, bits 4–5 kind), then the packet, or
 * word, temporary key and message, or the message.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <base/time.h>
#include <base/wire.h>
#include <crypto/box.h>
#include <crypto/cryptoauth.h>

enum { STAGES = 7, ESTABLISHED = 4, MESSAGE_MAX = 2048, NOW_S = 1000 };

struct box {
    struct cjd_pkt pkt;
    uint8_t bytes[CJD_CA_HEADROOM + MESSAGE_MAX];
};

/* Two ends and copies of their sessions after each step of a handshake. */
struct rig {
    struct cjd_keypair self[2];
    struct cjd_users *users[2];
    struct cjd_ca_node node[2];
    struct cjd_credentials login;
    struct cjd_ca stage[STAGES][2];
    uint64_t drawn;
};

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void fill(void *ctx, void *buf, size_t n)
{
    struct rig *rig = ctx;
    uint8_t *out = buf;

    for (size_t i = 0; i < n; i++) {
        rig->drawn = rig->drawn * 6364136223846793005u + 1442695040888963407u;
        out[i] = (uint8_t)(rig->drawn >> 56);
    }
}

static struct cjd_pkt *put(struct box *box, const uint8_t *bytes, size_t len, bool is_message)
{
    uint32_t off = is_message ? CJD_CA_HEADROOM : 0;

    len = len < MESSAGE_MAX ? len : MESSAGE_MAX;
    box->pkt = (struct cjd_pkt){
        .buf = box->bytes, .off = off, .len = (uint32_t)len, .cap = sizeof box->bytes};
    if (len > 0) {
        memcpy(box->bytes + off, bytes, len);
    }
    return &box->pkt;
}

static void step(struct cjd_ca *from, struct cjd_ca *to)
{
    struct box box;
    struct cjd_pkt *pkt = put(&box, (const uint8_t *)"hi", 2, true);

    require(cjd_ca_seal_reply(from, pkt, NOW_S * CJD_S) == 0);
    require(cjd_ca_open(to, pkt, NOW_S * CJD_S) == CJD_CA_OK);
}

static void init_end(struct rig *rig, int i)
{
    struct cjd_rng rng = {.fill = fill, .ctx = rig};

    cjd_keypair_generate(&rig->self[i], &rng);
    rig->users[i] = cjd_users_new();
    require(rig->users[i] != NULL);
    rig->node[i] = (struct cjd_ca_node){.self = &rig->self[i], .users = rig->users[i], .rng = rng};
}

static void start_session(const struct rig *rig, struct cjd_ca *ca, int i)
{
    cjd_ca_init(ca, &rig->node[i], &rig->self[1 - i].key, i == 1, NOW_S * CJD_S);
    if (i == 0) {
        cjd_ca_set_credentials(ca, &rig->login);
    }
}

/* 0 fresh, 1 hello, 2 key, 3 data, 4 data back; 5 end 0 has restarted, 6 it has our key. */
static void init_rig(struct rig *rig)
{
    require(cjd_crypto_init() == 0);
    init_end(rig, 0);
    init_end(rig, 1);
    require(cjd_users_add(rig->users[1], "bob", "secret", 6, NULL) == 0);
    cjd_credentials_init(&rig->login, "bob", "secret", 6);
    start_session(rig, &rig->stage[0][0], 0);
    start_session(rig, &rig->stage[0][1], 1);
    for (int i = 1; i < STAGES; i++) {
        struct cjd_ca *ends = rig->stage[i];
        memcpy(ends, rig->stage[i - 1], sizeof rig->stage[i]);
        if (i == ESTABLISHED + 1) {
            start_session(rig, &ends[0], 0);
        }
        int from = i <= ESTABLISHED ? (i - 1) % 2 : i - ESTABLISHED - 1;
        step(&ends[from], &ends[1 - from]);
    }
    require(rig->stage[STAGES - 1][1].has_pending);
}

/* Whatever came, the session can transmit, and its parts fit together. */
static void check_session(struct cjd_ca *ca)
{
    struct box box;
    struct cjd_pkt *pkt = put(&box, (const uint8_t *)"more", 4, true);

    bool is_kept = ca->live.is_established ||
                   (ca->live.is_initiator && ca->live.next >= (uint32_t)CJD_CA_RECEIVED_KEY);
    require(!ca->has_pending || (is_kept && !ca->pending.is_established));
    require(ca->has_pending || !(ca->owes_key || ca->sends_pending));
    require(cjd_ca_seal(ca, pkt, NOW_S * CJD_S) == 0);
    require(pkt->len == 4 + CJD_CA_DATA_BYTES || pkt->len == 4 + CJD_CA_HANDSHAKE_BYTES);
}

/* Opens the packet in a copy of the session. */
static enum cjd_ca_result open_in(const struct cjd_ca *session, struct cjd_pkt *pkt)
{
    struct cjd_ca ca = *session;
    uint32_t len = pkt->len;
    uint32_t header =
        len >= 4 && cjd_load32(cjd_pkt_data(pkt)) < 4 ? CJD_CA_HANDSHAKE_BYTES : CJD_CA_DATA_BYTES;
    enum cjd_ca_result result = cjd_ca_open(&ca, pkt, NOW_S * CJD_S);

    require(pkt->len == (result == CJD_CA_OK ? len - header : len));
    require(result == CJD_CA_OK || (ca.live.next == session->live.next &&
                                    ca.live.is_established == session->live.is_established &&
                                    ca.has_pending == session->has_pending));
    check_session(&ca);
    return result;
}

/* Word, temporary key and message, in a box that authenticates. */
static bool craft(const struct rig *rig, struct box *box, const struct cjd_ca *to, int from,
                  const uint8_t *data, size_t size)
{
    uint32_t word = size > 0 ? data[0] % 4u : 0;
    const struct cjd_key *key = word < 2 ? &rig->self[1 - from].key : &to->live.temp_key;
    bool has_login = from == 0;
    uint8_t shared[32];
    uint8_t secret[32];

    if (size < 33 || cjd_box_shared(shared, rig->self[from].secret, key) != 0) {
        return false;
    }
    struct cjd_pkt *pkt = put(box, data + 1, size - 1, true);
    pkt->off -= 88;
    pkt->len += 88;
    uint8_t *p = cjd_pkt_data(pkt);
    memset(p, 0, 88);
    cjd_store32(p, word);
    memcpy(p + 4, rig->login.lookup, has_login ? 8 : 0);
    memcpy(p + 40, rig->self[from].key.b, 32);
    cjd_box_key(secret, shared, has_login ? rig->login.secret : NULL);
    cjd_box_seal(p + 88, pkt->len - 88, p + 72, p + 16, secret);
    return true;
}

/* A genuine packet opens wherever its sender's session is in step, or is refused. */
static void exchange(const struct rig *rig, unsigned stage, int to, const uint8_t *data,
                     size_t size)
{
    struct box box;
    struct cjd_ca sender = rig->stage[stage][1 - to];
    struct cjd_pkt *pkt = put(&box, data, size, true);
    uint32_t len = pkt->len;

    if (cjd_ca_seal(&sender, pkt, NOW_S * CJD_S) != 0) {
        require(len == 0);
        return;
    }
    enum cjd_ca_result result = open_in(&rig->stage[stage][to], pkt);
    require(stage != ESTABLISHED || result == CJD_CA_OK);
    if (result == CJD_CA_OK) {
        require(pkt->len == len && memcmp(cjd_pkt_data(pkt), data, len) == 0);
    }
}

static void check_peek(const uint8_t *data, size_t size)
{
    struct cjd_ca_hello hello;

    if (cjd_ca_peek(&hello, data, size)) {
        require(size >= CJD_CA_HANDSHAKE_BYTES && hello.word <= 3);
        require(memcmp(hello.key.b, data + 40, 32) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct rig rig;
    struct box box;

    if (!rig.users[0]) {
        init_rig(&rig);
    }
    if (size == 0) {
        return 0;
    }
    unsigned stage = (data[0] & 7u) % STAGES;
    int to = data[0] >> 3 & 1;
    unsigned kind = data[0] >> 4 & 3;
    const struct cjd_ca *session = &rig.stage[stage][to];
    data++;
    size--;
    check_peek(data, size);
    (void)open_in(&rig.stage[0][to], put(&box, data, size, false));
    (void)open_in(&rig.stage[ESTABLISHED][to], put(&box, data, size, false));
    if (kind == 1 && craft(&rig, &box, session, 1 - to, data, size)) {
        (void)open_in(session, &box.pkt);
    } else if (kind == 2) {
        exchange(&rig, stage, to, data, size);
    } else {
        (void)open_in(session, put(&box, data, size, false));
    }
    return 0;
}
