/*
 * A file as it was read: its values as standard JSON, where each of them stands, and what was odd.
 * Owns all it tells; control thread. Nodes are numbers; 0 is the whole file.
 */
#ifndef CJD_CONFIG_SOURCE_H
#define CJD_CONFIG_SOURCE_H

#include <jansson.h>

#include <config/buf.h>
#include <config/scan.h>

#define CJD_SOURCE_NODES_MAX   65536u
#define CJD_SOURCE_REMARKS_MAX 300u
#define CJD_SOURCE_NONE        UINT32_MAX

struct cjd_source_remark {
    enum cjd_remark kind;
    bool is_duplicate; /* kind ERROR: a key that is there already; the first one counts */
    struct cjd_place at;
    uint32_t node; /* nearest */
    char *text;
};

struct cjd_source_node {
    uint32_t parent;
    uint32_t index;    /* in a list */
    uint32_t children; /* how many */
    uint32_t next;     /* of the same hash slot */
    size_t key;        /* of an object's member: offset in `keys`; ends with NUL */
    struct cjd_place key_at;
    struct cjd_place at;
    size_t end; /* offset behind the value */
    bool is_list;
    char *pointer; /* made when asked for */
};

struct cjd_source {
    enum cjd_dialect dialect;
    struct cjd_buf json;
    struct cjd_buf keys;
    struct cjd_source_node *nodes;
    size_t count;
    size_t cap;
    uint32_t *slots;
    struct cjd_source_remark *remarks;
    size_t remark_count;
    bool has_plugins;     /* top-level key */
    int64_t version;      /* top-level, if an integer */
    struct cjd_place end; /* of the first fatal remark */
    /* Of the scan. */
    uint32_t open;    /* innermost group */
    uint32_t current; /* member whose value comes next */
    unsigned muted;   /* depth within the value of a duplicate, else 0 */
    bool is_muted_value_next;
    bool was_muted; /* the value told last */
    bool needs_comma;
};

/* 0; CJD_ERR_PARSE: ended early, the remarks tell why; CJD_ERR_NO_MEMORY: *out is NULL. */
CJD_MUST_CHECK int cjd_source_new(struct cjd_source **out, const char *text, size_t len,
                                  enum cjd_dialect dialect);
void cjd_source_free(struct cjd_source *s);

/* The value as jansson reads it, of a complete source. NULL: no memory. */
json_t *cjd_source_tree(const struct cjd_source *s);

/* CJD_SOURCE_NONE: no such child. */
uint32_t cjd_source_member(const struct cjd_source *s, uint32_t parent, const char *key);
uint32_t cjd_source_item(const struct cjd_source *s, uint32_t parent, size_t index);
/* The node a JSON Pointer leads to, or the last one on the way. */
uint32_t cjd_source_find(const struct cjd_source *s, const char *pointer);
/* JSON Pointer of a node; borrowed. */
const char *cjd_source_pointer(const struct cjd_source *s, uint32_t node);

#endif
