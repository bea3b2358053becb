/*
 * What stands between a node and the functions it calls: the linker (--wrap) leads calls from one
 * object file to another through here, so the code of the node is the daemon's, unchanged.
 *
 *   malloc calloc realloc free     memory of a node is counted
 *   cjd_pool_take cjd_pool_view    … but packets are not: the pool belongs to the simulator
 *   cjd_sessions_send_dht          router messages are seen in clear
 *   cjd_dht_message                … and it is known what those of misbehaving nodes answer
 *   frame_switch cjd_links_send    frames get a kind, and are known as own or forwarded
 *
 * These functions have no context to hang the running node on: that is why it is the one variable
 * of this library that is not in struct sim. There is one for each thread.
 */
#include <sim/private.h>

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <base/wire.h>
#include <switch/ctrl.h>

#define WORD_AT          CJD_SWITCH_HEADER_BYTES
#define HANDSHAKE_WORDS  4u
#define QUERY_MARK       "1:q2:"
#define TARGET_MARK      "3:tar16:"
#define MARK_BYTES(mark) (sizeof(mark) - 1)

static _Thread_local struct {
    struct host *host; /* whose code runs; NULL: none */
    bool is_counting;
} running;

struct host *hooks_enter(struct host *h)
{
    struct host *before = running.host;

    running.host = h;
    running.is_counting = h != NULL;
    return before;
}

void hooks_leave(struct host *before)
{
    running.host = before;
    running.is_counting = before != NULL;
}

bool hooks_is_inside(void)
{
    return running.host != NULL;
}

bool hooks_pause(void)
{
    bool was_counting = running.is_counting;

    running.is_counting = false;
    return was_counting;
}

void hooks_resume(bool was_counting)
{
    running.is_counting = was_counting;
}

/* --- memory ----------------------------------------------------------------------------------- */

void *__real_malloc(size_t bytes);
void *__real_calloc(size_t n, size_t bytes);
void *__real_realloc(void *p, size_t bytes);
void __real_free(void *p);
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t n, size_t bytes);
void *__wrap_realloc(void *p, size_t bytes);
void __wrap_free(void *p);

/*
 * What a node allocates has its size in front, so that the sums repeat from run to run (what malloc
 * really gives away depends on what was freed before). Nodes free only what they have allocated.
 */
union header {
    struct {
        uint64_t bytes;
        uint64_t mark;
    };
    max_align_t align;
};
#define HEADER_MARK 0x6e6f646520686561ull

/* What the system's allocator needs for it: a word in front, multiples of 16, at least 32. */
static uint64_t footprint(size_t bytes)
{
    uint64_t all = (bytes + sizeof(void *) + 15) & ~15ull;
    return all < 32 ? 32 : all;
}

static void *count(union header *h, size_t bytes)
{
    if (!h) {
        return NULL;
    }
    h->bytes = footprint(bytes);
    h->mark = HEADER_MARK;
    running.host->heap_bytes += h->bytes;
    return h + 1;
}

static union header *discount(void *p)
{
    union header *h = (union header *)p - 1;

    if (h->mark != HEADER_MARK) {
        sim_fatal("node %u frees what no node has allocated", running.host->number);
    }
    running.host->heap_bytes -= h->bytes;
    h->mark = 0;
    return h;
}

void *__wrap_malloc(size_t bytes)
{
    if (!running.is_counting || bytes > SIZE_MAX / 2) {
        return __real_malloc(bytes);
    }
    return count(__real_malloc(sizeof(union header) + bytes), bytes);
}

void *__wrap_calloc(size_t n, size_t bytes)
{
    size_t all;

    if (!running.is_counting || __builtin_mul_overflow(n, bytes, &all) || all > SIZE_MAX / 2) {
        return __real_calloc(n, bytes);
    }
    return count(__real_calloc(1, sizeof(union header) + all), all);
}

void *__wrap_realloc(void *p, size_t bytes)
{
    if (!running.is_counting || bytes > SIZE_MAX / 2) {
        return __real_realloc(p, bytes);
    }
    union header *h = p ? discount(p) : NULL;
    union header *moved = __real_realloc(h, sizeof(union header) + bytes);
    if (!moved && h) {
        (void)count(h, (size_t)h->bytes - sizeof(void *)); /* stays as it was */
    }
    return count(moved, bytes);
}

void __wrap_free(void *p)
{
    __real_free(running.is_counting && p ? discount(p) : p);
}

void *sim_alloc(size_t bytes)
{
    void *p = __real_calloc(1, bytes ? bytes : 1);

    if (!p) {
        sim_fatal("out of memory");
    }
    return p;
}

void *sim_resize(void *p, size_t bytes)
{
    void *q = __real_realloc(p, bytes ? bytes : 1);

    if (!q) {
        sim_fatal("out of memory");
    }
    return q;
}

void sim_free_bytes(void *p)
{
    __real_free(p);
}

void sim_fatal(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)fputs("simulator: ", stderr);
    (void)vfprintf(stderr, format, args);
    (void)fputc('\n', stderr);
    va_end(args);
    abort();
}

struct cjd_pkt *__real_cjd_pool_take(struct cjd_pool *pool, uint32_t size);
struct cjd_pkt *__wrap_cjd_pool_take(struct cjd_pool *pool, uint32_t size);
struct cjd_pkt *__real_cjd_pool_view(struct cjd_pool *pool, struct cjd_pkt *pkt, uint32_t off,
                                     uint32_t len);
struct cjd_pkt *__wrap_cjd_pool_view(struct cjd_pool *pool, struct cjd_pkt *pkt, uint32_t off,
                                     uint32_t len);

struct cjd_pkt *__wrap_cjd_pool_take(struct cjd_pool *pool, uint32_t size)
{
    bool was_counting = hooks_pause();
    struct cjd_pkt *pkt = __real_cjd_pool_take(pool, size);

    hooks_resume(was_counting);
    return pkt;
}

struct cjd_pkt *__wrap_cjd_pool_view(struct cjd_pool *pool, struct cjd_pkt *pkt, uint32_t off,
                                     uint32_t len)
{
    bool was_counting = hooks_pause();
    struct cjd_pkt *view = __real_cjd_pool_view(pool, pkt, off, len);

    hooks_resume(was_counting);
    return view;
}

/* --- router messages -------------------------------------------------------------------------- */

void __real_cjd_sessions_send_dht(struct cjd_sessions *s, const struct cjd_session_path *path,
                                  struct cjd_pkt *pkt, uint64_t now_ns);
void __wrap_cjd_sessions_send_dht(struct cjd_sessions *s, const struct cjd_session_path *path,
                                  struct cjd_pkt *pkt, uint64_t now_ns);
void __real_cjd_dht_message(struct cjd_dht *dht, const struct cjd_dht_contact *from,
                            const uint8_t *message, size_t len, uint64_t now_ns);
void __wrap_cjd_dht_message(struct cjd_dht *dht, const struct cjd_dht_contact *from,
                            const uint8_t *message, size_t len, uint64_t now_ns);

static enum sim_kind kind_of(const uint8_t *message, size_t len)
{
    const uint8_t *at = memmem(message, len, QUERY_MARK, MARK_BYTES(QUERY_MARK));

    if (!at || (size_t)(at - message) + MARK_BYTES(QUERY_MARK) >= len) {
        return SIM_KIND_REPLY;
    }
    switch (at[MARK_BYTES(QUERY_MARK)]) {
    case 'f':
        return SIM_KIND_FN;
    case 'g':
        return SIM_KIND_GP;
    default:
        return SIM_KIND_PN;
    }
}

static bool asks_for(const struct cjd_pkt *pkt, const struct cjd_addr *target)
{
    uint8_t want[MARK_BYTES(TARGET_MARK) + sizeof target->b];

    memcpy(want, TARGET_MARK, MARK_BYTES(TARGET_MARK));
    memcpy(want + MARK_BYTES(TARGET_MARK), target->b, sizeof target->b);
    return memmem(cjd_pkt_data(pkt), pkt->len, want, sizeof want) != NULL;
}

/* A search sends fn for its target, then gp to the target itself, until it knows a path. What comes
 * after that improves the path. */
static void note_request(struct host *h, const struct cjd_session_path *path,
                         const struct cjd_pkt *pkt)
{
    struct cjd_dht_path known;

    for (struct sim_watch *w = h->watches; w; w = w->next) {
        bool is_to = memcmp(&path->addr, &w->target, sizeof w->target) == 0;
        bool is_about = h->message == SIM_KIND_FN ? asks_for(pkt, &w->target)
                                                  : h->message == SIM_KIND_GP && is_to;
        w->requests += is_about && !cjd_dht_best(cjd_node_dht(h->node), &w->target, &known);
    }
}

void __wrap_cjd_sessions_send_dht(struct cjd_sessions *s, const struct cjd_session_path *path,
                                  struct cjd_pkt *pkt, uint64_t now_ns)
{
    struct host *h = running.host;

    if (!h || !h->node) {
        __real_cjd_sessions_send_dht(s, path, pkt, now_ns);
        return;
    }
    h->message = kind_of(cjd_pkt_data(pkt), pkt->len);
    h->has_message = true;
    note_request(h, path, pkt);
    if (evil_message(h, pkt)) {
        __real_cjd_sessions_send_dht(s, path, pkt, now_ns);
    } else {
        cjd_pool_give(h->sim->pool, pkt);
    }
    h->has_message = false;
}

static void read_question(struct sim_question *q, const uint8_t *message, size_t len)
{
    const uint8_t *at = memmem(message, len, TARGET_MARK, MARK_BYTES(TARGET_MARK));

    *q = (struct sim_question){.kind = kind_of(message, len)};
    if (at && (size_t)(message + len - at) >= MARK_BYTES(TARGET_MARK) + sizeof q->target.b) {
        memcpy(q->target.b, at + MARK_BYTES(TARGET_MARK), sizeof q->target.b);
        q->has_target = true;
    }
}

void __wrap_cjd_dht_message(struct cjd_dht *dht, const struct cjd_dht_contact *from,
                            const uint8_t *message, size_t len, uint64_t now_ns)
{
    struct host *h = running.host;
    struct sim_question question;

    if (!h || h->evil == SIM_HONEST) {
        __real_cjd_dht_message(dht, from, message, len, now_ns);
        return;
    }
    read_question(&question, message, len);
    h->asker = from;
    h->question = &question;
    __real_cjd_dht_message(dht, from, message, len, now_ns);
    h->asker = NULL;
    h->question = NULL;
}

/* --- frames ----------------------------------------------------------------------------------- */

/* Of the node room, whose private header this library does not need for anything else. */
void __real_frame_switch(struct cjd_node *node, uint32_t source, struct cjd_pkt *pkt,
                         uint64_t now_ns);
void __wrap_frame_switch(struct cjd_node *node, uint32_t source, struct cjd_pkt *pkt,
                         uint64_t now_ns);
void __real_cjd_links_send(struct cjd_links *links, uint32_t iface, struct cjd_pkt *pkt,
                           uint64_t now_ns);
void __wrap_cjd_links_send(struct cjd_links *links, uint32_t iface, struct cjd_pkt *pkt,
                           uint64_t now_ns);

void __wrap_frame_switch(struct cjd_node *node, uint32_t source, struct cjd_pkt *pkt,
                         uint64_t now_ns)
{
    struct host *h = running.host;

    if (!h) {
        __real_frame_switch(node, source, pkt, now_ns);
        return;
    }
    uint32_t before = h->frame_source;
    h->frame_source = source;
    __real_frame_switch(node, source, pkt, now_ns);
    h->frame_source = before;
}

static uint32_t tag_of(const struct host *h, const struct cjd_pkt *pkt)
{
    uint32_t word = pkt->len >= WORD_AT + 4 ? cjd_load32(cjd_pkt_data(pkt) + WORD_AT) : 0;
    bool answers_link = (pkt->hash & TAG_KNOWN) && (pkt->hash & TAG_KIND) == SIM_KIND_LINK;

    if (word == CJD_CTRL_HANDLE) {
        /* A neighbour's keep-alive is answered in its own packet. */
        return TAG_KNOWN | (answers_link ? SIM_KIND_LINK : SIM_KIND_CONTROL);
    }
    if (word < HANDSHAKE_WORDS) {
        return TAG_KNOWN | SIM_KIND_HANDSHAKE;
    }
    return TAG_KNOWN | (h->has_message ? h->message : SIM_KIND_USER);
}

void __wrap_cjd_links_send(struct cjd_links *links, uint32_t iface, struct cjd_pkt *pkt,
                           uint64_t now_ns)
{
    struct host *h = running.host;

    if (h && h->frame_source == CJD_SWITCH_SELF) {
        pkt->hash = tag_of(h, pkt);
    } else if (h && h->evil == SIM_DROP) {
        cjd_pool_give(h->sim->pool, pkt);
        return;
    } else if (h) {
        pkt->hash |= TAG_TRANSIT;
    }
    __real_cjd_links_send(links, iface, pkt, now_ns);
}
