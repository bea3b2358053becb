/* Pings of the switch an operator asked for. A cookie of ours stands in front of the caller's data:
 * nobody who did not see the ping can answer it. */
#include <node/private.h>

#include <string.h>

static void end(struct ping *p, const struct cjd_node_pong *pong)
{
    struct cjd_node_ping asked = p->asked;

    p->number = 0;
    cjd_timer_cancel(&p->node->timers, &p->timer);
    asked.fn(asked.ctx, pong);
}

static void on_timer(void *arg, uint64_t now_ns)
{
    struct ping *p = arg;
    const struct cjd_node_pong silence = {
        .end = CJD_NODE_PING_TIMEOUT, .rtt_ns = now_ns - p->sent_ns, .label = p->asked.label};

    end(p, &silence);
}

static int send(struct cjd_node *node, const struct ping *p, uint64_t now_ns)
{
    uint8_t data[COOKIE_BYTES + CJD_NODE_PING_DATA];
    struct cjd_pkt *pkt = cjd_pool_take(node->config.pool, 512);

    if (!pkt) {
        return CJD_ERR_NO_MEMORY;
    }
    memcpy(data, p->cookie, COOKIE_BYTES);
    memcpy(data + COOKIE_BYTES, p->asked.data, p->asked.data_len);
    int err = cjd_ctrl_make_ping(pkt, p->asked.wants_key ? &node->self.key : NULL, data,
                                 COOKIE_BYTES + p->asked.data_len);
    if (err < 0) {
        cjd_pool_give(node->config.pool, pkt);
        return err;
    }
    cjd_ctrl_set_version(pkt, node->config.version);
    cjd_ctrl_wrap(pkt, p->asked.label, false);
    frame_switch(node, CJD_SWITCH_SELF, pkt, now_ns);
    return 0;
}

int cjd_node_ping(struct cjd_node *node, const struct cjd_node_ping *ping, uint64_t now_ns)
{
    struct ping *p = node->pings;

    if (ping->data_len > CJD_NODE_PING_DATA || ping->label == 0) {
        return CJD_ERR_INVALID;
    }
    while (p < node->pings + PINGS && p->number != 0) {
        p++;
    }
    if (p == node->pings + PINGS) {
        return CJD_ERR_FULL;
    }
    node->last_ping = node->last_ping == INT32_MAX ? 1 : node->last_ping + 1;
    *p = (struct ping){.node = node, .asked = *ping, .sent_ns = now_ns, .number = node->last_ping};
    cjd_rng_fill(&node->config.rng, p->cookie, sizeof p->cookie);
    cjd_timer_init(&p->timer, on_timer, p);
    cjd_timer_arm(&node->timers, &p->timer, now_ns + ping->timeout_ns);
    /* An error of the own switch may end it before this returns. */
    int number = p->number;
    int err = send(node, p, now_ns);
    if (err < 0) {
        cjd_node_ping_cancel(node, number);
        return err;
    }
    return number;
}

static struct ping *find(struct cjd_node *node, int number)
{
    for (unsigned i = 0; i < PINGS; i++) {
        if (number > 0 && node->pings[i].number == number) {
            return &node->pings[i];
        }
    }
    return NULL;
}

void cjd_node_ping_cancel(struct cjd_node *node, int number)
{
    struct ping *p = find(node, number);

    if (p) {
        p->number = 0;
        cjd_timer_cancel(&node->timers, &p->timer);
    }
}

bool ping_answered(struct cjd_node *node, uint64_t label, const struct cjd_ctrl *ctrl,
                   uint64_t now_ns)
{
    struct ping *p = node->pings;

    while (p < node->pings + PINGS && (p->number == 0 || ctrl->data_len < COOKIE_BYTES ||
                                       p->asked.wants_key != (ctrl->type == CJD_CTRL_KEYPONG) ||
                                       memcmp(p->cookie, ctrl->data, COOKIE_BYTES) != 0)) {
        p++;
    }
    if (p == node->pings + PINGS) {
        return false;
    }
    struct cjd_node_pong pong = {.rtt_ns = now_ns - p->sent_ns,
                                 .label = label,
                                 .version = ctrl->version,
                                 .has_key = p->asked.wants_key,
                                 .key = ctrl->key};
    uint32_t len = ctrl->data_len - COOKIE_BYTES;
    pong.data_len = len < CJD_NODE_PING_DATA ? len : CJD_NODE_PING_DATA;
    memcpy(pong.data, ctrl->data + COOKIE_BYTES, pong.data_len);
    bool is_same = len == p->asked.data_len && memcmp(pong.data, p->asked.data, len) == 0;
    pong.end = !is_same                  ? CJD_NODE_PING_DATA_DIFFERS
               : label != p->asked.label ? CJD_NODE_PING_LABEL
                                         : CJD_NODE_PONG;
    end(p, &pong);
    return true;
}

/* The cause, if it is long enough, holds our own frame: header, handle, control head, cookie. */
void ping_failed(struct cjd_node *node, uint64_t label, const struct cjd_ctrl *ctrl,
                 uint64_t now_ns)
{
    for (unsigned i = 0; i < PINGS; i++) {
        struct ping *p = &node->pings[i];
        if (p->number != 0 && memmem(ctrl->data, ctrl->data_len, p->cookie, COOKIE_BYTES)) {
            const struct cjd_node_pong pong = {.end = CJD_NODE_PING_ERROR,
                                               .rtt_ns = now_ns - p->sent_ns,
                                               .label = label,
                                               .error = ctrl->error};
            end(p, &pong);
            return;
        }
    }
}
