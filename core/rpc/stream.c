/*
 * Events and log lines: a ring each. Number n of a stream lies at n modulo the ring's length until
 * n + length overwrites it; a subscription is the number it has seen last.
 */
#include <rpc/private.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Events are put together as long as somebody may come back for them. */
#define FOLLOWED_AFTER (600 * CJD_S)
#define LINE_MAX_BYTES 2048u

int cjd_rpc_streams_new(struct cjd_rpc *rpc)
{
    rpc->events = calloc(CJD_RPC_EVENTS_KEPT, sizeof *rpc->events);
    rpc->lines = calloc(CJD_RPC_LINES_KEPT, sizeof *rpc->lines);
    if (!rpc->events || !rpc->lines || pthread_mutex_init(&rpc->lock, NULL) != 0) {
        free(rpc->events);
        free(rpc->lines);
        return CJD_ERR_NO_MEMORY;
    }
    return 0;
}

void cjd_rpc_streams_free(struct cjd_rpc *rpc)
{
    for (uint32_t i = 0; i < CJD_RPC_SUBSCRIPTIONS_MAX; i++) {
        cjd_rpc_unsubscribe(rpc->subs[i]);
    }
    for (uint32_t i = 0; i < CJD_RPC_EVENTS_KEPT; i++) {
        free(rpc->events[i].type);
        free(rpc->events[i].data);
    }
    for (uint32_t i = 0; i < CJD_RPC_LINES_KEPT; i++) {
        free(rpc->lines[i].text);
    }
    free(rpc->events);
    free(rpc->lines);
    pthread_mutex_destroy(&rpc->lock);
}

/* --- writing ------------------------------------------------------------------------------------
 */

static bool has_type(const struct cjd_rpc *rpc, const char *name, json_t *data)
{
    for (uint32_t i = 0; i < rpc->type_count; i++) {
        if (strcmp(rpc->types[i]->name, name) == 0) {
#ifdef CJD_DEBUG
            return cjd_rpc_fits(rpc, name, rpc->types[i]->data, data);
#else
            (void)data;
            return true;
#endif
        }
    }
    return false;
}

void cjd_rpc_emit(struct cjd_rpc *rpc, const char *type, json_t *data)
{
    struct kept_event *e = &rpc->events[(rpc->event_seq + 1) % CJD_RPC_EVENTS_KEPT];
    char *text = data ? json_dumps(data, JSON_COMPACT) : NULL;
    char *name = strdup(type);

    bool is_good = text && name && has_type(rpc, type, data);
    json_decref(data);
    if (!is_good) {
        cjd_log(&rpc->config.log, CJD_LOG_WARN, "event %s lost: %s", type,
                text && name ? "it is not as registered" : "out of memory");
        free(text);
        free(name);
        return;
    }
    free(e->type);
    free(e->data);
    *e = (struct kept_event){
        .wall_ms = rpc->config.wall_ms(rpc->config.ctx), .type = name, .data = text};
    rpc->event_seq++;
    rpc->stats.events++;
    if (rpc->event_followers > 0) {
        cjd_rpc_poke(rpc);
    }
}

void cjd_rpc_on_follower(struct cjd_rpc *rpc, void (*fn)(void *arg), void *arg)
{
    rpc->on_follower = fn;
    rpc->on_follower_arg = arg;
}

bool cjd_rpc_is_followed(const struct cjd_rpc *rpc)
{
    return rpc->event_followers > 0 ||
           (rpc->followed_ns > 0 &&
            rpc->config.now_ns(rpc->config.ctx) - rpc->followed_ns < FOLLOWED_AFTER);
}

void cjd_rpc_log_line(struct cjd_rpc *rpc, const char *module, enum cjd_log_level level,
                      const char *text)
{
    char *copy = strndup(text, LINE_MAX_BYTES);

    if (!copy) {
        return;
    }
    pthread_mutex_lock(&rpc->lock);
    struct kept_line *l = &rpc->lines[(rpc->line_seq + 1) % CJD_RPC_LINES_KEPT];
    char *old = l->text;
    l->wall_ms = rpc->config.wall_ms(rpc->config.ctx);
    l->level = level;
    snprintf(l->module, sizeof l->module, "%s", module);
    l->text = copy;
    rpc->line_seq++;
    rpc->stats.lines++;
    pthread_mutex_unlock(&rpc->lock);
    free(old);
    if (atomic_load(&rpc->log_followers) > 0) {
        cjd_rpc_poke(rpc);
    }
}

/* --- subscriptions ------------------------------------------------------------------------------
 */

static uint64_t last_of(struct cjd_rpc *rpc, uint32_t stream)
{
    uint64_t seq = rpc->event_seq;

    if (stream == CJD_RPC_LOG) {
        pthread_mutex_lock(&rpc->lock);
        seq = rpc->line_seq;
        pthread_mutex_unlock(&rpc->lock);
    }
    return seq;
}

/* Tells the log which lines must be made although the configuration leaves them out. */
static void tell_level(struct cjd_rpc *rpc)
{
    int level = -1;

    for (uint32_t i = 0; i < CJD_RPC_SUBSCRIPTIONS_MAX; i++) {
        const struct cjd_rpc_subscription *s = rpc->subs[i];
        if (s && s->stream == CJD_RPC_LOG && (int)s->level > level) {
            level = (int)s->level;
        }
    }
    if (rpc->config.follow) {
        rpc->config.follow(rpc->config.ctx, level);
    }
}

static void count_follower(struct cjd_rpc *rpc, uint32_t stream, bool is_more)
{
    if (stream == CJD_RPC_LOG) {
        atomic_fetch_add(&rpc->log_followers, is_more ? 1u : UINT32_MAX);
        tell_level(rpc);
        return;
    }
    rpc->event_followers += is_more ? 1u : UINT32_MAX;
    if (is_more && rpc->event_followers == 1 && rpc->on_follower) {
        rpc->on_follower(rpc->on_follower_arg);
    }
    rpc->followed_ns = rpc->config.now_ns(rpc->config.ctx);
}

static uint64_t begin_at(struct cjd_rpc *rpc, const struct cjd_rpc_subscribe *wish)
{
    uint64_t last = last_of(rpc, wish->stream);
    uint64_t kept = wish->stream == CJD_RPC_LOG ? CJD_RPC_LINES_KEPT : CJD_RPC_EVENTS_KEPT;

    if (wish->tail > 0) {
        uint64_t n = wish->tail < kept ? wish->tail : kept;
        return last > n ? last - n : 0;
    }
    return wish->after < last ? wish->after : last;
}

static int place(struct cjd_rpc *rpc, struct cjd_rpc_subscription *sub)
{
    for (uint32_t i = 0; i < CJD_RPC_SUBSCRIPTIONS_MAX; i++) {
        if (!rpc->subs[i]) {
            rpc->subs[i] = sub;
            rpc->stats.subscriptions++;
            return 0;
        }
    }
    return CJD_ERR_FULL;
}

int cjd_rpc_subscribe(struct cjd_rpc *rpc, const void *owner, const struct cjd_rpc_subscribe *wish,
                      struct cjd_rpc_subscription **out)
{
    struct cjd_rpc_subscription *sub = calloc(1, sizeof *sub);

    *out = NULL;
    if (!sub || wish->stream > CJD_RPC_LOG) {
        free(sub);
        return sub ? CJD_ERR_INVALID : CJD_ERR_NO_MEMORY;
    }
    sub->rpc = rpc;
    sub->owner = owner;
    sub->stream = wish->stream;
    sub->level = wish->level < CJD_LOG_TRACE ? (enum cjd_log_level)wish->level : CJD_LOG_TRACE;
    sub->ready = wish->ready;
    sub->arg = wish->arg;
    sub->at = begin_at(rpc, wish);
    sub->types = wish->types ? strdup(wish->types) : NULL;
    int err = wish->types && !sub->types ? CJD_ERR_NO_MEMORY : place(rpc, sub);
    if (err < 0) {
        free(sub->types);
        free(sub);
        return err;
    }
    count_follower(rpc, sub->stream, true);
    if (sub->at < last_of(rpc, sub->stream)) {
        cjd_rpc_poke(rpc);
    }
    *out = sub;
    return 0;
}

void cjd_rpc_unsubscribe(struct cjd_rpc_subscription *sub)
{
    if (!sub) {
        return;
    }
    struct cjd_rpc *rpc = sub->rpc;
    for (uint32_t i = 0; i < CJD_RPC_SUBSCRIPTIONS_MAX; i++) {
        if (rpc->subs[i] == sub) {
            rpc->subs[i] = NULL;
            rpc->stats.subscriptions--;
            count_follower(rpc, sub->stream, false);
        }
    }
    json_decref(sub->data);
    free(sub->types);
    free(sub);
}

void cjd_rpc_streams_hang_up(struct cjd_rpc *rpc, const void *owner)
{
    for (uint32_t i = 0; i < CJD_RPC_SUBSCRIPTIONS_MAX; i++) {
        if (rpc->subs[i] && rpc->subs[i]->owner == owner) {
            cjd_rpc_unsubscribe(rpc->subs[i]);
        }
    }
}

void cjd_rpc_streams_run(struct cjd_rpc *rpc)
{
    for (uint32_t i = 0; i < CJD_RPC_SUBSCRIPTIONS_MAX; i++) {
        struct cjd_rpc_subscription *s = rpc->subs[i];
        if (s && s->ready && s->at < last_of(rpc, s->stream)) {
            s->ready(s->arg);
        }
    }
}

/* --- reading ------------------------------------------------------------------------------------
 */

static bool matches_one(const char *pattern, size_t len, const char *text)
{
    if (len > 0 && pattern[len - 1] == '*') {
        return strncmp(text, pattern, len - 1) == 0;
    }
    return strlen(text) == len && memcmp(text, pattern, len) == 0;
}

/* patterns: "peer.*,session.closed"; NULL: everything. */
static bool matches(const char *patterns, const char *text)
{
    if (!patterns) {
        return true;
    }
    for (const char *at = patterns; *at != '\0';) {
        size_t len = strcspn(at, ",");
        if (matches_one(at, len, text)) {
            return true;
        }
        at += len + (at[len] == ',');
    }
    return false;
}

/* What was overwritten since the subscription looked last is lost to it. */
static void skip_lost(struct cjd_rpc_subscription *s, uint64_t last, uint64_t kept)
{
    if (last - s->at > kept) {
        uint64_t lost = last - s->at - kept;
        s->dropped += lost;
        s->rpc->stats.missed += lost;
        s->at += lost;
    }
}

static void lend(struct cjd_rpc_subscription *s, struct cjd_rpc_event *out, uint64_t wall_ms)
{
    struct cjd_rpc_event e = {.size = out->size,
                              .seq = s->at,
                              .wall_ms = wall_ms,
                              .dropped = s->dropped,
                              .type = s->type,
                              .data = s->data};

    memcpy(out, &e, out->size < sizeof e ? out->size : sizeof e);
    s->dropped = 0;
}

static bool next_event(struct cjd_rpc_subscription *s, struct cjd_rpc_event *out)
{
    struct cjd_rpc *rpc = s->rpc;

    skip_lost(s, rpc->event_seq, CJD_RPC_EVENTS_KEPT);
    while (s->at < rpc->event_seq) {
        const struct kept_event *e = &rpc->events[++s->at % CJD_RPC_EVENTS_KEPT];
        if (!matches(s->types, e->type)) {
            continue;
        }
        s->data = json_loads(e->data, 0, NULL);
        if (s->data) {
            snprintf(s->type, sizeof s->type, "%s", e->type);
            lend(s, out, e->wall_ms);
            return true;
        }
        s->dropped++;
    }
    return false;
}

/* Text that is no UTF-8 cannot be a JSON string: its bytes above ASCII are replaced. */
static json_t *text_value(const char *text)
{
    json_t *value = json_string(text);
    char *copy = value ? NULL : strdup(text);

    for (char *at = copy; at && *at != '\0'; at++) {
        *at = (unsigned char)*at >= 0x80 ? '?' : *at;
    }
    value = value ? value : json_string(copy);
    free(copy);
    return value;
}

static bool take_line(struct cjd_rpc_subscription *s, const struct kept_line *l)
{
    if (l->level > s->level || !matches(s->types, l->module)) {
        return false;
    }
    s->data = json_pack("{s:s, s:o, s:o}", "level", cjd_log_level_name(l->level), "module",
                        text_value(l->module), "message", text_value(l->text));
    s->dropped += s->data ? 0 : 1;
    return s->data != NULL;
}

static bool next_line(struct cjd_rpc_subscription *s, struct cjd_rpc_event *out)
{
    struct cjd_rpc *rpc = s->rpc;
    bool is_found = false;

    pthread_mutex_lock(&rpc->lock);
    skip_lost(s, rpc->line_seq, CJD_RPC_LINES_KEPT);
    while (!is_found && s->at < rpc->line_seq) {
        const struct kept_line *l = &rpc->lines[++s->at % CJD_RPC_LINES_KEPT];
        is_found = take_line(s, l);
        if (is_found) {
            snprintf(s->type, sizeof s->type, "log");
            lend(s, out, l->wall_ms);
        }
    }
    pthread_mutex_unlock(&rpc->lock);
    return is_found;
}

int cjd_rpc_next(struct cjd_rpc_subscription *sub, struct cjd_rpc_event *out)
{
    json_decref(sub->data);
    sub->data = NULL;
    return sub->stream == CJD_RPC_LOG ? next_line(sub, out) : next_event(sub, out);
}
