/*
 * Nanoseconds per packet on the data path, without system calls, beside the bare libsodium cost of
 * the same AEAD calls measured in the same run. Each figure is the minimum of many repetitions.
 *
 *     bench_micro [--json FILE]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <base/time.h>
#include <base/wire.h>
#include <crypto/cryptoauth.h>
#include <sodium.h>
#include <switch/switch.h>

#include "pair.h"
#include "report.h"

#define REPETITIONS   300u
#define OUTER_PAYLOAD 36u /* switch header and handle and inner CryptoAuth around the content */

static const unsigned vectors[] = {1, 8, 64};
static const uint32_t sizes[] = {1304, 64};

/* --- bare libsodium
 * ------------------------------------------------------------------------------- */

struct bare {
    double seal_inner;
    double seal_outer;
    double open_inner;
    double open_outer;
};

static double bare_seal(uint32_t len)
{
    static uint8_t m[4096];
    uint8_t mac[16];
    uint8_t key[32] = {1};
    uint8_t nonce[24] = {0};
    double best = 1e18;

    for (unsigned r = 0; r < REPETITIONS; r++) {
        double start = report_clock();
        for (unsigned i = 0; i < 64; i++) {
            nonce[0] = (uint8_t)i;
            crypto_secretbox_detached(m, mac, m, len, nonce, key);
        }
        double ns = (report_clock() - start) / 64;
        best = ns < best ? ns : best;
    }
    return best;
}

static double bare_open(uint32_t len)
{
    static uint8_t m[4096];
    static uint8_t c[4096];
    uint8_t mac[16];
    uint8_t key[32] = {1};
    uint8_t nonce[24] = {0};
    double best = 1e18;
    int failures = 0;

    crypto_secretbox_detached(c, mac, m, len, nonce, key);
    for (unsigned r = 0; r < REPETITIONS; r++) {
        double start = report_clock();
        for (unsigned i = 0; i < 64; i++) {
            failures += crypto_secretbox_open_detached(m, c, mac, len, nonce, key);
        }
        double ns = (report_clock() - start) / 64;
        best = ns < best ? ns : best;
    }
    if (failures != 0) {
        abort();
    }
    return best;
}

/* An IPv6 packet of `len` bytes: its header goes, a data header comes; around it the inner box,
 * handle and switch header. */
static struct bare bare_costs(uint32_t len)
{
    uint32_t inner = len - 40 + CJD_DATA_HEADER_BYTES;
    uint32_t outer = inner + OUTER_PAYLOAD;

    return (struct bare){.seal_inner = bare_seal(inner),
                         .seal_outer = bare_seal(outer),
                         .open_inner = bare_open(inner),
                         .open_outer = bare_open(outer)};
}

/* --- whole paths
 * ---------------------------------------------------------------------------------- */

static double inject_once(struct row *row, unsigned to, uint32_t len, unsigned n)
{
    CJD_VEC_LOCAL(vec, BATCH_MAX);

    row->now += 10 * CJD_US;
    for (unsigned i = 0; i < n; i++) {
        cjd_vec_add(&vec, row_user_packet(row, to, len));
    }
    double start = report_clock();
    cjd_node_inject(row->n[0].node, &vec, row->now);
    cjd_node_flush(row->n[0].node);
    return (report_clock() - start) / n;
}

/* What node `from` sent arrives; time per packet at the receiver. */
static double receive_once(struct row *row, unsigned from, unsigned *to)
{
    CJD_VEC_LOCAL(vec, BATCH_MAX);

    *to = row_take(row, from, &vec);
    unsigned n = vec.n;
    double start = report_clock();
    cjd_node_rx(row->n[*to].node, 0, 0, &vec, row->now);
    cjd_node_flush(row->n[*to].node);
    return (report_clock() - start) / (n ? n : 1);
}

static void keep_min(double *best, double ns)
{
    *best = ns < *best ? ns : *best;
}

static void whole_paths(struct row *row, struct report *report, uint32_t len, unsigned vector,
                        const struct bare *bare)
{
    double tun_udp = 1e18;
    double udp_tun = 1e18;
    double udp_udp = 1e18;
    unsigned to;

    for (unsigned r = 0; r < REPETITIONS; r++) {
        keep_min(&tun_udp, inject_once(row, 1, len, vector));
        keep_min(&udp_tun, receive_once(row, 0, &to));
        row_settle(row);
        inject_once(row, 2, len, vector);
        keep_min(&udp_udp, receive_once(row, 0, &to));
        row_settle(row);
    }
    report_add(report, "TUN to UDP", len, vector, tun_udp, bare->seal_inner + bare->seal_outer);
    report_add(report, "UDP to TUN", len, vector, udp_tun, bare->open_inner + bare->open_outer);
    report_add(report, "UDP to UDP (transit)", len, vector, udp_udp,
               bare->open_outer + bare->seal_outer);
}

/* --- single steps
 * --------------------------------------------------------------------------------- */

struct ca_pair {
    struct cjd_keypair keys[2];
    struct cjd_ca_node node[2];
    struct cjd_ca ca[2];
    struct cjd_pool *pool;
};

static void pass(struct ca_pair *p, unsigned from, uint64_t now)
{
    struct cjd_pkt *pkt = cjd_pool_take(p->pool, 64);

    cjd_pkt_put(pkt, 8);
    memset(cjd_pkt_data(pkt), 0, 8);
    if (cjd_ca_seal(&p->ca[from], pkt, now) != 0 ||
        cjd_ca_open(&p->ca[1 - from], pkt, now) != CJD_CA_OK) {
        abort();
    }
    cjd_pool_give(p->pool, pkt);
}

static void ca_pair_init(struct ca_pair *p, uint64_t now)
{
    struct cjd_rng rng = cjd_rng_system();

    p->pool = cjd_pool_new(2 * BATCH_MAX, 1);
    for (unsigned i = 0; i < 2; i++) {
        cjd_keypair_generate(&p->keys[i], &rng);
    }
    static struct cjd_users *nobody;
    nobody = nobody ? nobody : cjd_users_new();
    for (unsigned i = 0; i < 2; i++) {
        p->node[i] = (struct cjd_ca_node){.self = &p->keys[i], .users = nobody, .rng = rng};
        cjd_ca_init(&p->ca[i], &p->node[i], &p->keys[1 - i].key, false, now);
    }
    for (unsigned i = 0; i < 4; i++) {
        pass(p, i % 2, now);
    }
}

static void crypto_steps(struct report *report, uint32_t len, unsigned vector, uint32_t message,
                         const char *const names[2], const double aead[2])
{
    struct ca_pair p;
    struct cjd_pkt *pkt[BATCH_MAX];
    double seal = 1e18;
    double open = 1e18;
    uint64_t now = 1000 * CJD_S;

    ca_pair_init(&p, now);
    for (unsigned r = 0; r < REPETITIONS; r++) {
        for (unsigned i = 0; i < vector; i++) {
            pkt[i] = cjd_pool_take(p.pool, message);
            cjd_pkt_put(pkt[i], message);
            memset(cjd_pkt_data(pkt[i]), 0, message);
        }
        int failures = 0;
        double start = report_clock();
        for (unsigned i = 0; i < vector; i++) {
            failures += cjd_ca_seal(&p.ca[0], pkt[i], now);
        }
        double middle = report_clock();
        for (unsigned i = 0; i < vector; i++) {
            failures += (int)cjd_ca_open(&p.ca[1], pkt[i], now);
        }
        double end = report_clock();
        if (failures != 0) {
            abort();
        }
        keep_min(&seal, (middle - start) / vector);
        keep_min(&open, (end - middle) / vector);
        for (unsigned i = 0; i < vector; i++) {
            cjd_pool_give(p.pool, pkt[i]);
        }
    }
    report_add(report, names[0], len, vector, seal, aead[0]);
    report_add(report, names[1], len, vector, open, aead[1]);
    cjd_ca_fini(&p.ca[0]);
    cjd_ca_fini(&p.ca[1]);
    cjd_pool_free(p.pool);
}

static void label_step(struct report *report, unsigned vector)
{
    struct cjd_switch sw;
    uint8_t frames[BATCH_MAX][64];
    double best = 1e18;

    cjd_switch_init(&sw, cjd_scheme_358());
    for (unsigned i = 0; i < 8; i++) {
        (void)cjd_switch_iface_add(&sw);
    }
    for (unsigned r = 0; r < REPETITIONS; r++) {
        unsigned bad = 0;
        for (unsigned i = 0; i < vector; i++) {
            memset(frames[i], 0, sizeof frames[i]);
            cjd_store64(frames[i], 0x1537u);
        }
        double start = report_clock();
        for (unsigned i = 0; i < vector; i++) {
            bad +=
                cjd_switch_frame(&sw, frames[i], sizeof frames[i], 0).action != CJD_SWITCH_FORWARD;
        }
        keep_min(&best, (report_clock() - start) / vector);
        if (bad != 0) {
            abort();
        }
    }
    report_add(report, "label step", 64, vector, best, 0);
}

static void measure(struct row *row, struct report *report)
{
    static const char *const outer[2] = {"outer seal", "outer open"};
    static const char *const inner[2] = {"session seal", "session open"};

    for (unsigned s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        uint32_t len = sizes[s];
        struct bare bare = bare_costs(len);
        uint32_t content = len - 40 + CJD_DATA_HEADER_BYTES;
        for (unsigned v = 0; v < sizeof vectors / sizeof vectors[0]; v++) {
            crypto_steps(report, len, vectors[v], content + OUTER_PAYLOAD, outer,
                         (const double[]){bare.seal_outer, bare.open_outer});
            crypto_steps(report, len, vectors[v], content, inner,
                         (const double[]){bare.seal_inner, bare.open_inner});
            whole_paths(row, report, len, vectors[v], &bare);
        }
    }
    for (unsigned v = 0; v < sizeof vectors / sizeof vectors[0]; v++) {
        label_step(report, vectors[v]);
    }
}

int main(int argc, char **argv)
{
    const char *json = argc == 3 && strcmp(argv[1], "--json") == 0 ? argv[2] : NULL;
    struct report report;
    struct row row;

    if (argc != 1 && !json) {
        fprintf(stderr, "usage: bench_micro [--json FILE]\n");
        return 64;
    }
    if (!row_init(&row)) {
        fprintf(stderr, "the nodes do not reach each other\n");
        return 70;
    }
    report_init(&report);
    measure(&row, &report);
    int err = json ? report_write(&report, json) : 0;
    report_fini(&report);
    row_fini(&row);
    return err ? 70 : 0;
}
