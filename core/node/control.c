#include <node/private.h>

#include <base/wire.h>
#include <string.h>

#define ANSWER_RATE   1000u
#define ANSWER_BURST  1000u
#define ERROR_RATE    100u
#define ERROR_BURST   200u
#define HEADERS_BYTES (CJD_SWITCH_HEADER_BYTES + 4u)
#define KEYPING_LIFE  (5 * CJD_S)

static void answer(struct cjd_node *node, uint64_t label, struct cjd_pkt *pkt, uint64_t now_ns)
{
    struct cjd_ctrl_self self = {
        .version = node->config.version, .key = node->self.key, .scheme = &node->sw.scheme};

    if (!cjd_bucket_take(&node->answers, now_ns, ANSWER_RATE, ANSWER_BURST)) {
        node_drop(node, pkt, CJD_DROP_CTRL_RATE);
        return;
    }
    if (cjd_ctrl_answer(&self, label, cjd_pkt_data(pkt), pkt->len) != 0) {
        node_drop(node, pkt, CJD_DROP_CTRL_UNKNOWN);
        return;
    }
    cjd_ctrl_wrap(pkt, label, false);
    frame_switch(node, CJD_SWITCH_SELF, pkt, now_ns);
}

static void error_rx(struct cjd_node *node, uint64_t label, const struct cjd_ctrl *ctrl,
                     uint64_t now_ns)
{
    /* The end point could not decrypt: its switch works, so the path does. The session layer finds
     * out by itself. */
    if (ctrl->error == CJD_SWITCH_ERR_AUTHENTICATION || ctrl->data_len < 8 ||
        !cjd_bucket_take(&node->errors, now_ns, ERROR_RATE, ERROR_BURST)) {
        return;
    }
    ping_failed(node, label, ctrl, now_ns);
    cjd_dht_switch_error(node->dht, label, cjd_load64(ctrl->data), ctrl->error, now_ns);
}

static bool keypong_rx(struct cjd_node *node, uint64_t label, const struct cjd_ctrl *ctrl,
                       uint64_t now_ns)
{
    for (unsigned i = 0; i < KEYPINGS; i++) {
        struct keyping *k = &node->keyping[i];
        if (k->sent_ns == 0 || now_ns - k->sent_ns > KEYPING_LIFE || k->label != label ||
            ctrl->data_len != COOKIE_BYTES || memcmp(k->cookie, ctrl->data, COOKIE_BYTES) != 0) {
            continue;
        }
        k->sent_ns = 0;
        cjd_sessions_key_learned(node->sessions, &ctrl->key, ctrl->version, label, now_ns);
        return true;
    }
    return false;
}

/* Answers to questions of ours, and errors. */
static void note(struct cjd_node *node, uint64_t label, const struct cjd_ctrl *ctrl,
                 uint64_t now_ns)
{
    switch (ctrl->type) {
    case CJD_CTRL_ERROR:
        error_rx(node, label, ctrl, now_ns);
        break;
    case CJD_CTRL_PONG:
        if (!cjd_links_pong(node->links, label, ctrl, now_ns) &&
            !ping_answered(node, label, ctrl, now_ns)) {
            cjd_drop_count(&node->drops, CJD_DROP_CTRL_INVALID);
        }
        break;
    case CJD_CTRL_KEYPONG:
        if (!keypong_rx(node, label, ctrl, now_ns) && !ping_answered(node, label, ctrl, now_ns)) {
            cjd_drop_count(&node->drops, CJD_DROP_CTRL_INVALID);
        }
        break;
    default:
        cjd_drop_count(&node->drops, CJD_DROP_CTRL_UNKNOWN);
        break;
    }
}

static bool is_request(enum cjd_ctrl_type type)
{
    return type == CJD_CTRL_PING || type == CJD_CTRL_KEYPING || type == CJD_CTRL_GETSNODE ||
           type == CJD_CTRL_RPATH || type == CJD_CTRL_LLADDR;
}

void control_rx(struct cjd_node *node, struct cjd_pkt *pkt, uint64_t now_ns)
{
    struct cjd_switch_header header;
    struct cjd_ctrl ctrl;

    cjd_switch_header_read(&header, cjd_pkt_data(pkt));
    uint64_t label = cjd_label_reverse(header.label);
    cjd_pkt_pull(pkt, HEADERS_BYTES);
    int err = cjd_ctrl_parse(&ctrl, cjd_pkt_data(pkt), pkt->len);
    if (err) {
        node_drop(node, pkt,
                  err == CJD_ERR_UNSUPPORTED ? CJD_DROP_CTRL_UNKNOWN : CJD_DROP_CTRL_INVALID);
    } else if (is_request(ctrl.type)) {
        answer(node, label, pkt, now_ns);
    } else {
        note(node, label, &ctrl, now_ns);
        cjd_pool_give(node->config.pool, pkt);
    }
}

void control_keyping(struct cjd_node *node, uint64_t label, uint64_t now_ns)
{
    struct keyping *k = &node->keyping[node->next_keyping++ % KEYPINGS];
    struct cjd_pkt *pkt = cjd_pool_take(node->config.pool, 256);

    if (!pkt) {
        cjd_drop_count(&node->drops, CJD_DROP_NO_PACKET);
        return;
    }
    cjd_rng_fill(&node->config.rng, k->cookie, sizeof k->cookie);
    k->label = label;
    k->sent_ns = now_ns;
    if (cjd_ctrl_make_ping(pkt, &node->self.key, k->cookie, sizeof k->cookie) != 0) {
        cjd_pool_give(node->config.pool, pkt);
        return;
    }
    cjd_ctrl_set_version(pkt, node->config.version);
    cjd_ctrl_wrap(pkt, label, false);
    frame_switch(node, CJD_SWITCH_SELF, pkt, now_ns);
}
