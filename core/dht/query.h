/*
 * Questions under way: transaction ids, timeouts, budgets. Source: router notes §3.2, §6, §12.
 * Private to the router.
 *
 * A question is first silent (its sender is told and goes on), and forgotten only much later: an
 * answer that comes meanwhile still counts. That way the first timeout can be short without making
 * slow paths unusable.
 *
 * Timers: one per question.
 */
#ifndef CJD_DHT_QUERY_H
#define CJD_DHT_QUERY_H

#include <stdbool.h>
#include <stdint.h>

#include <dht/dht.h>
#include <dht/message.h>

struct cjd_queries;

/* Who asked, and so who gets the answer or the silence. */
enum cjd_purpose {
    CJD_ASK_PEERS,   /* upkeep: who are your peers? */
    CJD_ASK_PATH,    /* upkeep: does this link, or this alternative, work? */
    CJD_ASK_EXPLORE, /* hearsay is tried */
    CJD_ASK_SEARCH,  /* a search asks for its target */
    CJD_ASK_TARGET,  /* a search tries a way to its target */
    CJD_ASK_FOLLOW,  /* whose peer is the next hop of a way that is too long? */
    CJD_ASK_REFINE,  /* a better path to a node that is wanted */
    CJD_ASK_DOUBT,   /* a path is verified */
    CJD_ASK_PING,    /* on behalf of the session layer */
    CJD_ASK_OPERATOR,
};

/* CJD_HANDSHAKING: packets of users wait for it. */
enum cjd_urgency { CJD_HANDSHAKING, CJD_URGENT, CJD_SEARCHING, CJD_BACKGROUND, CJD_URGENCIES };

struct cjd_question {
    struct cjd_dht_contact to;
    enum cjd_purpose purpose;
    enum cjd_method method;
    enum cjd_urgency urgency;
    uint32_t ref;  /* the asker's own: which search, which doubt */
    uint8_t tries; /* how often this was asked before */
    uint8_t kind;  /* of hearsay */
    bool has_teacher;
    struct cjd_addr teacher; /* who told us of that node */
    uint64_t timeout_ns;     /* 0: by what is known of the path */
    uint8_t target[CJD_MESSAGE_ADDR_BYTES];
    uint8_t target_len;
};

struct cjd_query {
    struct cjd_question q;
    uint64_t sent_ns;
    bool is_late; /* its silence was reported */
};

CJD_MUST_CHECK int cjd_queries_new(struct cjd_dht *dht);
void cjd_queries_free(struct cjd_dht *dht);

/*
 * Sends a question. CJD_ERR_AGAIN: budget used up, try later; CJD_ERR_EXISTS: the same question is
 * under way; CJD_ERR_FULL; CJD_ERR_INVALID: nobody can be asked over that label.
 */
int cjd_query_send(struct cjd_dht *dht, const struct cjd_question *question, uint64_t now_ns);

/* Takes the question that a reply from `from` belongs to. False: none. */
bool cjd_query_match(struct cjd_dht *dht, const struct cjd_addr *from,
                     const struct cjd_message *reply, uint64_t now_ns, struct cjd_query *out);

/* Round trip of a path nobody has asked over yet: what is known of its links, and for the rest what
 * a label of that length usually takes. */
uint64_t cjd_query_expected(const struct cjd_dht *dht, uint64_t label);

/* Questions under way (late ones not counted). */
uint32_t cjd_query_count(const struct cjd_dht *dht);

#endif
