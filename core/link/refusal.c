#include <link/private.h>

#include <cjd/text.h>
#include <string.h>

static bool is_same(const struct cjd_refusal *a, const struct cjd_refusal *b)
{
    return a->link == b->link && a->addr.len == b->addr.len &&
           memcmp(a->addr.b, b->addr.b, a->addr.len) == 0 &&
           memcmp(&a->key, &b->key, sizeof a->key) == 0;
}

/* The entry of the same stranger, a free one, or the oldest. */
static struct cjd_refusal *entry_for(struct cjd_links *l, const struct cjd_refusal *what)
{
    struct cjd_refusal *oldest = &l->refusal[0];

    for (uint32_t i = 0; i < l->refusals; i++) {
        if (is_same(&l->refusal[i], what)) {
            return &l->refusal[i];
        }
        if (l->refusal[i].last_ns < oldest->last_ns) {
            oldest = &l->refusal[i];
        }
    }
    if (l->refusals < CJD_REFUSALS_MAX) {
        oldest = &l->refusal[l->refusals++];
    }
    oldest->count = 0;
    return oldest;
}

void refusal_note(struct cjd_links *l, const struct cjd_refusal *what, uint64_t now_ns)
{
    struct cjd_refusal *r = entry_for(l, what);
    uint32_t count = r->count + 1;
    bool is_new = count == 1 || r->result != what->result || r->err != what->err;
    char key[CJD_KEY_TEXT_SIZE];
    char place[PLACE_BYTES];

    *r = *what;
    r->count = count;
    r->last_ns = now_ns;
    if (is_new) {
        cjd_key_to_text(key, &r->key);
        place_text(l, r->link, &r->addr, place);
        cjd_log_limited(&l->config.log, &l->refusal_limit, now_ns, CJD_LOG_WARN,
                        "refused a neighbour key=%s%s reason=\"%s\"", key, place,
                        cjd_refusal_text(r));
    }
}

void refusal_forget(struct cjd_links *l, uint32_t link)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < l->refusals; i++) {
        if (l->refusal[i].link != link) {
            l->refusal[kept++] = l->refusal[i];
        }
    }
    l->refusals = kept;
}

bool cjd_links_refusal_at(const struct cjd_links *l, uint32_t index, struct cjd_refusal *out)
{
    if (index >= l->refusals) {
        return false;
    }
    *out = l->refusal[index];
    return true;
}
