#include <sim/queue.h>

#include <base/time.h>
#include <sim/memory.h>

/* Four children a node: half the levels of a binary heap, and children share a cache line or two.
 */
#define CHILDREN 4u

static bool is_before(const struct sim_event *a, const struct sim_event *b)
{
    return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->order < b->order;
}

void sim_events_push(struct sim_events *q, const struct sim_event *event)
{
    struct sim_event e = *event;

    e.order = q->ever++;
    if (q->count == q->cap) {
        q->cap = q->cap ? 2 * q->cap : 1024;
        q->heap = sim_resize(q->heap, q->cap * sizeof *q->heap);
    }
    size_t i = q->count++;
    while (i > 0 && is_before(&e, &q->heap[(i - 1) / CHILDREN])) {
        q->heap[i] = q->heap[(i - 1) / CHILDREN];
        i = (i - 1) / CHILDREN;
    }
    q->heap[i] = e;
}

const struct sim_event *sim_events_first(const struct sim_events *q)
{
    return q->count > 0 ? &q->heap[0] : NULL;
}

bool sim_events_pop(struct sim_events *q, struct sim_event *out)
{
    if (q->count == 0) {
        return false;
    }
    *out = q->heap[0];
    struct sim_event last = q->heap[--q->count];
    size_t i = 0;
    for (;;) {
        size_t first = CHILDREN * i + 1;
        size_t least = first;
        for (size_t k = first + 1; k < first + CHILDREN && k < q->count; k++) {
            least = is_before(&q->heap[k], &q->heap[least]) ? k : least;
        }
        if (first >= q->count || !is_before(&q->heap[least], &last)) {
            break;
        }
        q->heap[i] = q->heap[least];
        i = least;
    }
    if (q->count > 0) {
        q->heap[i] = last;
    }
    return true;
}

void sim_events_fini(struct sim_events *q)
{
    sim_free_bytes(q->heap);
    *q = (struct sim_events){0};
}

/* --- wakes ------------------------------------------------------------------------------------ */

void sim_wakes_fini(struct sim_wakes *w)
{
    sim_free_bytes(w->at_ns);
    sim_free_bytes(w->heap);
    sim_free_bytes(w->place);
    *w = (struct sim_wakes){0};
}

void sim_wakes_add(struct sim_wakes *w)
{
    uint32_t n = w->count;

    if ((n & (n - 1)) == 0) {
        size_t cap = n ? 2 * (size_t)n : 1;
        w->at_ns = sim_resize(w->at_ns, cap * sizeof *w->at_ns);
        w->heap = sim_resize(w->heap, cap * sizeof *w->heap);
        w->place = sim_resize(w->place, cap * sizeof *w->place);
    }
    /* The latest time of all belongs at the end. */
    w->at_ns[n] = CJD_NEVER;
    w->heap[n] = n;
    w->place[n] = n;
    w->count++;
}

static bool wakes_before(const struct sim_wakes *w, uint32_t a, uint32_t b)
{
    return w->at_ns[a] != w->at_ns[b] ? w->at_ns[a] < w->at_ns[b] : a < b;
}

static void put(struct sim_wakes *w, uint32_t place, uint32_t node)
{
    w->heap[place] = node;
    w->place[node] = place;
}

void sim_wakes_set(struct sim_wakes *w, uint32_t node, uint64_t at_ns)
{
    uint32_t i = w->place[node];

    if (w->at_ns[node] == at_ns) {
        return;
    }
    w->at_ns[node] = at_ns;
    while (i > 0 && wakes_before(w, node, w->heap[(i - 1) / CHILDREN])) {
        put(w, i, w->heap[(i - 1) / CHILDREN]);
        i = (i - 1) / CHILDREN;
    }
    for (;;) {
        uint32_t first = CHILDREN * i + 1;
        uint32_t least = first;
        for (uint32_t k = first + 1; k < first + CHILDREN && k < w->count; k++) {
            least = wakes_before(w, w->heap[k], w->heap[least]) ? k : least;
        }
        if (first >= w->count || !wakes_before(w, w->heap[least], node)) {
            break;
        }
        put(w, i, w->heap[least]);
        i = least;
    }
    put(w, i, node);
}

uint64_t sim_wakes_first(const struct sim_wakes *w, uint32_t *node)
{
    if (w->count == 0) {
        return CJD_NEVER;
    }
    *node = w->heap[0];
    return w->at_ns[w->heap[0]];
}
