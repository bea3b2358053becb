#include <base/timer.h>

#include <stddef.h>

static bool is_before(const struct cjd_timer *a, const struct cjd_timer *b)
{
    return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->order < b->order;
}

/* Joins two heaps whose roots have no siblings. */
static struct cjd_timer *meld(struct cjd_timer *a, struct cjd_timer *b)
{
    if (!a || !b) {
        return a ? a : b;
    }
    if (is_before(b, a)) {
        struct cjd_timer *t = a;
        a = b;
        b = t;
    }
    b->next = a->child;
    if (b->next) {
        b->next->prev = b;
    }
    b->prev = a;
    a->child = b;
    return a;
}

/* The pairing step: melds siblings two by two, then all of them from the last to the first. */
static struct cjd_timer *merge_siblings(struct cjd_timer *first)
{
    struct cjd_timer *pairs = NULL;
    struct cjd_timer *root = NULL;

    while (first) {
        struct cjd_timer *a = first;
        struct cjd_timer *b = a->next;
        first = b ? b->next : NULL;
        a->next = a->prev = NULL;
        if (b) {
            b->next = b->prev = NULL;
        }
        a = meld(a, b);
        a->next = pairs;
        pairs = a;
    }
    while (pairs) {
        struct cjd_timer *next = pairs->next;
        pairs->next = NULL;
        root = meld(root, pairs);
        pairs = next;
    }
    return root;
}

void cjd_timer_init(struct cjd_timer *t, cjd_timer_fn fn, void *arg)
{
    *t = (struct cjd_timer){.fn = fn, .arg = arg};
}

void cjd_timer_arm(struct cjd_timers *q, struct cjd_timer *t, uint64_t at_ns)
{
    cjd_timer_cancel(q, t);
    t->at_ns = at_ns;
    t->order = q->armed_count++;
    t->is_armed = true;
    q->root = meld(q->root, t);
}

void cjd_timer_cancel(struct cjd_timers *q, struct cjd_timer *t)
{
    if (!t->is_armed) {
        return;
    }
    struct cjd_timer *rest = merge_siblings(t->child);
    if (t == q->root) {
        q->root = rest;
    } else {
        if (t->prev->child == t) {
            t->prev->child = t->next;
        } else {
            t->prev->next = t->next;
        }
        if (t->next) {
            t->next->prev = t->prev;
        }
        q->root = meld(q->root, rest);
    }
    t->child = t->next = t->prev = NULL;
    t->is_armed = false;
}

uint64_t cjd_timers_next(const struct cjd_timers *q)
{
    return q->root ? q->root->at_ns : CJD_NEVER;
}

unsigned cjd_timers_run(struct cjd_timers *q, uint64_t now_ns, unsigned limit)
{
    unsigned ran = 0;

    while (ran < limit && q->root && q->root->at_ns <= now_ns) {
        struct cjd_timer *t = q->root;
        cjd_timer_cancel(q, t);
        t->fn(t->arg, now_ns);
        ran++;
    }
    return ran;
}
