/* An operator's questions: a small table, found again by the number that goes with the question. */
#include <stdlib.h>
#include <string.h>

#include <base/wire.h>
#include <dht/private.h>

#define ASKS 64u

struct ask {
    int number; /* 0: free */
    cjd_dht_ask_fn fn;
    void *ctx;
};

struct cjd_asks {
    struct ask v[ASKS];
    int last;
};

int cjd_asks_new(struct cjd_dht *dht)
{
    dht->asks = calloc(1, sizeof *dht->asks);
    return dht->asks ? 0 : CJD_ERR_NO_MEMORY;
}

void cjd_asks_free(struct cjd_dht *dht)
{
    free(dht->asks);
}

static struct ask *find(struct cjd_asks *asks, int number)
{
    for (unsigned i = 0; i < ASKS; i++) {
        if (asks->v[i].number == number) {
            return &asks->v[i];
        }
    }
    return NULL;
}

static struct cjd_question question_of(const struct cjd_dht_ask *ask)
{
    static const enum cjd_method methods[] = {[CJD_DHT_ASK_PING] = CJD_METHOD_PN,
                                              [CJD_DHT_ASK_PEERS] = CJD_METHOD_GP,
                                              [CJD_DHT_ASK_FIND] = CJD_METHOD_FN,
                                              [CJD_DHT_ASK_NEXT] = CJD_METHOD_NH};
    struct cjd_question q = {.to = ask->to,
                             .purpose = CJD_ASK_OPERATOR,
                             .method = methods[ask->kind],
                             .urgency = CJD_URGENT,
                             .timeout_ns = ask->timeout_ns};

    if (ask->kind == CJD_DHT_ASK_PEERS) {
        cjd_store64(q.target, ask->from_label);
        q.target_len = CJD_MESSAGE_LABEL_BYTES;
    } else if (ask->kind != CJD_DHT_ASK_PING) {
        memcpy(q.target, ask->target.b, sizeof ask->target.b);
        q.target_len = CJD_MESSAGE_ADDR_BYTES;
    }
    return q;
}

int cjd_dht_ask(struct cjd_dht *dht, const struct cjd_dht_ask *ask, uint64_t now_ns)
{
    struct cjd_asks *asks = dht->asks;
    struct cjd_question q = question_of(ask);
    struct ask *a = find(asks, 0);

    if (!a) {
        return CJD_ERR_FULL;
    }
    asks->last = asks->last == INT32_MAX ? 1 : asks->last + 1;
    q.ref = (uint32_t)asks->last;
    int err = cjd_query_send(dht, &q, now_ns);
    if (err < 0) {
        return err;
    }
    *a = (struct ask){.number = asks->last, .fn = ask->fn, .ctx = ask->ctx};
    return a->number;
}

void cjd_dht_ask_cancel(struct cjd_dht *dht, int number)
{
    struct ask *a = number > 0 ? find(dht->asks, number) : NULL;

    if (a) {
        a->number = 0;
    }
}

static void tell(struct cjd_dht *dht, const struct cjd_query *query,
                 const struct cjd_dht_answer *answer)
{
    struct ask *a = find(dht->asks, (int)query->q.ref);

    if (a) {
        a->number = 0;
        a->fn(a->ctx, answer);
    }
}

void cjd_ask_answered(struct cjd_dht *dht, const struct cjd_query *query,
                      const struct cjd_message *reply, uint64_t now_ns)
{
    struct cjd_dht_answer answer = {
        .rtt_ns = now_ns - query->sent_ns, .from = query->q.to, .scheme = reply->scheme};

    answer.from.version = reply->version;
    /* Best last. */
    for (uint32_t i = reply->node_count; i > 0 && answer.count < CJD_DHT_ANSWER_NODES; i--) {
        const struct cjd_message_node *n = &reply->nodes[i - 1];
        struct cjd_dht_contact *to = &answer.nodes[answer.count];
        *to = (struct cjd_dht_contact){.key = n->key, .version = n->version, .label = n->label};
        answer.count += dht->cfg.addr_of_key(&to->addr, &n->key);
    }
    tell(dht, query, &answer);
}

void cjd_ask_silence(struct cjd_dht *dht, const struct cjd_query *query)
{
    const struct cjd_dht_answer answer = {.is_timeout = true};

    tell(dht, query, &answer);
}
