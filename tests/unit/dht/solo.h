/* One router, with the test as the rest of the world: what it sends and reports is kept. */
#ifndef TEST_DHT_SOLO_H
#define TEST_DHT_SOLO_H

#include <testlib/testlib.h>

#include <base/timer.h>
#include <dht/dht.h>
#include <dht/message.h>
#include <switch/label.h>

#define SOLO_SENT_MAX   4096u
#define SOLO_EVENTS_MAX 4096u

struct solo_sent {
    struct cjd_dht_contact to;
    uint64_t at_ns;
    size_t len;
    uint8_t bytes[CJD_DHT_MESSAGE_MAX];
    bool is_handled;
};

enum solo_kind { SOLO_PATH, SOLO_DEAD, SOLO_DONE };

struct solo_event {
    enum solo_kind kind;
    uint64_t at_ns;
    struct cjd_addr addr;
    uint64_t label;
    bool was_found;
    bool is_peer;
};

struct solo {
    struct cjd_dht *dht;
    struct cjd_dht_contact me;
    struct cjd_timers timers;
    struct cjd_drops drops;
    struct test_rng seed;
    struct cjd_rng rng;
    uint64_t now_ns;
    uint32_t sent_count;
    uint32_t event_count;
    struct solo_sent *sent;
    struct solo_event *events;
};

struct solo *solo_new(uint64_t seed, const struct cjd_dht_limits *limits);
/* The same with a given address (the key is made up). */
struct solo *solo_new_at(const struct cjd_addr *addr, uint64_t seed);
void solo_free(struct solo *s);
void solo_run(struct solo *s, uint64_t for_ns);

/* A made-up node, version 21. Addresses are the first bytes of keys. */
struct cjd_dht_contact solo_node(struct solo *s, uint64_t label);
bool solo_addr_of_key(struct cjd_addr *out, const struct cjd_key *key);

/* A peer that has spoken: its own first query was heard. */
void solo_peer(struct solo *s, const struct cjd_dht_contact *peer);

/* A query with target bytes (may be NULL) from a node. */
void solo_query(struct solo *s, const struct cjd_dht_contact *from, const char *method,
                const uint8_t *target, size_t target_len);
/* Any message, given by its struct; missing es, p and txid are filled in. */
void solo_message(struct solo *s, const struct cjd_dht_contact *from, struct cjd_message *m);

/* The last reply that was sent; decoded into `m`. Fails the test if there is none. */
void solo_last_reply(struct solo *s, struct cjd_message *m);

/* The next query that was not looked at yet, to that node (NULL: any), oldest first; NULL: none. */
struct solo_sent *solo_next_query(struct solo *s, const struct cjd_addr *to, struct cjd_message *m);
/* Answers a query as the node it went to would, listing these nodes. */
void solo_answer(struct solo *s, const struct solo_sent *query,
                 const struct cjd_message_node *nodes, uint32_t count, int form);

uint32_t solo_count_queries(const struct solo *s, uint32_t from, const struct cjd_addr *to);
/* The latest event of that kind about a node; NULL: none. */
const struct solo_event *solo_last_event(const struct solo *s, enum solo_kind kind,
                                         const struct cjd_addr *addr);

#endif
