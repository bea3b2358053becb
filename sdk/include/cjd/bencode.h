/**
 * Bencode, as router messages and the bencode admin protocol use it.
 *
 * Reader: a cursor over borrowed bytes; nothing is allocated, strings point into the input.
 * Tolerates leading zeros in string lengths, any key order and unknown keys; nesting is bounded.
 * Writer: into a caller's buffer; after an overflow nothing more is written and finish() fails.
 * Source: router notes §2.1.
 */
#ifndef CJD_BENCODE_H
#define CJD_BENCODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjd/err.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Deepest nesting accepted. */
#define CJD_BENCODE_DEPTH 16u

enum cjd_bencode_type { CJD_BENCODE_INT, CJD_BENCODE_STRING, CJD_BENCODE_LIST, CJD_BENCODE_DICT };

/** One value. Containers: `bytes`/`len` span the whole value including its 'd'/'l' and 'e'. */
struct cjd_bencode {
    enum cjd_bencode_type type;
    int64_t number;
    const uint8_t *bytes;
    size_t len;
};

/**
 * [any] Reads one value from the front of the input and checks all that is nested in it.
 * @param used [out] bytes consumed; what follows is the caller's to judge
 */
CJD_MUST_CHECK int cjd_bencode_parse(struct cjd_bencode *out, const uint8_t *in, size_t len,
                                     size_t *used);

/** Walks the items of a list or the pairs of a dictionary that cjd_bencode_parse() accepted. */
struct cjd_bencode_iter {
    const uint8_t *at;
    const uint8_t *end;
};

/** [any] Starts a walk; a value that is no container gives an empty walk. */
void cjd_bencode_iter_init(struct cjd_bencode_iter *it, const struct cjd_bencode *container);
/** [any] Next list item; false at the end. */
bool cjd_bencode_next_item(struct cjd_bencode_iter *it, struct cjd_bencode *item);
/** [any] Next dictionary pair; false at the end. */
bool cjd_bencode_next_pair(struct cjd_bencode_iter *it, struct cjd_bencode *key,
                           struct cjd_bencode *value);
/** [any] First value of a key in a dictionary; false if absent. */
bool cjd_bencode_find(const struct cjd_bencode *dict, const char *key, struct cjd_bencode *value);

struct cjd_bencode_writer {
    uint8_t *buf;
    size_t cap;
    size_t len;
    bool overflow;
};

/** [any] Starts writing into buf, which stays the caller's. */
void cjd_bencode_writer_init(struct cjd_bencode_writer *w, uint8_t *buf, size_t cap);
void cjd_bencode_put_int(struct cjd_bencode_writer *w, int64_t number);
void cjd_bencode_put_string(struct cjd_bencode_writer *w, const void *bytes, size_t len);
/** [any] A NUL-terminated string, as key or value. Keys must be put in ascending byte order. */
void cjd_bencode_put_text(struct cjd_bencode_writer *w, const char *text);
void cjd_bencode_begin_dict(struct cjd_bencode_writer *w);
void cjd_bencode_begin_list(struct cjd_bencode_writer *w);
void cjd_bencode_end(struct cjd_bencode_writer *w);
/** [any] @return length written, or CJD_ERR_TOO_LONG. */
int cjd_bencode_finish(const struct cjd_bencode_writer *w);

#ifdef __cplusplus
}
#endif

#endif
