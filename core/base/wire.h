/*
 * Bounds-checked reading and writing of wire bytes, big-endian.
 *
 * A reader or writer that ran over its end is `bad` for good: check once, after the last field.
 * Bytes are borrowed. Pure; any thread.
 */
#ifndef CJD_BASE_WIRE_H
#define CJD_BASE_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint16_t cjd_load16(const uint8_t *p)
{
    return (uint16_t)((unsigned)p[0] << 8 | p[1]);
}

static inline uint32_t cjd_load32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline uint64_t cjd_load64(const uint8_t *p)
{
    return (uint64_t)cjd_load32(p) << 32 | cjd_load32(p + 4);
}

static inline void cjd_store16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static inline void cjd_store32(uint8_t *p, uint32_t v)
{
    cjd_store16(p, (uint16_t)(v >> 16));
    cjd_store16(p + 2, (uint16_t)v);
}

static inline void cjd_store64(uint8_t *p, uint64_t v)
{
    cjd_store32(p, (uint32_t)(v >> 32));
    cjd_store32(p + 4, (uint32_t)v);
}

struct cjd_reader {
    const uint8_t *at;
    const uint8_t *end;
    bool bad;
};

static inline struct cjd_reader cjd_reader_of(const uint8_t *bytes, size_t len)
{
    /* Nothing is added to the NULL that may stand for no bytes. */
    return (struct cjd_reader){.at = bytes, .end = len > 0 ? bytes + len : bytes, .bad = false};
}

static inline size_t cjd_reader_left(const struct cjd_reader *r)
{
    return (size_t)(r->end - r->at);
}

/* Takes n bytes; NULL (and bad) if there are fewer. */
static inline const uint8_t *cjd_read_bytes(struct cjd_reader *r, size_t n)
{
    if (r->bad || n > cjd_reader_left(r)) {
        r->bad = true;
        return NULL;
    }
    const uint8_t *p = r->at;
    r->at += n;
    return p;
}

/* Copies n bytes; zeros them if there are fewer. */
static inline void cjd_read_copy(struct cjd_reader *r, void *out, size_t n)
{
    const uint8_t *p = cjd_read_bytes(r, n);
    if (p) {
        memcpy(out, p, n);
    } else {
        memset(out, 0, n);
    }
}

static inline uint8_t cjd_read8(struct cjd_reader *r)
{
    const uint8_t *p = cjd_read_bytes(r, 1);
    return p ? *p : 0;
}

static inline uint16_t cjd_read16(struct cjd_reader *r)
{
    const uint8_t *p = cjd_read_bytes(r, 2);
    return p ? cjd_load16(p) : 0;
}

static inline uint32_t cjd_read32(struct cjd_reader *r)
{
    const uint8_t *p = cjd_read_bytes(r, 4);
    return p ? cjd_load32(p) : 0;
}

static inline uint64_t cjd_read64(struct cjd_reader *r)
{
    const uint8_t *p = cjd_read_bytes(r, 8);
    return p ? cjd_load64(p) : 0;
}

struct cjd_writer {
    uint8_t *start;
    uint8_t *at;
    uint8_t *end;
    bool bad;
};

static inline struct cjd_writer cjd_writer_of(uint8_t *bytes, size_t cap)
{
    return (struct cjd_writer){
        .start = bytes, .at = bytes, .end = cap > 0 ? bytes + cap : bytes, .bad = false};
}

static inline size_t cjd_writer_len(const struct cjd_writer *w)
{
    return (size_t)(w->at - w->start);
}

/* Room for n bytes to be filled by the caller; NULL (and bad) if there is none. */
static inline uint8_t *cjd_write_room(struct cjd_writer *w, size_t n)
{
    if (w->bad || n > (size_t)(w->end - w->at)) {
        w->bad = true;
        return NULL;
    }
    uint8_t *p = w->at;
    w->at += n;
    return p;
}

static inline void cjd_write_bytes(struct cjd_writer *w, const void *bytes, size_t n)
{
    uint8_t *p = cjd_write_room(w, n);
    if (p && n > 0) {
        memcpy(p, bytes, n);
    }
}

static inline void cjd_write8(struct cjd_writer *w, uint8_t v)
{
    cjd_write_bytes(w, &v, 1);
}

static inline void cjd_write16(struct cjd_writer *w, uint16_t v)
{
    uint8_t *p = cjd_write_room(w, 2);
    if (p) {
        cjd_store16(p, v);
    }
}

static inline void cjd_write32(struct cjd_writer *w, uint32_t v)
{
    uint8_t *p = cjd_write_room(w, 4);
    if (p) {
        cjd_store32(p, v);
    }
}

static inline void cjd_write64(struct cjd_writer *w, uint64_t v)
{
    uint8_t *p = cjd_write_room(w, 8);
    if (p) {
        cjd_store64(p, v);
    }
}

#endif
