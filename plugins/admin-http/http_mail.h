/*
 * Letters between the two threads: the control thread, where the registry may be called, and the
 * HTTP thread, which alone touches libevent and connections.
 *
 * An errand is what a client wants of the control thread. The HTTP thread makes it, sends it with
 * CALL and has it back with DONE, exactly once, also after CANCEL; in between its parts belong to
 * the threads as said. Values in letters are only looked at, by whichever thread holds a reference.
 */
#ifndef CJD_HTTP_MAIL_H
#define CJD_HTTP_MAIL_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include <cjd/rpc.h>

/* References are counted by two threads. */
#if !JSON_HAVE_ATOMIC_BUILTINS && !JSON_HAVE_SYNC_BUILTINS
#error "this jansson does not count references atomically"
#endif

enum cjd_http_errand_kind {
    CJD_HTTP_CALL,  /* of one method */
    CJD_HTTP_BATCH, /* of several that answer at once; a value by each one's name */
    CJD_HTTP_STREAM /* events or log lines, until cancelled */
};

struct cjd_http_errand {
    /* Set before CALL, not changed after. */
    enum cjd_http_errand_kind kind;
    bool wants_items;
    uint32_t scopes;
    char *method;
    json_t *args; /* of a batch: arguments by names of methods */
    char caller[160];
    uint32_t stream; /* CJD_RPC_EVENTS, CJD_RPC_LOG */
    uint32_t level;
    uint32_t tail;
    uint64_t after;
    char *types;
    /* The HTTP thread's. */
    void *owner;                       /* NULL: nobody waits any more */
    struct cjd_http_errand *mine_next; /* all that are out */
    struct cjd_http_errand *mine_prev;
    /* The control thread's, from CALL to DONE. */
    struct cjd_http_errand *next;
    struct cjd_http_errand *prev;
    void *control;
    bool is_live;
    uint32_t credit; /* events that may be sent */
    struct cjd_rpc_call *call;
    struct cjd_rpc_subscription *sub;
};

struct cjd_http_errand *cjd_http_errand_new(enum cjd_http_errand_kind kind);
/* NULL is legal. */
void cjd_http_errand_free(struct cjd_http_errand *errand);

enum cjd_http_letter_kind {
    /* to the control thread */
    CJD_HTTP_LETTER_CALL,
    CJD_HTTP_LETTER_CANCEL,
    CJD_HTTP_LETTER_CREDIT, /* number: how many more events */
    /* to the HTTP thread */
    CJD_HTTP_LETTER_DONE, /* value, or error */
    CJD_HTTP_LETTER_ITEM,
    CJD_HTTP_LETTER_EVENT,
    CJD_HTTP_LETTER_CATALOG, /* takes the catalogue */
    CJD_HTTP_LETTER_CONFIG,  /* takes the configuration */
    CJD_HTTP_LETTER_SERVE,
    CJD_HTTP_LETTER_QUIT
};

struct cjd_http_letter {
    struct cjd_http_letter *next;
    enum cjd_http_letter_kind kind;
    struct cjd_http_errand *errand;
    json_t *value;
    json_t *error;
    void *cargo;
    uint32_t number;
    struct {
        uint64_t seq;
        uint64_t wall_ms;
        uint64_t dropped;
        char type[64];
    } event;
};

/* What is in it besides the cargo goes too. NULL is legal. */
void cjd_http_letter_free(struct cjd_http_letter *letter);

struct cjd_http_box {
    pthread_mutex_t lock; /* guards the rest */
    struct cjd_http_letter *first;
    struct cjd_http_letter **last;
    bool is_woken;
    int (*wake)(void *arg); /* [any] makes the other thread look; not 0: it could not */
    void *arg;
};

CJD_MUST_CHECK int cjd_http_box_init(struct cjd_http_box *box, int (*wake)(void *arg), void *arg);
void cjd_http_box_fini(struct cjd_http_box *box);
/* [any] Consumes the letter; NULL is legal. */
void cjd_http_box_put(struct cjd_http_box *box, struct cjd_http_letter *letter);
/* All letters, in order. */
struct cjd_http_letter *cjd_http_box_take(struct cjd_http_box *box);

#endif
