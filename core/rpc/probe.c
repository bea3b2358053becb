/* Questions to the network on behalf of a call. */
#include <rpc/methods_private.h>

#include <stdlib.h>

static struct cjd_timers *timers_of(struct probe *p)
{
    return cjd_runtime_timers(p->m->config.rt);
}

static void on_timer(void *arg, uint64_t now_ns)
{
    struct probe *p = arg;

    p->then(p, now_ns);
}

struct probe *probe_new(struct cjd_methods *m, struct cjd_rpc_call *call, size_t state_bytes)
{
    struct probe *p = calloc(1, sizeof *p);

    if (p && state_bytes > 0) {
        p->state = calloc(1, state_bytes);
    }
    if (!p || (state_bytes > 0 && !p->state)) {
        free(p);
        cjd_rpc_fail_f(call, CJD_ERR_NO_MEMORY, "no_memory", "", "out of memory");
        return NULL;
    }
    p->m = m;
    p->call = call;
    p->began_ns = methods_now(m);
    cjd_timer_init(&p->timer, on_timer, p);
    call->data = p;
    return p;
}

void probe_free(struct probe *p)
{
    cjd_timer_cancel(timers_of(p), &p->timer);
    cjd_dht_ask_cancel(cjd_node_dht(p->m->config.node), p->ask);
    cjd_node_ping_cancel(p->m->config.node, p->ping);
    if (p->fini) {
        p->fini(p->state);
    }
    free(p->state);
    free(p);
}

void probe_reply(struct probe *p, json_t *result)
{
    struct cjd_rpc_call *call = p->call;

    probe_free(p);
    cjd_rpc_reply(call, result);
}

void probe_cancel(void *arg, struct cjd_rpc_call *call)
{
    (void)arg;
    probe_free(call->data);
}

void probe_fail(struct probe *p, int err)
{
    struct cjd_rpc_call *call = p->call;

    probe_free(p);
    switch (err) {
    case CJD_ERR_INVALID:
        cjd_rpc_fail_f(call, err, "unusable_label", "/target", "this label leads nowhere");
        break;
    case CJD_ERR_TOO_LONG:
        cjd_rpc_fail_f(call, CJD_ERR_INVALID, "too_much_data", "/data_hex",
                       "a ping cannot carry that many bytes");
        break;
    default:
        cjd_rpc_fail_f(call, err, "too_many_probes", "",
                       "too many questions are under way: try again in a second");
        break;
    }
}

/* As soon as the node has returned. */
static void go_on(struct probe *p)
{
    cjd_timer_arm(timers_of(p), &p->timer, methods_now(p->m));
}

static void on_answer(void *ctx, const struct cjd_dht_answer *answer)
{
    struct probe *p = ctx;

    p->ask = 0;
    p->answer = *answer;
    go_on(p);
}

static void on_pong(void *ctx, const struct cjd_node_pong *pong)
{
    struct probe *p = ctx;

    p->ping = -1; /* also where it comes before cjd_node_ping() returns */
    p->pong = *pong;
    go_on(p);
}

int probe_try(struct probe *p, const struct cjd_dht_ask *ask, probe_fn then)
{
    struct cjd_dht_ask full = *ask;

    full.fn = on_answer;
    full.ctx = p;
    p->then = then;
    cjd_runtime_enter(p->m->config.rt);
    int number = cjd_dht_ask(cjd_node_dht(p->m->config.node), &full, methods_now(p->m));
    cjd_runtime_leave(p->m->config.rt);
    p->ask = number < 0 ? 0 : number;
    return number < 0 ? number : 0;
}

bool probe_ask(struct probe *p, const struct cjd_dht_ask *ask, probe_fn then)
{
    int err = probe_try(p, ask, then);

    if (err < 0) {
        probe_fail(p, err);
    }
    return err == 0;
}

bool probe_ping(struct probe *p, const struct cjd_node_ping *ping, probe_fn then)
{
    struct cjd_node_ping full = *ping;

    full.fn = on_pong;
    full.ctx = p;
    p->then = then;
    p->ping = 0;
    cjd_runtime_enter(p->m->config.rt);
    int number = cjd_node_ping(p->m->config.node, &full, methods_now(p->m));
    cjd_runtime_leave(p->m->config.rt);
    if (number < 0) {
        probe_fail(p, number);
        return false;
    }
    p->ping = p->ping < 0 ? 0 : number;
    return true;
}

void probe_wait(struct probe *p, uint64_t delay_ns, probe_fn then)
{
    p->then = then;
    cjd_timer_arm(timers_of(p), &p->timer, methods_now(p->m) + delay_ns);
}
