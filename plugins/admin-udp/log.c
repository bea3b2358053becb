/*
 * Log lines to those who follow them: §9. Nothing here logs: a line about a line would never end.
 * Our lines name a module, not a file and its line: `file` is the module, `line` 0.
 */
#include "admin.h"
#include "functions.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cjd/text.h>

static const struct {
    const char *name; /* as the protocol has it */
    const char *word; /* as the registry has it */
    uint32_t level;
} levels[] = {
    {"KEYS", "trace", CJD_LEVEL_TRACE},  {"DEBUG", "debug", CJD_LEVEL_DEBUG},
    {"INFO", "info", CJD_LEVEL_INFO},    {"WARN", "warn", CJD_LEVEL_WARN},
    {"ERROR", "error", CJD_LEVEL_ERROR}, {"CRITICAL", "error", CJD_LEVEL_ERROR},
};
#define LEVELS (sizeof levels / sizeof levels[0])

/* Unknown or empty: everything. */
static size_t level_index(const char *name)
{
    for (size_t i = 0; i < LEVELS; i++) {
        if (strcasecmp(levels[i].name, name) == 0) {
            return i;
        }
    }
    return 0;
}

static const char *name_of_word(const char *word)
{
    for (size_t i = 0; word && i < LEVELS; i++) {
        if (strcmp(levels[i].word, word) == 0) {
            return levels[i].name;
        }
    }
    return "INFO";
}

static void stream_end(struct admin_stream *s)
{
    s->a->rpc->unsubscribe(s->a->host, s->sub);
    free(s->txid);
    memset(s, 0, sizeof *s);
}

void admin_streams_end(struct admin *a)
{
    for (unsigned i = 0; i < ADMIN_STREAMS; i++) {
        if (a->streams[i].is_used) {
            stream_end(&a->streams[i]);
        }
    }
}

void admin_streams_drop(struct admin *a, uint32_t connection)
{
    for (unsigned i = 0; i < ADMIN_STREAMS; i++) {
        if (a->streams[i].is_used && a->streams[i].source.connection == connection) {
            stream_end(&a->streams[i]);
        }
    }
}

/* --- delivery -----------------------------------------------------------------------------------
 */

static json_t *id_value(const struct admin_stream *s)
{
    char hex[17];

    cjd_hex_encode(hex, s->id, sizeof s->id);
    return json_string(hex);
}

static bool send_line(struct admin_stream *s, const char *level, const char *file,
                      const char *message, uint64_t wall_ms)
{
    json_t *out = json_pack("{s:s, s:s, s:i, s:s, s:o, s:I}", "file", file, "level", level, "line",
                            0, "message", message, "streamId", id_value(s), "time",
                            (json_int_t)(wall_ms / 1000));

    return admin_send_answer(s->a, &s->source, s->txid, s->txid_len, s->has_txid, out);
}

static bool tell_dropped(struct admin_stream *s, uint64_t wall_ms)
{
    char text[96];

    if (s->dropped == 0) {
        return true;
    }
    snprintf(text, sizeof text, "%llu log lines could not be sent", (unsigned long long)s->dropped);
    if (!send_line(s, "WARN", "admin-udp", text, wall_ms)) {
        return false;
    }
    s->dropped = 0;
    return true;
}

static void take_line(struct admin_stream *s, const struct cjd_rpc_event *e)
{
    const char *module = json_string_value(json_object_get(e->data, "module"));
    const char *message = json_string_value(json_object_get(e->data, "message"));
    const char *level = name_of_word(json_string_value(json_object_get(e->data, "level")));

    s->dropped += e->dropped;
    if (!module || !message || s->line != 0 ||
        (s->file[0] != '\0' && strcmp(s->file, module) != 0)) {
        return;
    }
    if (!tell_dropped(s, e->wall_ms) || !send_line(s, level, module, message, e->wall_ms)) {
        s->dropped++;
    }
}

static void on_ready(void *arg)
{
    struct admin_stream *s = arg;
    struct cjd_rpc_event e = {.size = sizeof e};

    if (!admin_client_is_active(s->a, admin_client_find(s->a, &s->source))) {
        stream_end(s);
        return;
    }
    while (s->is_used && s->a->rpc->next(s->a->host, s->sub, &e) == 1) {
        take_line(s, &e);
    }
}

/* --- functions ----------------------------------------------------------------------------------
 */

static struct admin_stream *free_stream(struct admin *a)
{
    for (unsigned i = 0; i < ADMIN_STREAMS; i++) {
        if (!a->streams[i].is_used) {
            return &a->streams[i];
        }
    }
    return NULL;
}

/* The request's txid moves to the stream: every line carries it. */
static bool stream_open(struct admin_stream *s, struct admin_request *r, int64_t line)
{
    struct admin *a = r->a;
    struct cjd_rpc_subscribe wish = {.size = sizeof wish,
                                     .stream = CJD_RPC_LOG,
                                     .after = UINT64_MAX,
                                     .ready = on_ready,
                                     .arg = s};

    *s = (struct admin_stream){.a = a, .source = r->source, .line = line};
    if (!admin_arg_text(r, "level", s->level, sizeof s->level)) {
        snprintf(s->level, sizeof s->level, "DEBUG");
    }
    (void)admin_arg_text(r, "file", s->file, sizeof s->file);
    wish.level = levels[level_index(s->level)].level;
    snprintf(s->level, sizeof s->level, "%s", levels[level_index(s->level)].name);
    a->random->fill(a->host, s->id, sizeof s->id);
    if (a->rpc->subscribe(a->host, &wish, &s->sub) < 0) {
        return false;
    }
    s->txid = r->has_txid ? malloc(r->txid_len + 1) : NULL;
    s->has_txid = s->txid != NULL;
    if (s->has_txid) {
        memcpy(s->txid, r->txid, r->txid_len);
        s->txid_len = r->txid_len;
    }
    s->is_used = true;
    return true;
}

void fn_log_subscribe(struct admin_request *r)
{
    int64_t line = 0;
    struct admin_stream *s = free_stream(r->a);

    if (admin_arg_int(r, "line", &line) && line < 0) {
        admin_error(r, "Invalid line number, must be positive or 0 to signify any line is "
                       "acceptable.");
    } else if (!s || !stream_open(s, r, line)) {
        admin_error(r, "Max subscription count reached.");
    } else {
        admin_answer(r, json_pack("{s:s, s:o}", "error", "none", "streamId", id_value(s)));
    }
}

static struct admin_stream *find_stream(struct admin *a, const uint8_t id[8])
{
    for (unsigned i = 0; i < ADMIN_STREAMS; i++) {
        struct admin_stream *s = &a->streams[i];
        if (s->is_used && memcmp(s->id, id, sizeof s->id) == 0) {
            return s;
        }
    }
    return NULL;
}

void fn_log_unsubscribe(struct admin_request *r)
{
    char text[32];
    uint8_t id[8];

    (void)admin_arg_text(r, "streamId", text, sizeof text);
    if (strlen(text) != 16 || cjd_hex_decode(id, sizeof id, text, 16) != 8) {
        admin_error(r, "Invalid streamId.");
        return;
    }
    struct admin_stream *s = find_stream(r->a, id);
    if (!s) {
        admin_error(r, "No such subscription.");
        return;
    }
    stream_end(s);
    admin_error(r, "none");
}

void fn_log_subscriptions(struct admin_request *r)
{
    json_t *entries = json_array();

    for (unsigned i = 0; i < ADMIN_STREAMS; i++) {
        const struct admin_stream *s = &r->a->streams[i];
        if (!s->is_used) {
            continue;
        }
        json_t *e = json_pack("{s:I, s:i, s:s, s:I, s:o}", "dropped", (json_int_t)s->dropped,
                              "internalFile", 0, "level", s->level, "line", (json_int_t)s->line,
                              "streamId", id_value(s));
        if (s->file[0] != '\0') {
            json_object_set_new(e, "file", json_string(s->file));
        }
        json_array_append_new(entries, e);
    }
    admin_answer(r, json_pack("{s:o}", "entries", entries));
}

#define LOG_MANY_MAX 1000

void fn_log_many(struct admin_request *r)
{
    int64_t count = 0;

    (void)admin_arg_int(r, "count", &count);
    for (int64_t i = 0; i < count && i < LOG_MANY_MAX; i++) {
        cjd_logger_write(&r->a->log, CJD_LEVEL_DEBUG, "This is message number [%lld] of [%lld]",
                         (long long)i, (long long)count);
    }
    admin_error(r, "none");
}
