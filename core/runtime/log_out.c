#include <runtime/log_out.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MODULES_MAX 64u
#define MODULE_NAME 32u
#define LINE_BYTES  4096u

struct module_level {
    char name[MODULE_NAME];
    enum cjd_log_level level;
};

struct cjd_log_out {
    pthread_mutex_t lock; /* guards all but the sink */
    int fd;               /* −1: nowhere */
    bool is_own_fd;
    bool is_json;
    char *path; /* of the file, or NULL */
    enum cjd_log_level level;
    struct module_level modules[MODULES_MAX];
    unsigned module_count;
    int tap_level; /* −1: the listener gets what the place gets */
    cjd_log_tap_fn tap;
    void *tap_ctx;
    struct cjd_log_sink sink;
};

/* --- one line -----------------------------------------------------------------------------------
 */

struct line {
    char *out;
    size_t cap; /* without room for newline and NUL */
    size_t len;
};

/* All or nothing, so that an escape is never cut in two. */
static void put(struct line *l, const char *text, size_t len)
{
    if (len > l->cap - l->len) {
        l->cap = l->len;
        return;
    }
    memcpy(l->out + l->len, text, len);
    l->len += len;
}

static void put_text(struct line *l, const char *text)
{
    put(l, text, strlen(text));
}

static void put_format(struct line *l, const char *format, ...) CJD_PRINTF(2, 3);
static void put_format(struct line *l, const char *format, ...)
{
    char piece[64];
    va_list args;

    va_start(args, format);
    int n = vsnprintf(piece, sizeof piece, format, args);
    va_end(args);
    if (n > 0 && (size_t)n < sizeof piece) {
        put(l, piece, (size_t)n);
    }
}

static void put_time(struct line *l, uint64_t wall_ms)
{
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm tm;

    gmtime_r(&seconds, &tm);
    put_format(l, "%04d-%02d-%02dT%02d:%02d:%02d.%03uZ", tm.tm_year + 1900, tm.tm_mon + 1,
               tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, (unsigned)(wall_ms % 1000));
}

/* Bytes of the UTF-8 character at s, 0 if it is none (also overlong forms and surrogates). */
static size_t utf8_len(const char *s)
{
    const unsigned char *b = (const unsigned char *)s;
    size_t n = b[0] >= 0xf0 ? 4 : b[0] >= 0xe0 ? 3 : 2;

    if (b[0] < 0xc2 || b[0] > 0xf4) {
        return 0;
    }
    for (size_t i = 1; i < n; i++) {
        if ((b[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    bool is_bad = (b[0] == 0xe0 && b[1] < 0xa0) || (b[0] == 0xed && b[1] > 0x9f) ||
                  (b[0] == 0xf0 && b[1] < 0x90) || (b[0] == 0xf4 && b[1] > 0x8f);
    return is_bad ? 0 : n;
}

static void put_escape(struct line *l, unsigned char c, bool is_json)
{
    if (is_json) {
        put_format(l, "\\u%04x", c);
    } else {
        put_format(l, "\\x%02x", c);
    }
}

static void put_message(struct line *l, const char *text, bool is_json)
{
    while (*text) {
        unsigned char c = (unsigned char)*text;
        size_t n = c >= 0x80 ? utf8_len(text) : 0;
        if (n > 0) {
            put(l, text, n);
        } else if (is_json && (c == '"' || c == '\\')) {
            char pair[2] = {'\\', (char)c};
            put(l, pair, 2);
        } else if (c < 0x20 || c >= 0x7f) {
            put_escape(l, c, is_json);
        } else {
            put(l, text, 1);
        }
        text += n > 0 ? n : 1;
    }
}

static void format_text(struct line *l, const struct cjd_log_record *r)
{
    put_time(l, r->wall_ms);
    put_format(l, " %s ", cjd_log_level_name(r->level));
    put_message(l, r->module, false);
    put_text(l, " ");
    put_message(l, r->text, false);
}

static void format_json(struct line *l, const struct cjd_log_record *r)
{
    put_text(l, "{\"time\":\"");
    put_time(l, r->wall_ms);
    put_format(l, "\",\"level\":\"%s\",", cjd_log_level_name(r->level));
    put_text(l, "\"module\":\"");
    put_message(l, r->module, true);
    put_text(l, "\",\"message\":\"");
    put_message(l, r->text, true);
}

size_t cjd_log_out_format(char *out, size_t cap, const struct cjd_log_record *record, bool is_json)
{
    /* Room for the end of the object, newline and NUL. */
    struct line l = {.out = out, .cap = cap - 4};

    if (is_json) {
        format_json(&l, record);
        memcpy(out + l.len, "\"}", 2);
        l.len += 2;
    } else {
        format_text(&l, record);
    }
    out[l.len++] = '\n';
    out[l.len] = '\0';
    return l.len;
}

/* --- sink ---------------------------------------------------------------------------------------
 */

static uint64_t wall_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_REALTIME, &ts);
    return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static void write_all(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, bytes, len);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return; /* there is no place left to say so */
        }
        bytes += n;
        len -= (size_t)n;
    }
}

static enum cjd_log_level level_of(const struct cjd_log_out *lo, const char *module)
{
    for (unsigned i = 0; i < lo->module_count; i++) {
        if (strcmp(lo->modules[i].name, module) == 0) {
            return lo->modules[i].level;
        }
    }
    return lo->level;
}

static void write_line(void *ctx, const char *module, enum cjd_log_level level, const char *text)
{
    struct cjd_log_out *lo = ctx;
    struct cjd_log_record record = {wall_ms(), level, module, text};
    char line[LINE_BYTES];

    pthread_mutex_lock(&lo->lock);
    if (lo->fd >= 0 && level <= level_of(lo, module)) {
        size_t len = cjd_log_out_format(line, sizeof line, &record, lo->is_json);
        write_all(lo->fd, line, len);
    }
    pthread_mutex_unlock(&lo->lock);
    if (lo->tap) {
        lo->tap(lo->tap_ctx, module, level, text);
    }
}

bool cjd_log_out_is_on(void *ctx, const char *module, enum cjd_log_level level)
{
    struct cjd_log_out *lo = ctx;
    bool is_on;

    pthread_mutex_lock(&lo->lock);
    is_on = level <= level_of(lo, module) || (int)level <= lo->tap_level;
    pthread_mutex_unlock(&lo->lock);
    return is_on;
}

struct cjd_log cjd_log_out_log(const struct cjd_log_out *lo, const char *module)
{
    return (struct cjd_log){.sink = &lo->sink, .module = module};
}

/* --- set-up -------------------------------------------------------------------------------------
 */

/* The cheap test must let through what any module may write. */
static void set_max_level(struct cjd_log_out *lo)
{
    enum cjd_log_level max = lo->level;

    for (unsigned i = 0; i < lo->module_count; i++) {
        if (lo->modules[i].level > max) {
            max = lo->modules[i].level;
        }
    }
    if (lo->tap_level > (int)max) {
        max = (enum cjd_log_level)lo->tap_level;
    }
    lo->sink.max_level = max;
}

void cjd_log_out_set_level(struct cjd_log_out *lo, enum cjd_log_level level)
{
    pthread_mutex_lock(&lo->lock);
    lo->level = level;
    set_max_level(lo);
    pthread_mutex_unlock(&lo->lock);
}

static struct module_level *module_slot(struct cjd_log_out *lo, const char *module)
{
    for (unsigned i = 0; i < lo->module_count; i++) {
        if (strcmp(lo->modules[i].name, module) == 0) {
            return &lo->modules[i];
        }
    }
    if (lo->module_count == MODULES_MAX) {
        return NULL;
    }
    return &lo->modules[lo->module_count++];
}

int cjd_log_out_set_module(struct cjd_log_out *lo, const char *module, enum cjd_log_level level)
{
    int err = CJD_ERR_FULL;

    if (strlen(module) >= MODULE_NAME) {
        return CJD_ERR_TOO_LONG;
    }
    pthread_mutex_lock(&lo->lock);
    struct module_level *slot = module_slot(lo, module);
    if (slot) {
        snprintf(slot->name, sizeof slot->name, "%s", module);
        slot->level = level;
        set_max_level(lo);
        err = 0;
    }
    pthread_mutex_unlock(&lo->lock);
    return err;
}

void cjd_log_out_clear_modules(struct cjd_log_out *lo)
{
    pthread_mutex_lock(&lo->lock);
    lo->module_count = 0;
    set_max_level(lo);
    pthread_mutex_unlock(&lo->lock);
}

void cjd_log_out_set_tap(struct cjd_log_out *lo, cjd_log_tap_fn tap, void *ctx)
{
    lo->tap_ctx = ctx;
    lo->tap = tap;
}

void cjd_log_out_set_tap_level(struct cjd_log_out *lo, int level)
{
    pthread_mutex_lock(&lo->lock);
    lo->tap_level = level;
    set_max_level(lo);
    pthread_mutex_unlock(&lo->lock);
}

enum cjd_log_level cjd_log_out_level(struct cjd_log_out *lo, const char *module)
{
    pthread_mutex_lock(&lo->lock);
    enum cjd_log_level level = module ? level_of(lo, module) : lo->level;
    pthread_mutex_unlock(&lo->lock);
    return level;
}

const char *cjd_log_out_module_at(struct cjd_log_out *lo, unsigned index)
{
    pthread_mutex_lock(&lo->lock);
    const char *name = index < lo->module_count ? lo->modules[index].name : NULL;
    pthread_mutex_unlock(&lo->lock);
    return name;
}

void cjd_log_out_set_json(struct cjd_log_out *lo, bool is_json)
{
    pthread_mutex_lock(&lo->lock);
    lo->is_json = is_json;
    pthread_mutex_unlock(&lo->lock);
}

static void set_place(struct cjd_log_out *lo, int fd, char *path)
{
    pthread_mutex_lock(&lo->lock);
    int old_fd = lo->is_own_fd ? lo->fd : -1;
    char *old_path = lo->path;
    lo->fd = fd;
    lo->path = path;
    lo->is_own_fd = path != NULL;
    pthread_mutex_unlock(&lo->lock);
    if (old_fd >= 0) {
        close(old_fd);
    }
    free(old_path);
}

static int open_file(struct cjd_log_out *lo, const char *path)
{
    char *copy = strdup(path);

    if (!copy) {
        return CJD_ERR_NO_MEMORY;
    }
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640);
    if (fd < 0) {
        int reason = errno;
        free(copy);
        errno = reason;
        return cjd_err_from_errno(reason);
    }
    set_place(lo, fd, copy);
    return 0;
}

int cjd_log_out_open(struct cjd_log_out *lo, const char *to)
{
    if (strncmp(to, "file:", 5) == 0) {
        return open_file(lo, to + 5);
    }
    if (strcmp(to, "stderr") == 0) {
        set_place(lo, STDERR_FILENO, NULL);
    } else if (strcmp(to, "stdout") == 0) {
        set_place(lo, STDOUT_FILENO, NULL);
    } else if (strcmp(to, "none") == 0) {
        set_place(lo, -1, NULL);
    } else {
        return CJD_ERR_INVALID;
    }
    return 0;
}

int cjd_log_out_reopen(struct cjd_log_out *lo)
{
    return lo->path ? open_file(lo, lo->path) : 0;
}

struct cjd_log_out *cjd_log_out_new(void)
{
    struct cjd_log_out *lo = calloc(1, sizeof *lo);

    if (!lo) {
        return NULL;
    }
    if (pthread_mutex_init(&lo->lock, NULL) != 0) {
        free(lo);
        return NULL;
    }
    lo->fd = STDERR_FILENO;
    lo->tap_level = -1;
    lo->level = CJD_LOG_INFO;
    lo->sink = (struct cjd_log_sink){
        .max_level = CJD_LOG_INFO, .enabled = cjd_log_out_is_on, .write = write_line, .ctx = lo};
    return lo;
}

void cjd_log_out_free(struct cjd_log_out *lo)
{
    if (!lo) {
        return;
    }
    set_place(lo, -1, NULL);
    pthread_mutex_destroy(&lo->lock);
    free(lo);
}
