/* Sources: who may be sent what it did not ask for just now (§6), and how much each may keep
 * waiting. */
#include "admin.h"

#include <string.h>

bool admin_source_equal(const struct admin_source *a, const struct admin_source *b)
{
    return a->connection == b->connection && a->len == b->len &&
           (a->connection != 0 || memcmp(&a->addr, &b->addr, a->len) == 0);
}

struct admin_client *admin_client_find(struct admin *a, const struct admin_source *source)
{
    for (unsigned i = 0; i < ADMIN_CLIENTS; i++) {
        struct admin_client *c = &a->clients[i];
        if (c->is_used && admin_source_equal(&c->source, source)) {
            return c;
        }
    }
    return NULL;
}

/* Free, or silent for longest with nothing under way; those with the password go last. */
static struct admin_client *make_room(struct admin *a)
{
    struct admin_client *best = NULL;

    for (unsigned i = 0; i < ADMIN_CLIENTS; i++) {
        struct admin_client *c = &a->clients[i];
        if (!c->is_used) {
            return c;
        }
        if (c->pending > 0) {
            continue;
        }
        bool is_less = best && (c->has_authed != best->has_authed ? best->has_authed
                                                                  : c->seen_ns < best->seen_ns);
        best = !best || is_less ? c : best;
    }
    return best;
}

struct admin_client *admin_client_of(struct admin *a, const struct admin_source *source)
{
    struct admin_client *c = admin_client_find(a, source);

    if (!c) {
        c = make_room(a);
        if (!c) {
            return NULL;
        }
        *c = (struct admin_client){.source = *source, .is_used = true};
    }
    c->seen_ns = admin_now_ns(a);
    return c;
}

bool admin_client_is_active(const struct admin *a, const struct admin_client *c)
{
    return c && (c->has_authed || a->config.is_open) &&
           admin_now_ns(a) - c->seen_ns <= ADMIN_ACTIVE_S * 1000000000ull;
}
