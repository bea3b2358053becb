/*
 * The session room under random operations: good, corrupted, replayed and truncated packets of a
 * dozen nodes that restart now and then, users, a router that reports and forgets, calls that come
 * back into the room, time that stands and leaps. Nothing leaks, all counts agree, no bound is
 * passed. CJD_SESSION_SEED repeats one run, CJD_SESSION_OPS sets its length.
 */
#include "end.h"

#include <base/wire.h>
#include <session/private.h>

#define FARS 12u
#define KEPT 64u
#define OPS  100000u

struct kept {
    uint32_t len;
    uint8_t bytes[512];
};

struct run {
    struct end end;
    struct far far[FARS];
    struct kept kept[KEPT];
    unsigned seen; /* frames of the end that were looked at */
    unsigned depth;
    struct test_rng rng_state;
    struct cjd_rng rng;
};

static uint32_t dice(struct run *r, uint32_t bound)
{
    return cjd_rng_below(&r->rng, bound);
}

static struct cjd_session_path any_path(struct run *r)
{
    struct cjd_session_path p =
        end_path_to(&r->far[dice(r, FARS)].self, 0x115 + 2 * (uint64_t)dice(r, 6));

    p.cost_us = dice(r, 1000000);
    p.is_best = dice(r, 2) == 0;
    p.version = dice(r, 4) == 0 ? 0 : END_VERSION;
    return p;
}

/* --- what the router does meanwhile ----------------------------------------------------------- */

static void router_moves(struct end *end)
{
    struct run *r = end->arg;

    if (r->depth > 3) {
        return;
    }
    r->depth++;
    for (unsigned n = dice(r, 4); n > 0; n--) {
        struct cjd_session_path p = any_path(r);
        if (dice(r, 2)) {
            end_query(end, &p);
        } else {
            end_path(end, &p);
        }
    }
    r->depth--;
}

static void on_want(struct end *end, const struct cjd_addr *addr)
{
    (void)addr;
    router_moves(end);
}

static void on_ping(struct end *end, const struct cjd_session_path *path)
{
    router_moves(end);
    end_query(end, path);
}

static void on_doubt(struct end *end, const struct cjd_addr *addr, uint64_t label)
{
    (void)addr;
    (void)label;
    router_moves(end);
}

static void on_hint(struct end *end, const struct cjd_session_path *path)
{
    (void)path;
    router_moves(end);
}

static void on_content(struct end *end, const struct cjd_session_source *from)
{
    struct run *r = end->arg;

    router_moves(end);
    if (from->type == CJD_CONTENT_DHT && dice(r, 4) != 0) {
        struct cjd_session_path back = {
            .addr = from->addr, .key = from->key, .version = END_VERSION, .label = from->label};
        end_query(end, &back);
    }
}

/* --- operations ------------------------------------------------------------------------------- */

static void far_packet(struct run *r, struct far *far)
{
    static const uint32_t types[] = {CJD_CONTENT_DHT, CJD_CONTENT_DHT, 17, 58, 257, 9999};
    struct kept *k = &r->kept[dice(r, KEPT)];

    cjd_ca_expire(&far->ca, r->end.now_ns); /* decides what kind of packet comes next */
    far_make(far, &r->end, types[dice(r, 6)], "qcontent", 1 + dice(r, 8));
    k->len = far->len;
    memcpy(k->bytes, far->bytes, far->len);
    end_rx(&r->end, 0x215 + 2 * (uint64_t)dice(r, 5), false, far->bytes, far->len);
}

static void mangled_packet(struct run *r)
{
    struct kept k = r->kept[dice(r, KEPT)];

    switch (dice(r, 4)) {
    case 0: /* replayed */
        break;
    case 1:
        if (k.len > 0) {
            k.bytes[dice(r, k.len)] ^= (uint8_t)(1u << dice(r, 8));
        }
        break;
    case 2:
        k.len = dice(r, k.len + 1);
        break;
    default:
        k.len = dice(r, 300);
        cjd_rng_fill(&r->rng, k.bytes, k.len);
        if (dice(r, 2)) {
            memset(k.bytes, 0, 3);
        }
        break;
    }
    end_rx(&r->end, 0x215 + 2 * (uint64_t)dice(r, 5), dice(r, 2) == 0, k.bytes, k.len);
}

/* The far ends open what was sent to them, most of it. */
static void deliver(struct run *r)
{
    for (; r->seen < r->end.sent_count; r->seen++) {
        const struct end_sent *s = &r->end.sent[r->seen % END_SENT_MAX];
        for (unsigned i = 0; i < FARS && s->word != CJD_CTRL_HANDLE && dice(r, 8) != 0; i++) {
            struct far *far = &r->far[i];
            if (s->word >= 4 && s->word != far->handle) {
                continue;
            }
            uint32_t before = far->tx_handle;
            if (far_open(far, s, r->end.now_ns) != CJD_CA_OK) {
                far->tx_handle = before;
            } else if (s->word >= 4) {
                assert_true(far->len >= 4);
            } else {
                /* User data never travels in a handshake packet (session notes §3.2). */
                assert_int_equal(cjd_load16(far->bytes + 2), CJD_CONTENT_DHT);
            }
        }
    }
}

static void leap(struct run *r)
{
    static const uint64_t steps[] = {CJD_MS,    50 * CJD_MS, 400 * CJD_MS, CJD_S,
                                     3 * CJD_S, 11 * CJD_S,  130 * CJD_S};
    uint32_t n = dice(r, 100);

    n = n < 60 ? 0 : n < 80 ? 1 : n < 90 ? 2 : n < 95 ? 3 : n < 98 ? 4 : n < 99 ? 5 : 6;
    if (dice(r, 50) == 0) {
        r->end.now_ns += steps[n]; /* the process stood still */
    } else {
        end_run(&r->end, steps[n]);
    }
}

static void router_reports(struct run *r)
{
    struct cjd_session_path p = any_path(r);

    switch (dice(r, 4)) {
    case 0:
        end_path_dead(&r->end, &p.addr, p.label);
        break;
    case 1:
        cjd_sessions_no_path(r->end.sessions, &p.addr, r->end.now_ns);
        break;
    case 2:
        end_query(&r->end, &p);
        break;
    default:
        end_path(&r->end, &p);
        break;
    }
}

static void step(struct run *r)
{
    struct far *far = &r->far[dice(r, FARS)];
    struct cjd_addr nobody = {{0xfc, [15] = (uint8_t)dice(r, 100)}};

    switch (dice(r, 12)) {
    case 0:
    case 1:
    case 2:
        far_packet(r, far);
        break;
    case 3:
        mangled_packet(r);
        break;
    case 4:
    case 5:
        end_user_type(&r->end, &far->self.addr, dice(r, 300), dice(r, 1900), dice(r, 8) == 0);
        break;
    case 6:
        end_user(&r->end, &nobody, 1, 10);
        break;
    case 7:
    case 8:
        router_reports(r);
        break;
    case 9:
        leap(r);
        break;
    case 10:
        if (dice(r, 20) == 0) {
            far_restart(far, &r->end, 1000 + dice(r, 1000000));
        }
        break;
    default:
        cjd_sessions_key_learned(r->end.sessions, &far->self.key, 18 + dice(r, 5),
                                 0x215 + 2 * (uint64_t)dice(r, 5), r->end.now_ns);
        break;
    }
    deliver(r);
}

/* --- invariants ------------------------------------------------------------------------------- */

static void check_session(const struct session *e, const struct cjd_sessions *s)
{
    assert_ptr_equal(e->owner, s);
    assert_int_equal(e->pins, 0);
    assert_false(e->is_replying);
    assert_true(e->path_count <= PATHS && e->best < PATHS && e->waiting_count <= MAX_WAITING);
    assert_true(e->path_count == 0 || e->best < e->path_count);
    for (unsigned i = 0; i < e->path_count; i++) {
        assert_true(e->path[i].label != 0);
        for (unsigned k = 0; k < i; k++) {
            assert_true(e->path[i].label != e->path[k].label);
        }
    }
    assert_true(e->timer.is_armed);
    assert_ptr_equal(session_find((struct cjd_sessions *)(uintptr_t)s, &e->addr), e);
    if (e->has_key) {
        assert_memory_equal(&e->ca.peer_addr, &e->addr, sizeof e->addr);
        assert_ptr_equal(session_by_handle((struct cjd_sessions *)(uintptr_t)s, e->rx_handle), e);
    }
    assert_true(e->newer ? e->newer->older == e : s->newest == e);
    assert_true(e->older ? e->older->newer == e : s->oldest == e);
}

static void check(const struct run *r)
{
    const struct cjd_sessions *s = r->end.sessions;
    uint32_t count = 0;
    uint32_t keyless = 0;
    uint32_t waiting = 0;

    for (const struct session *e = s->oldest; e; e = e->newer) {
        check_session(e, s);
        count++;
        keyless += !e->has_key;
        waiting += e->waiting_count;
    }
    assert_int_equal(count, cjd_sessions_count(s));
    assert_int_equal(count, s->by_addr.count);
    assert_int_equal(count - keyless, s->by_handle.count);
    assert_int_equal(keyless, s->keyless);
    assert_int_equal(waiting, s->waiting);
    assert_int_equal(waiting, cjd_pool_in_use(r->end.pool));
    assert_true(count <= s->config.max_sessions);
    assert_true(keyless <= MAX_KEYLESS);
    assert_true(waiting <= MAX_WAITING_ALL);
}

/* --- runs ------------------------------------------------------------------------------------- */

static void run(uint64_t seed, uint32_t max_sessions, unsigned ops)
{
    struct run *r = calloc(1, sizeof *r);

    assert_non_null(r);
    print_message("seed %llu, %u sessions at most\n", (unsigned long long)seed, max_sessions);
    r->rng = test_rng_init(&r->rng_state, seed);
    end_init(&r->end, seed, max_sessions);
    r->end.arg = r;
    r->end.on_want = on_want;
    r->end.on_ping = on_ping;
    r->end.on_doubt = on_doubt;
    r->end.on_hint = on_hint;
    r->end.on_content = on_content;
    for (unsigned i = 0; i < FARS; i++) {
        far_init(&r->far[i], 10 + i, &r->end);
    }
    for (unsigned i = 0; i < ops; i++) {
        step(r);
        check(r);
    }
    /* It is not all noise, where the table is large enough for sessions to live. */
    assert_true((max_sessions != 0 && max_sessions < 20) || r->end.contents > ops / 100);
    end_run(&r->end, 400 * CJD_S);
    assert_int_equal(cjd_pool_in_use(r->end.pool), 0);
    for (unsigned i = 0; i < FARS; i++) {
        far_fini(&r->far[i]);
    }
    end_fini(&r->end);
    free(r);
}

static unsigned ops_wanted(void)
{
    const char *text = getenv("CJD_SESSION_OPS");
    return text ? (unsigned)strtoul(text, NULL, 10) : OPS;
}

static void random_operations(void **state)
{
    (void)state;
    static const uint32_t sizes[] = {0, 100, 20, 8, 3, 2, 1};
    const char *seed = getenv("CJD_SESSION_SEED");

    for (unsigned i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        run(seed ? strtoull(seed, NULL, 10) : i + 1, sizes[i],
            ops_wanted() / (unsigned)(sizeof sizes / sizeof sizes[0]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_operations),
    };
    return cmocka_run_group_tests_name("session_random", tests, NULL, NULL);
}
