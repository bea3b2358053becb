/*
 * Inside of the router: what its parts share.
 *
 *   dht.c      entry points, replies               explore.c  hearsay: what is tried next
 *   message.c  the codec                           doubt.c    paths under suspicion
 *   query.c    questions under way, budgets        upkeep.c   schedules, links that are down
 *   search.c   iterative search                    answer.c   replies to others
 *   store*.c   nodes, links, best paths            report.c   what is told of paths
 *   ask.c      what an operator asks
 *   heard.c    ways named, not tried yet           explain.c  how a node would be reached, and why
 *   follow.c   ways whose label is too long        refine.c   better paths to who is wanted
 *
 * The parts call each other; what they tell others goes through report.c.
 */
#ifndef CJD_DHT_PRIVATE_H
#define CJD_DHT_PRIVATE_H

#include <dht/dht.h>
#include <dht/message.h>
#include <dht/query.h>
#include <dht/store.h>

struct cjd_searches;
struct cjd_explore;
struct cjd_doubts;
struct cjd_upkeep;
struct cjd_answers;
struct cjd_heard;
struct cjd_asks;
struct cjd_follows;
struct cjd_refines;

struct cjd_dht {
    struct cjd_dht_config cfg; /* limits filled in */
    struct cjd_store *store;
    struct cjd_queries *queries;
    struct cjd_searches *searches;
    struct cjd_explore *explore;
    struct cjd_doubts *doubts;
    struct cjd_upkeep *upkeep;
    struct cjd_answers *answers;
    struct cjd_heard *heard;
    struct cjd_asks *asks;
    struct cjd_follows *follows;
    struct cjd_refines *refines;
    struct cjd_dht_stats stats;
    uint64_t breaks; /* of links, as far as reported paths were reviewed */
    struct cjd_log_limit malformed_log;
    struct cjd_log_limit down_log;
};

/* --- dht.c -------------------------------------------------------------------------------------
 */

/* A question got no answer in time (it may still come). Called by query.c. */
void cjd_dht_silence(struct cjd_dht *dht, const struct cjd_query *query, uint64_t now_ns);

/* --- report.c ----------------------------------------------------------------------------------
 */

struct cjd_dht_contact cjd_dht_contact_of(const struct cjd_store_node *node);
struct cjd_dht_path cjd_report_path_of(const struct cjd_dht *dht, const struct cjd_store_node *n);
/* Somebody wanted to reach it within the last minute. */
bool cjd_dht_is_wanted(const struct cjd_store_node *node, uint64_t now_ns);
/* Somebody wants to reach it: it is kept, and its path is looked after. */
void cjd_dht_note_wanted(struct cjd_dht *dht, const struct cjd_addr *addr, uint64_t now_ns);
/* The best path, as it is now. Ends a search for that node. */
void cjd_report(struct cjd_dht *dht, struct cjd_store_node *n, uint64_t now_ns);
/* Another path to it, if its links are known: an alternative, or one with a new cost. */
void cjd_report_other(struct cjd_dht *dht, struct cjd_store_node *n, uint64_t label,
                      uint64_t now_ns);
/* A proven path that the store has no place for. */
void cjd_report_stranger(struct cjd_dht *dht, const struct cjd_dht_contact *to, uint32_t rtt_us,
                         uint64_t now_ns);
void cjd_report_dead(struct cjd_dht *dht, const struct cjd_addr *addr, uint64_t label,
                     uint64_t now_ns);
/* Every entry point and timer ends with this: evicts, reports what changed, asks what is due. */
void cjd_dht_finish(struct cjd_dht *dht, uint64_t now_ns);

/* --- answer.c ----------------------------------------------------------------------------------
 */

CJD_MUST_CHECK int cjd_answers_new(struct cjd_dht *dht);
void cjd_answers_free(struct cjd_dht *dht);
void cjd_answer(struct cjd_dht *dht, const struct cjd_dht_contact *from,
                const struct cjd_message *query, uint64_t now_ns);

/* --- explore.c ---------------------------------------------------------------------------------
 */

enum cjd_hearsay {
    CJD_HEARSAY_NEAR,     /* a node not known yet, in a distance where few are known */
    CJD_HEARSAY_HOP,      /* a link inside of a longer one: what lies behind gets a better path */
    CJD_HEARSAY_SHORTCUT, /* a known node behind an unknown link: most likely a quicker path */
    CJD_HEARSAY_NODE,     /* a node not known yet */
    CJD_HEARSAY_LINK,     /* a known node behind an unknown link: an alternative */
};

CJD_MUST_CHECK int cjd_explore_new(struct cjd_dht *dht);
void cjd_explore_free(struct cjd_dht *dht);
/* The node list of a reply. */
void cjd_explore_reply(struct cjd_dht *dht, const struct cjd_query *query,
                       const struct cjd_message *reply, uint64_t now_ns);
/* An authenticated packet came over that label. */
void cjd_explore_hint(struct cjd_dht *dht, const struct cjd_dht_contact *from, uint64_t now_ns);
/* A path to be tried. teacher: NULL or who told us. */
void cjd_explore_add(struct cjd_dht *dht, const struct cjd_dht_contact *to, enum cjd_hearsay kind,
                     const struct cjd_addr *teacher, uint64_t now_ns);
/* A node is now known over several hops at once: looks for the hops between. */
void cjd_explore_split(struct cjd_dht *dht, const struct cjd_dht_contact *via, uint64_t label,
                       uint64_t now_ns);
/* Hearsay proved right, or nobody answered. */
void cjd_explore_answered(struct cjd_dht *dht, const struct cjd_query *query,
                          enum cjd_store_news news);
void cjd_explore_silence(struct cjd_dht *dht, const struct cjd_query *query, uint64_t now_ns);
/* What somebody told proved right or wrong. */
void cjd_explore_judge(struct cjd_dht *dht, const struct cjd_query *query, bool was_right);
/* Does anything wait to be tried? */
bool cjd_explore_is_busy(const struct cjd_dht *dht);
/* Asks as much as the budget allows. */
void cjd_explore_pump(struct cjd_dht *dht, uint64_t now_ns);

/* --- heard.c -----------------------------------------------------------------------------------
 */

#define CJD_HEARD_WAYS 2u

struct cjd_heard_way {
    struct cjd_dht_contact to;
    struct cjd_addr teacher;
    uint64_t at_ns;
};

CJD_MUST_CHECK int cjd_heard_new(struct cjd_dht *dht);
void cjd_heard_free(struct cjd_dht *dht);
void cjd_heard_note(struct cjd_dht *dht, const struct cjd_dht_contact *to,
                    const struct cjd_addr *teacher, uint64_t now_ns);
/* What was named as ways to that node. */
uint32_t cjd_heard_ways(const struct cjd_dht *dht, const struct cjd_addr *addr,
                        struct cjd_heard_way out[CJD_HEARD_WAYS], uint64_t now_ns);
/* Nobody answered there. */
void cjd_heard_failed(struct cjd_dht *dht, const struct cjd_addr *addr, uint64_t label);

/* --- ask.c -------------------------------------------------------------------------------------
 */

CJD_MUST_CHECK int cjd_asks_new(struct cjd_dht *dht);
void cjd_asks_free(struct cjd_dht *dht);
void cjd_ask_answered(struct cjd_dht *dht, const struct cjd_query *query,
                      const struct cjd_message *reply, uint64_t now_ns);
void cjd_ask_silence(struct cjd_dht *dht, const struct cjd_query *query);

/* --- follow.c ----------------------------------------------------------------------------------
 */

CJD_MUST_CHECK int cjd_follows_new(struct cjd_dht *dht);
void cjd_follows_free(struct cjd_dht *dht);
/* A way to `target` that begins at the teller with that label, and does not fit behind the path to
 * it. No effect if nobody searches for the target. */
void cjd_follow_start(struct cjd_dht *dht, const struct cjd_dht_contact *target,
                      const struct cjd_dht_contact *teller, uint64_t label, uint64_t now_ns);
bool cjd_follow_is_open(const struct cjd_dht *dht, const struct cjd_addr *target);
void cjd_follow_answered(struct cjd_dht *dht, const struct cjd_query *query,
                         const struct cjd_message *reply, uint64_t now_ns);
void cjd_follow_silence(struct cjd_dht *dht, const struct cjd_query *query, uint64_t now_ns);

/* --- refine.c ----------------------------------------------------------------------------------
 */

CJD_MUST_CHECK int cjd_refines_new(struct cjd_dht *dht);
void cjd_refines_free(struct cjd_dht *dht);
/* A node that is wanted has a path: is there a better one? No effect if that was asked lately. */
void cjd_refine_start(struct cjd_dht *dht, struct cjd_store_node *n, uint64_t now_ns);
/* Another way to a node whose path is refined. */
void cjd_refine_way(struct cjd_dht *dht, const struct cjd_dht_contact *to, uint64_t now_ns);
/* A node of a reply. True: it is a way to a node whose path is refined, and needs no other care. */
bool cjd_refine_entry(struct cjd_dht *dht, const struct cjd_query *query,
                      const struct cjd_dht_contact *to, uint64_t now_ns);
/* All nodes of a reply were seen. */
void cjd_refine_listed(struct cjd_dht *dht, const struct cjd_query *query, uint64_t now_ns);
/* Asks what is due. */
void cjd_refine_pump(struct cjd_dht *dht, uint64_t now_ns);

/* --- search.c ----------------------------------------------------------------------------------
 */

CJD_MUST_CHECK int cjd_searches_new(struct cjd_dht *dht);
void cjd_searches_free(struct cjd_dht *dht);
/* is_asked: the end is to be reported. One per target; a second call joins the first. */
void cjd_search_start(struct cjd_dht *dht, const struct cjd_addr *target, bool is_asked,
                      uint64_t now_ns);
/* A path to the target, as told by somebody; tried at once. False: nobody searches for it. */
bool cjd_search_way(struct cjd_dht *dht, const struct cjd_dht_contact *to,
                    const struct cjd_addr *teacher, uint64_t now_ns);
/* A node of a reply to a question of a search. */
void cjd_search_candidate(struct cjd_dht *dht, const struct cjd_query *query,
                          const struct cjd_dht_contact *to, uint64_t now_ns);
void cjd_search_answered(struct cjd_dht *dht, const struct cjd_query *query, uint64_t now_ns);
void cjd_search_silence(struct cjd_dht *dht, const struct cjd_query *query, uint64_t now_ns);
/* Is it searched for, and may one more of the ways to it be followed? Counts it. */
bool cjd_search_may_follow(struct cjd_dht *dht, const struct cjd_addr *addr);
/* What it waited for came to nothing. */
void cjd_search_resume(struct cjd_dht *dht, const struct cjd_addr *addr, uint64_t now_ns);
/* A node joined the store: whoever searches may ask it. */
void cjd_search_offer(struct cjd_dht *dht, const struct cjd_store_node *node, uint64_t now_ns);
/* A path to it is known and reported. */
void cjd_search_found(struct cjd_dht *dht, const struct cjd_addr *addr, uint64_t now_ns);
uint32_t cjd_search_count(const struct cjd_dht *dht);
/* The search for that node, and the ways it was named; when a failed one may be begun again, 0:
 * none failed. */
bool cjd_search_explain(const struct cjd_dht *dht, const struct cjd_addr *addr,
                        struct cjd_dht_search_info *out);
bool cjd_search_way_at(const struct cjd_dht *dht, const struct cjd_addr *addr, uint32_t index,
                       struct cjd_dht_way *out);
uint64_t cjd_search_failed_until(const struct cjd_dht *dht, const struct cjd_addr *addr);
bool cjd_search_at(const struct cjd_dht *dht, uint32_t index, struct cjd_dht_search_info *out);

/* --- doubt.c -----------------------------------------------------------------------------------
 */

CJD_MUST_CHECK int cjd_doubts_new(struct cjd_dht *dht);
void cjd_doubts_free(struct cjd_dht *dht);
/* Verifies a path to a known node, and with it the nodes the path leads through. */
void cjd_doubt_raise(struct cjd_dht *dht, const struct cjd_addr *addr, uint64_t label,
                     uint64_t now_ns);
bool cjd_doubt_is_about(const struct cjd_dht *dht, const struct cjd_addr *addr, uint64_t label);
bool cjd_doubt_is_raised(const struct cjd_dht *dht, const struct cjd_addr *addr);
void cjd_doubt_answered(struct cjd_dht *dht, const struct cjd_query *query, uint64_t now_ns);
void cjd_doubt_silence(struct cjd_dht *dht, const struct cjd_query *query, uint64_t now_ns);
/* Best paths changed: doubts about paths that are no longer in use are void. */
void cjd_doubt_review(struct cjd_dht *dht);

/* --- upkeep.c ----------------------------------------------------------------------------------
 */

CJD_MUST_CHECK int cjd_upkeep_new(struct cjd_dht *dht, uint64_t now_ns);
void cjd_upkeep_free(struct cjd_dht *dht);
/* A peer came up: asks it at once. */
void cjd_upkeep_peer(struct cjd_dht *dht, struct cjd_store_node *node, uint64_t now_ns);
void cjd_upkeep_node_added(struct cjd_dht *dht, struct cjd_store_node *node, uint64_t now_ns);
void cjd_upkeep_node_removing(struct cjd_dht *dht, struct cjd_store_node *node);
/* What a node told us proved new: there may be more. */
void cjd_upkeep_more(struct cjd_dht *dht, struct cjd_store_node *node, uint64_t now_ns);
/* Something changed: look around more often for a while. */
void cjd_upkeep_hurry(struct cjd_dht *dht, uint64_t now_ns);
void cjd_upkeep_answered(struct cjd_dht *dht, const struct cjd_query *query, uint64_t now_ns);
void cjd_upkeep_silence(struct cjd_dht *dht, const struct cjd_query *query, uint64_t now_ns);
/* A link went down: it is tried again soon. */
void cjd_upkeep_link_down(struct cjd_dht *dht, uint64_t now_ns);
/* Sends a question for peers, from a label on (0: all). */
int cjd_upkeep_ask(struct cjd_dht *dht, const struct cjd_dht_contact *to, uint64_t from_label,
                   enum cjd_urgency urgency, uint64_t now_ns);

#endif
