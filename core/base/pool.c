#include <base/pool.h>

#include <assert.h>
#include <string.h>

/* A packet and what the host keeps with it. A view has no buffer of its own: `owner` has it. */
struct slot {
    struct cjd_pkt pkt; /* first: plugins see only this */
    struct slot *next;  /* free list */
    struct slot *owner; /* of a view */
    uint32_t refs;      /* packets that use this buffer */
    uint32_t class;
};

enum { CLASS_SMALL, CLASS_LARGE, CLASS_VIEW, CLASSES };

#define SLOT_OF(pkt) ((struct slot *)(void *)(pkt))

struct pool_class {
    struct slot *free;
    uint32_t made;
    uint32_t max;
    uint32_t bytes;
};

struct cjd_pool {
    struct pool_class class[CLASSES];
    uint32_t in_use;
};

struct cjd_pool *cjd_pool_new(uint32_t max_small, uint32_t max_large)
{
    struct cjd_pool *pool = calloc(1, sizeof *pool);

    if (pool) {
        pool->class[CLASS_SMALL] = (struct pool_class){.max = max_small, .bytes = CJD_PKT_SMALL};
        pool->class[CLASS_LARGE] = (struct pool_class){.max = max_large, .bytes = CJD_PKT_LARGE};
        pool->class[CLASS_VIEW] = (struct pool_class){.max = max_small + 64 * max_large};
    }
    return pool;
}

void cjd_pool_free(struct cjd_pool *pool)
{
    if (!pool) {
        return;
    }
    assert(pool->in_use == 0);
    for (unsigned c = 0; c < CLASSES; c++) {
        for (struct slot *s = pool->class[c].free, *next; s; s = next) {
            next = s->next;
            free(s);
        }
    }
    free(pool);
}

static struct slot *take_slot(struct cjd_pool *pool, uint32_t c)
{
    struct pool_class *class = &pool->class[c];
    struct slot *s = class->free;

    if (s) {
        class->free = s->next;
    } else {
        if (class->made >= class->max) {
            return NULL;
        }
        s = malloc(sizeof *s + class->bytes);
        if (!s) {
            return NULL;
        }
        class->made++;
    }
    memset(s, 0, sizeof *s);
    s->class = c;
    s->refs = 1;
    return s;
}

struct cjd_pkt *cjd_pool_take(struct cjd_pool *pool, uint32_t size)
{
    uint32_t c = size <= CJD_PKT_SMALL - CJD_PKT_HEADROOM ? CLASS_SMALL : CLASS_LARGE;
    struct slot *s = size <= CJD_PKT_LARGE - CJD_PKT_HEADROOM ? take_slot(pool, c) : NULL;

    if (!s) {
        return NULL;
    }
    s->pkt.buf = (uint8_t *)(s + 1);
    s->pkt.cap = pool->class[c].bytes;
    s->pkt.off = CJD_PKT_HEADROOM;
    pool->in_use++;
    return &s->pkt;
}

static void drop_ref(struct cjd_pool *pool, struct slot *s)
{
    if (--s->refs == 0) {
        s->next = pool->class[s->class].free;
        pool->class[s->class].free = s;
    }
}

void cjd_pool_give(struct cjd_pool *pool, struct cjd_pkt *pkt)
{
    if (!pkt) {
        return;
    }
    struct slot *s = SLOT_OF(pkt);
    if (s->owner) {
        drop_ref(pool, s->owner);
    }
    drop_ref(pool, s);
    pool->in_use--;
}

void cjd_pool_give_vec(struct cjd_pool *pool, struct cjd_vec *vec)
{
    for (unsigned i = 0; i < vec->n; i++) {
        cjd_pool_give(pool, vec->v[i]);
    }
    vec->n = 0;
}

struct cjd_pkt *cjd_pool_view(struct cjd_pool *pool, struct cjd_pkt *pkt, uint32_t off,
                              uint32_t len)
{
    struct slot *s = SLOT_OF(pkt);
    struct slot *owner = s->owner ? s->owner : s;

    if (off > pkt->cap || len > pkt->cap - off) {
        return NULL;
    }
    struct slot *view = take_slot(pool, CLASS_VIEW);
    if (!view) {
        return NULL;
    }
    pool->in_use++;
    owner->refs++;
    view->owner = owner;
    view->pkt = *pkt;
    view->pkt.flags |= CJD_PKT_VIEW;
    /* The view's room begins at its first byte: what lies before belongs to its neighbour. */
    view->pkt.buf = pkt->buf + off;
    view->pkt.off = 0;
    view->pkt.len = len;
    view->pkt.cap = len;
    view->pkt.gso_size = 0;
    view->pkt.gso_type = CJD_GSO_NONE;
    return &view->pkt;
}

uint32_t cjd_pool_in_use(const struct cjd_pool *pool)
{
    return pool->in_use;
}
