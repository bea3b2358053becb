/* Inside of the searches, for their three files. */
#ifndef CJD_DHT_SEARCH_PRIVATE_H
#define CJD_DHT_SEARCH_PRIVATE_H

#include <dht/private.h>

#define CANDIDATES 32u
#define WAYS       6u
#define EXTRAS     8u
#define NEGATIVES  64u

enum state { FRESH, ASKED, SILENT, DONE };

struct candidate {
    struct cjd_dht_contact to;
    struct cjd_id id;
    enum state state;
    uint8_t tries;
};

/* A path that somebody named. */
struct way {
    struct cjd_dht_contact to;
    struct cjd_addr teacher;
    bool has_teacher;
    enum state state;
    uint8_t tries;
};

struct search {
    struct cjd_dht *dht;
    struct cjd_timer timer;
    struct cjd_addr target;
    struct cjd_id id;
    uint64_t started_ns;
    uint32_t requests;
    uint32_t in_flight;
    uint32_t ways_in_flight;
    uint32_t count;
    uint32_t way_count;
    uint32_t follow_count;
    uint16_t index;
    uint16_t generation;
    enum cjd_urgency urgency;
    bool is_used;
    bool is_asked;    /* somebody waits for the end */
    bool is_hopeless; /* it failed a moment ago; ends without asking anybody */
    bool is_broad;    /* the nearest were of no help: others are asked */
    uint8_t extra_count;
    struct candidate extras[EXTRAS];
    struct candidate candidates[CANDIDATES]; /* nearest first */
    struct way ways[WAYS];
};

struct negative {
    struct cjd_addr addr;
    uint64_t until_ns;
    uint64_t nodes_ever;
    uint64_t pause_ns;
};

struct cjd_searches {
    struct search **slots; /* the first `made` of them; they stay until the end */
    uint32_t cap;
    uint32_t made;
    uint32_t running;
    uint32_t next_negative;
    struct negative negatives[NEGATIVES];
};

/* search_failed.c */
/* A failure is remembered, each time longer, until the store learns of somebody new. */
bool cjd_search_is_hopeless(const struct cjd_dht *dht, const struct cjd_addr *addr,
                            uint64_t now_ns);
/* was_named: somebody knew a way, only it did not answer; that is worth trying again soon. */
void cjd_search_note_failure(struct cjd_dht *dht, const struct cjd_addr *addr, bool was_named,
                             uint64_t now_ns);
void cjd_search_forget_failure(struct cjd_dht *dht, const struct cjd_addr *addr);

#endif
