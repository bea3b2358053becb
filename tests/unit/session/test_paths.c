/* Which path a session uses, what it does about silence, and how it recovers. */
#include "end.h"

#include <base/wire.h>

#define DELAY     (5 * CJD_MS)
#define FAR_LABEL 0x513u

static uint64_t label_in_use(const struct end *e, const struct cjd_addr *addr)
{
    struct cjd_session_info info;

    assert_true(end_session(e, addr, &info));
    return info.label;
}

/* --- choice ----------------------------------------------------------------------------------- */

/* The router chooses; what it calls an alternative is kept for when the choice dies. */
static void choice(void **state)
{
    (void)state;
    struct end e;
    struct far far;
    struct cjd_session_info info;
    end_init(&e, 1, 0);
    far_init(&far, 10, &e);
    end_user(&e, &far.self.addr, 1, 10);
    struct cjd_session_path a = end_path_to(&far.self, 0x115);
    struct cjd_session_path b = end_path_to(&far.self, 0x117);
    struct cjd_session_path c = end_path_to(&far.self, 0x119);
    struct cjd_session_path d = end_path_to(&far.self, 0x11b);
    b.is_best = c.is_best = d.is_best = false;
    b.cost_us = 9000;
    c.cost_us = 8000;
    d.cost_us = 50000;
    end_path(&e, &b); /* for want of a better one */
    assert_int_equal(label_in_use(&e, &far.self.addr), 0x117);
    end_path(&e, &a);
    assert_int_equal(label_in_use(&e, &far.self.addr), 0x115);
    end_path(&e, &c);
    end_path(&e, &b);
    assert_int_equal(label_in_use(&e, &far.self.addr), 0x115);
    end_path(&e, &d); /* three are kept, the dearest does not get in */
    assert_true(end_session(&e, &far.self.addr, &info));
    assert_int_equal(info.paths, 3);
    end_path_dead(&e, &far.self.addr, 0x777);
    assert_int_equal(label_in_use(&e, &far.self.addr), 0x115);
    end_path_dead(&e, &far.self.addr, 0x115);
    assert_int_equal(label_in_use(&e, &far.self.addr), 0x119);
    end_path(&e, &d);
    end_path_dead(&e, &far.self.addr, 0x11b);
    assert_int_equal(label_in_use(&e, &far.self.addr), 0x119);
    end_path_dead(&e, &far.self.addr, 0x119);
    assert_int_equal(label_in_use(&e, &far.self.addr), 0x117);
    d.is_best = true; /* a dearer one, if the router says so */
    end_path(&e, &d);
    assert_int_equal(label_in_use(&e, &far.self.addr), 0x11b);
    struct cjd_session_path zero = end_path_to(&far.self, 0);
    end_path(&e, &zero);
    assert_int_equal(label_in_use(&e, &far.self.addr), 0x11b);
    far_fini(&far);
    end_fini(&e);
}

/* The router's choice is taken in even when all places are taken by cheaper ones. */
static void choice_when_full(void **state)
{
    (void)state;
    struct end e;
    struct far far;
    struct cjd_session_info info;
    end_init(&e, 2, 0);
    far_init(&far, 10, &e);
    end_user(&e, &far.self.addr, 1, 10);
    for (unsigned i = 0; i < 20; i++) {
        struct cjd_session_path p = end_path_to(&far.self, 0x115 + 2 * i);
        p.cost_us = 1000 * (i + 1);
        end_path(&e, &p);
        assert_int_equal(label_in_use(&e, &far.self.addr), 0x115 + 2 * i);
        assert_true(end_session(&e, &far.self.addr, &info));
        assert_int_equal(info.paths, i < 2 ? i + 1 : 3);
    }
    far_fini(&far);
    end_fini(&e);
}

/* All paths died: asked for at once, but not from inside the router. */
static void all_dead(void **state)
{
    (void)state;
    struct pair pair;
    pair_init(&pair, 3, DELAY);
    pair_establish(&pair);
    end_path_dead(&pair.end[0], pair_addr(&pair, 1), pair_label(0, 0));
    assert_int_equal(pair.end[0].wants, 0);
    pair_run(&pair, 2 * CJD_MS);
    assert_int_equal(pair.end[0].wants, 1);
    assert_int_equal(label_in_use(&pair.end[0], pair_addr(&pair, 1)), pair_label(0, 0));
    pair_fini(&pair);
}

/* --- the way packets come --------------------------------------------------------------------- */

static void return_path(void **state)
{
    (void)state;
    struct end e;
    struct far far;
    end_init(&e, 4, 0);
    far_init(&far, 10, &e);
    far_establish(&far, &e, FAR_LABEL);
    assert_int_equal(label_in_use(&e, &far.self.addr), FAR_LABEL);
    /* The other end uses another way now: a better guess. */
    far_send(&far, &e, FAR_LABEL + 0x200, 17, "x", 1);
    assert_int_equal(label_in_use(&e, &far.self.addr), FAR_LABEL + 0x200);
    /* A hello may be a replay from anywhere. */
    struct far again;
    far_init(&again, 10, &e);
    cjd_rng_u64(&again.node.rng);
    far_restart(&again, &e, 77);
    far_send(&again, &e, FAR_LABEL + 0x400, CJD_CONTENT_DHT, "q", 1);
    assert_int_equal(label_in_use(&e, &far.self.addr), FAR_LABEL + 0x200);
    assert_int_equal(e.hints, 1);
    /* Anything that is proven is better. */
    struct cjd_session_path p = end_path_to(&far.self, 0x115);
    p.cost_us = 4000000000u;
    p.is_best = false;
    end_path(&e, &p);
    assert_int_equal(label_in_use(&e, &far.self.addr), 0x115);
    far_send(&far, &e, FAR_LABEL, 17, "x", 1);
    assert_int_equal(label_in_use(&e, &far.self.addr), 0x115);
    end_path_dead(&e, &far.self.addr, 0x115);
    assert_int_equal(label_in_use(&e, &far.self.addr), FAR_LABEL + 0x200);
    far_fini(&far);
    far_fini(&again);
    end_fini(&e);
}

static void hints(void **state)
{
    (void)state;
    struct end e;
    struct far far;
    end_init(&e, 5, 0);
    far_init(&far, 10, &e);
    far_establish(&far, &e, FAR_LABEL);
    struct cjd_session_path p = end_path_to(&far.self, FAR_LABEL);
    end_path(&e, &p);
    far_send(&far, &e, FAR_LABEL, 17, "x", 1);
    assert_int_equal(e.hints, 0);
    for (unsigned i = 0; i < 10; i++) {
        far_send(&far, &e, FAR_LABEL + 0x200, 17, "x", 1);
        end_run(&e, 300 * CJD_MS);
    }
    assert_int_equal(e.hints, 3); /* once a second */
    assert_int_equal(e.hint_label, FAR_LABEL + 0x200);
    assert_int_equal(label_in_use(&e, &far.self.addr), FAR_LABEL);
    far_fini(&far);
    end_fini(&e);
}

/* --- silence ---------------------------------------------------------------------------------- */

/* One way only: doubted, asked, answered. Nothing begins anew. */
static void one_way_traffic(void **state)
{
    (void)state;
    struct pair pair;
    pair_init(&pair, 6, 40 * CJD_MS);
    pair_establish(&pair);
    struct cjd_session_info before = pair_session(&pair, 0);
    for (unsigned i = 0; i < 600; i++) {
        end_user(&pair.end[0], pair_addr(&pair, 1), 1, 10);
        pair_run(&pair, 100 * CJD_MS);
    }
    assert_int_equal(pair.end[1].contents, 600);
    assert_in_range(pair.end[0].doubts, 40, 60);
    assert_int_equal(pair.end[0].doubt_label, pair_label(0, 0));
    assert_int_equal(pair.end[1].doubts, 0);
    for (unsigned i = 0; i < pair.end[0].sent_count; i++) {
        assert_true(pair.end[0].sent[i].word >= 4); /* no hello */
    }
    assert_int_equal(pair_session(&pair, 0).tx_handle, before.tx_handle);
    pair_fini(&pair);
}

/* Doubt after a second of silence, no sooner; a new handshake after 1.4. */
static void silence(void **state)
{
    (void)state;
    struct pair pair;
    pair_init(&pair, 7, DELAY);
    pair_establish(&pair);
    pair_run(&pair, 20 * CJD_S);
    end_forget(&pair.end[0]);
    pair.is_cut[0][1] = true;
    uint64_t from = pair.end[0].now_ns;
    for (unsigned i = 0; i < 20; i++) {
        end_user(&pair.end[0], pair_addr(&pair, 1), 1, 10);
        pair_run(&pair, 100 * CJD_MS);
        if (pair.end[0].doubts == 1 && i < 12) {
            assert_in_range(pair.end[0].doubt_at_ns - from, CJD_S, CJD_S + CJD_MS);
        }
    }
    assert_in_range(pair.end[0].doubts, 1, 2);
    uint64_t hello = 0;
    for (unsigned i = 0; i < pair.end[0].sent_count && hello == 0; i++) {
        hello = pair.end[0].sent[i].word == 0 ? pair.end[0].sent[i].at_ns : 0;
    }
    assert_in_range(hello - from, 1400 * CJD_MS, 1402 * CJD_MS);
    /* It was the path, not the node: the other end goes on with its session until data proves the
     * new one. All that waited arrives. */
    pair.is_cut[0][1] = false;
    end_forget(&pair.end[1]);
    pair_run(&pair, 2500 * CJD_MS);
    assert_true(pair.end[1].contents >= 5);
    assert_int_equal(pair_session(&pair, 0).state, CJD_CA_ESTABLISHED);
    assert_int_equal(pair_session(&pair, 0).waiting, 0);
    pair_fini(&pair);
}

/* A user that begins after a pause is not charged with the silence before. */
static void silence_counts_from_the_user(void **state)
{
    (void)state;
    struct pair pair;
    pair_init(&pair, 8, DELAY);
    pair_establish(&pair);
    pair.end[0].on_doubt = NULL;
    pair.is_cut[0][0] = true; /* nothing comes back */
    end_user(&pair.end[0], pair_addr(&pair, 1), 1, 10);
    pair_run(&pair, 900 * CJD_MS);
    /* 130 s without user traffic; router messages by another way keep the session. */
    for (unsigned i = 0; i < 130; i++) {
        struct cjd_session_path p = end_path_to(&pair.end[1].self, pair_label(1, 0));
        end_query(&pair.end[0], &p);
        pair_run(&pair, CJD_S);
    }
    end_forget(&pair.end[0]);
    uint64_t from = pair.end[0].now_ns;
    end_user(&pair.end[0], pair_addr(&pair, 1), 1, 10);
    assert_int_equal(pair.end[0].sent_count, 1);
    pair_run(&pair, 990 * CJD_MS);
    assert_int_equal(pair.end[0].doubts, 0);
    pair_run(&pair, 20 * CJD_MS);
    assert_int_equal(pair.end[0].doubts, 1);
    assert_in_range(pair.end[0].doubt_at_ns - from, CJD_S, CJD_S + CJD_MS);
    pair_fini(&pair);
}

/* The path in use dies, another is known: traffic goes over that as soon as the router says so. */
static void fall_over(void **state)
{
    (void)state;
    struct pair pair;
    pair_init(&pair, 9, DELAY);
    pair_establish(&pair);
    pair_know(&pair, 0, 1);
    pair_know(&pair, 0, 0);
    end_forget(&pair.end[1]);
    pair.is_cut[0][0] = pair.is_cut[0][1] = true;
    end_user(&pair.end[0], pair_addr(&pair, 1), 1, 10);
    pair_run(&pair, 1050 * CJD_MS);
    assert_int_equal(pair.end[0].doubts, 1);
    assert_int_equal(pair.end[1].contents, 0);
    pair.end[0].on_want = NULL;
    end_path_dead(&pair.end[0], pair_addr(&pair, 1), pair_label(0, 0));
    end_user(&pair.end[0], pair_addr(&pair, 1), 2, 10);
    pair_run(&pair, 50 * CJD_MS);
    assert_int_equal(pair.end[1].contents, 1);
    assert_int_equal(pair.end[1].order[0], 2);
    pair_fini(&pair);
}

/* --- restarts --------------------------------------------------------------------------------- */

/* `which` restarts; traffic in both directions or from one end only. Returns how long it took until
 * the traffic flows again. */
static uint64_t restart(uint64_t seed, unsigned which, bool from_0, bool from_1)
{
    struct pair pair;
    pair_init(&pair, seed, DELAY);
    pair_establish(&pair);
    for (unsigned i = 0; i < 20; i++) {
        end_user(&pair.end[0], pair_addr(&pair, 1), 1, 10);
        end_user(&pair.end[1], pair_addr(&pair, 0), 1, 10);
        pair_run(&pair, 100 * CJD_MS);
    }
    pair_restart(&pair, which);
    pair_know(&pair, which, 0);
    end_forget(&pair.end[0]);
    end_forget(&pair.end[1]);
    uint64_t from = pair.end[0].now_ns;
    uint64_t took = CJD_NEVER;
    for (unsigned i = 0; i < 100 && took == CJD_NEVER; i++) {
        if (from_0) {
            end_user(&pair.end[0], pair_addr(&pair, 1), (uint8_t)i, 10);
        }
        if (from_1) {
            end_user(&pair.end[1], pair_addr(&pair, 0), (uint8_t)i, 10);
        }
        pair_run(&pair, 50 * CJD_MS);
        bool ok_0 = !from_1 || pair.end[0].contents > 0;
        bool ok_1 = !from_0 || pair.end[1].contents > 0;
        took = ok_0 && ok_1 ? pair.end[0].now_ns - from : took;
    }
    pair_run(&pair, 3 * CJD_S);
    assert_int_equal(pair_session(&pair, 0).state, CJD_CA_ESTABLISHED);
    assert_int_equal(pair_session(&pair, 1).state, CJD_CA_ESTABLISHED);
    assert_int_equal(pair_session(&pair, 0).tx_handle, pair_session(&pair, 1).rx_handle);
    assert_int_equal(pair_session(&pair, 1).tx_handle, pair_session(&pair, 0).rx_handle);
    pair_fini(&pair);
    return took;
}

static void restarts(void **state)
{
    (void)state;
    for (unsigned which = 0; which < 2; which++) {
        for (uint64_t seed = 20; seed < 24; seed++) {
            /* The one that restarted says hello: at once. */
            assert_true(restart(seed, which, true, true) <= 200 * CJD_MS);
            assert_true(restart(seed, which, which == 0, which == 1) <= 200 * CJD_MS);
            /* The other one finds out by the silence. */
            assert_true(restart(seed, which, which == 1, which == 0) <= 1700 * CJD_MS);
        }
    }
}

/* After a restart without traffic: whoever sends first gets through, at the latest by the
 * silence. */
static void restart_then_quiet(void **state)
{
    (void)state;
    for (unsigned who = 0; who < 4; who++) {
        struct pair pair;
        unsigned restarts = who & 1;
        unsigned sends = who >> 1;
        pair_init(&pair, 30 + who, DELAY);
        pair_establish(&pair);
        pair_run(&pair, CJD_S);
        pair_restart(&pair, restarts);
        pair_run(&pair, 10 * CJD_S);
        pair_know(&pair, restarts, 0);
        end_forget(&pair.end[0]);
        end_forget(&pair.end[1]);
        for (unsigned i = 0; i < 34; i++) {
            end_user(&pair.end[sends], pair_addr(&pair, 1 - sends), 1, 10);
            pair_run(&pair, 50 * CJD_MS);
        }
        assert_true(pair.end[1 - sends].contents > 0);
        pair_fini(&pair);
    }
}

/* The far end kept its session over our restart and uses a handle we do not know: its key is asked
 * for, and the session is renewed without waiting for any silence. */
static void renewed_by_key(void **state)
{
    (void)state;
    struct pair pair;
    pair_init(&pair, 40, DELAY);
    pair_establish(&pair);
    pair_restart(&pair, 0);
    end_forget(&pair.end[0]);
    for (unsigned i = 0; i < 10 && pair.end[0].contents == 0; i++) {
        unsigned unknown = pair.end[0].unknown;
        end_user(&pair.end[1], pair_addr(&pair, 0), 1, 10);
        pair_run(&pair, DELAY);
        if (pair.end[0].unknown > unknown) {
            assert_int_equal(pair.end[0].unknown_label, pair_label(0, 0));
            pair_run(&pair, 2 * DELAY); /* KEYPING and KEYPONG */
            cjd_sessions_key_learned(pair.end[0].sessions, &pair.end[1].self.key, END_VERSION,
                                     pair_label(0, 0), pair.end[0].now_ns);
        }
        pair_run(&pair, 2 * DELAY);
    }
    assert_int_equal(pair.end[0].contents, 1);
    assert_in_range(pair.end[0].unknown, 1, 2);
    assert_int_equal(pair.end[1].doubts, 0);
    pair_fini(&pair);
}

/* A node that restarted and has nothing to say but to answer: what is sent to it flows again as
 * soon as it has answered. */
static void answer_is_the_proof(void **state)
{
    (void)state;
    struct end e;
    struct far far;
    end_init(&e, 41, 0);
    e.answers = e.pings = true;
    far_init(&far, 10, &e);
    far_establish(&far, &e, FAR_LABEL);
    struct cjd_session_path p = end_path_to(&far.self, FAR_LABEL);
    end_path(&e, &p);
    end_user(&e, &far.self.addr, 1, 10);
    end_run(&e, CJD_S);
    far_restart(&far, &e, 7777);
    end_forget(&e);
    far_send(&far, &e, FAR_LABEL, CJD_CONTENT_DHT, "q", 1);
    assert_int_equal(e.sent_count, 2);
    assert_int_equal(e.sent[0].word, 2);
    assert_int_equal(e.sent[1].word, 3);
    assert_int_equal(far_open(&far, &e.sent[0], e.now_ns), CJD_CA_OK);
    assert_int_equal(far.bytes[4], 'r');
    assert_int_equal(far_open(&far, &e.sent[1], e.now_ns), CJD_CA_OK);
    assert_int_equal(far.bytes[4], 'q');
    far_send(&far, &e, FAR_LABEL, CJD_CONTENT_DHT, "r", 1);
    end_user(&e, &far.self.addr, 1, 10);
    assert_int_equal(e.sent[2].word, 7777);
    assert_int_equal(far_open(&far, &e.sent[2], e.now_ns), CJD_CA_OK);
    /* Without users nobody is in a hurry. */
    end_run(&e, 119 * CJD_S);
    far_restart(&far, &e, 8888);
    far_establish(&far, &e, FAR_LABEL);
    end_run(&e, 2 * CJD_S);
    far_restart(&far, &e, 9999);
    end_forget(&e);
    far_send(&far, &e, FAR_LABEL, CJD_CONTENT_DHT, "q", 1);
    assert_int_equal(e.sent_count, 1);
    far_fini(&far);
    end_fini(&e);
}

static unsigned hellos_sent(const struct end *e)
{
    unsigned n = 0;

    for (unsigned i = 0; i < e->sent_count; i++) {
        n += e->sent[i].word == 0;
    }
    return n;
}

/* The router may have asked enough for now. That is no try: the hello goes as soon as it may, and
 * not after a pause that grew meanwhile. */
static void refused_pings_are_no_tries(void **state)
{
    (void)state;
    struct end e;
    struct far far;
    end_init(&e, 45, 0);
    e.pings = e.refuses = true;
    far_init(&far, 10, &e);
    struct cjd_session_path p = end_path_to(&far.self, FAR_LABEL);
    end_user(&e, &far.self.addr, 1, 10);
    end_path(&e, &p);
    end_run(&e, 4 * CJD_S);
    assert_int_equal(hellos_sent(&e), 0);
    assert_in_range(e.pinged, 20, 40); /* asked again, but not all the time */
    e.refuses = false;
    end_run(&e, 160 * CJD_MS);
    assert_int_equal(hellos_sent(&e), 1);
    far_fini(&far);
    end_fini(&e);
}

/* We answered a hello and hear nothing of its sender any more: it forgot what it had begun. Key
 * packets without end would tell it nothing. */
static void unwanted_keys_end(void **state)
{
    (void)state;
    struct end e;
    struct far far;
    end_init(&e, 43, 0);
    e.pings = true;
    far_init(&far, 10, &e);
    far_send(&far, &e, FAR_LABEL, CJD_CONTENT_DHT, "q", 1);
    struct cjd_session_path p = end_path_to(&far.self, FAR_LABEL);
    end_path(&e, &p);
    far_restart(&far, &e, 7777);
    end_forget(&e);
    end_user(&e, &far.self.addr, 1, 10);
    assert_int_equal(hellos_sent(&e), 0);
    end_run(&e, 2500 * CJD_MS);
    assert_in_range(hellos_sent(&e), 1, 4);
    assert_int_equal(far_open(&far, &e.sent[e.sent_count - 1], e.now_ns), CJD_CA_OK);
    far_fini(&far);
    end_fini(&e);
}

/* The same from the other side: a key packet comes that answers nothing we know of. */
static void stray_key_is_called_back(void **state)
{
    (void)state;
    struct end e;
    struct far far;
    end_init(&e, 44, 0);
    e.pings = true;
    far_init(&far, 10, &e);
    struct cjd_session_path p = end_path_to(&far.self, FAR_LABEL);
    end_query(&e, &p);
    assert_int_equal(far_open(&far, &e.sent[0], e.now_ns), CJD_CA_OK);
    assert_int_equal(cjd_sessions_reset(e.sessions, &far.self.addr), 0);
    end_forget(&e);
    far_send(&far, &e, FAR_LABEL, CJD_CONTENT_DHT, "r", 1);
    assert_int_equal(hellos_sent(&e), 1);
    assert_int_equal(far_open(&far, &e.sent[e.sent_count - 1], e.now_ns), CJD_CA_OK);
    /* Who sends such packets without end is not answered without end. */
    for (unsigned i = 0; i < 100; i++) {
        far_send(&far, &e, FAR_LABEL, CJD_CONTENT_DHT, "r", 1);
    }
    assert_true(hellos_sent(&e) < 30);
    far_fini(&far);
    end_fini(&e);
}

/* --- coming back into the room ---------------------------------------------------------------- */

static unsigned churn_next;

/* A router that, asked anything, first talks to others: each of them may need a place. */
static void churn(struct end *end)
{
    for (unsigned i = 0; i < 4; i++) {
        unsigned n = churn_next++ % 20;
        struct cjd_session_path p = end_path_to(end_keys(50 + n), 0x115 + 2 * n);
        end_query(end, &p);
    }
}

static void churn_want(struct end *end, const struct cjd_addr *addr)
{
    churn(end);
    for (unsigned i = 0; i < 4; i++) {
        const struct cjd_keypair *k = end_keys(40 + i);
        if (memcmp(&k->addr, addr, sizeof *addr) == 0) {
            struct cjd_session_path p = end_path_to(k, 0x213 + 2 * i);
            end_path(end, &p);
        }
    }
    churn(end);
}

static void churn_ping(struct end *end, const struct cjd_session_path *path)
{
    churn(end);
    end_query(end, path);
    churn(end);
}

static void churn_doubt(struct end *end, const struct cjd_addr *addr, uint64_t label)
{
    (void)addr;
    (void)label;
    churn(end);
}

static void churn_content(struct end *end, const struct cjd_session_source *from)
{
    (void)from;
    churn(end);
}

static void churn_hint(struct end *end, const struct cjd_session_path *path)
{
    (void)path;
    churn(end);
}

/* A table of `size` places, each call of the room evicting what it can. */
static void crowded(uint32_t size)
{
    struct end e;
    struct far far;
    end_init(&e, 50 + size, size);
    far_init(&far, 41, &e);
    e.on_want = churn_want;
    e.on_ping = churn_ping;
    e.on_doubt = churn_doubt;
    e.on_content = churn_content;
    e.on_hint = churn_hint;
    for (unsigned i = 0; i < 200; i++) {
        end_user(&e, &end_keys(40 + i % 4)->addr, 1, 10);
        end_run(&e, 60 * CJD_MS);
        assert_true(cjd_sessions_count(e.sessions) <= size);
        if (i % 10 == 0) {
            far_restart(&far, &e, 100 + i);
        }
        /* Comes as handshake or, where the end has answered, as data. */
        far_send(&far, &e, FAR_LABEL + 2 * i, i % 2 ? 17 : CJD_CONTENT_DHT, "q", 1);
        struct end_sent *last = &e.sent[(e.sent_count - 1) % END_SENT_MAX];
        if (i % 10 == 0 && last->word < 4) {
            (void)far_open(&far, last, e.now_ns);
        }
        assert_true(cjd_sessions_count(e.sessions) <= size);
    }
    end_run(&e, 200 * CJD_S);
    assert_int_equal(cjd_pool_in_use(e.pool), 0);
    far_fini(&far);
    end_fini(&e);
}

static void full_table_reentered(void **state)
{
    (void)state;
    for (uint32_t size = 1; size <= 8; size++) {
        crowded(size);
    }
}

/* All others carry user traffic, so the one that calls out is the first to go: not meanwhile. */
static void least_valuable_calls_out(void **state)
{
    (void)state;
    struct end e;
    struct far far[4];
    struct cjd_session_info info;
    end_init(&e, 60, 4);
    for (unsigned i = 0; i < 4; i++) {
        far_init(&far[i], 10 + i, &e);
        far_establish(&far[i], &e, FAR_LABEL + 0x200 * i);
        if (i < 3) {
            end_user(&e, &far[i].self.addr, 1, 10);
        }
    }
    e.on_hint = churn_hint;
    far_send(&far[3], &e, FAR_LABEL + 0x1000, 17, "x", 1);
    assert_int_equal(e.hints, 1);
    assert_int_equal(e.contents, 1);
    assert_true(end_session(&e, &far[3].self.addr, &info));
    assert_int_equal(info.label, FAR_LABEL + 0x1000);
    assert_int_equal(cjd_sessions_count(e.sessions), 4);
    for (unsigned i = 0; i < 4; i++) {
        far_fini(&far[i]);
    }
    end_fini(&e);
}

/* The far end knows nothing of the session any more and says nothing: only a hello reaches it. The
 * router's questions bring one soon, also without user traffic. */
static void unheard_questions_begin_anew(void **state)
{
    (void)state;
    struct end e;
    struct far far;
    end_init(&e, 77, 0);
    far_init(&far, 10, &e);
    far_establish(&far, &e, FAR_LABEL);
    far_restart(&far, &e, far.handle);
    end_forget(&e);
    struct cjd_session_path path = end_path_to(&far.self, FAR_LABEL);
    uint64_t start = e.now_ns;
    unsigned hellos = 0;
    for (unsigned i = 0; i < 20; i++) {
        end_query(&e, &path);
        end_run(&e, 250 * CJD_MS);
    }
    for (unsigned i = 0; i < e.sent_count; i++) {
        if (e.sent[i].word == 0) {
            hellos++;
            assert_true(e.sent[i].at_ns - start >= 2 * CJD_S);
            assert_true(e.sent[i].at_ns - start < 3 * CJD_S);
            assert_int_equal(far_open(&far, &e.sent[i], e.now_ns), CJD_CA_OK);
        }
    }
    assert_int_equal(hellos, 1);
    far_fini(&far);
    end_fini(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(choice),
        cmocka_unit_test(choice_when_full),
        cmocka_unit_test(all_dead),
        cmocka_unit_test(return_path),
        cmocka_unit_test(hints),
        cmocka_unit_test(one_way_traffic),
        cmocka_unit_test(silence),
        cmocka_unit_test(silence_counts_from_the_user),
        cmocka_unit_test(fall_over),
        cmocka_unit_test(restarts),
        cmocka_unit_test(restart_then_quiet),
        cmocka_unit_test(renewed_by_key),
        cmocka_unit_test(answer_is_the_proof),
        cmocka_unit_test(refused_pings_are_no_tries),
        cmocka_unit_test(unwanted_keys_end),
        cmocka_unit_test(stray_key_is_called_back),
        cmocka_unit_test(full_table_reentered),
        cmocka_unit_test(least_valuable_calls_out),
        cmocka_unit_test(unheard_questions_begin_anew),
    };
    return cmocka_run_group_tests_name("session_paths", tests, NULL, NULL);
}
