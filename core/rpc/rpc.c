#include <rpc/private.h>

#include <stdlib.h>

#include <cjd/text.h>

int cjd_rpc_new(struct cjd_rpc **out, const struct cjd_rpc_config *config)
{
    uint8_t boot[8];
    struct cjd_rpc *rpc = calloc(1, sizeof *rpc);

    *out = NULL;
    if (!rpc) {
        return CJD_ERR_NO_MEMORY;
    }
    rpc->config = *config;
    cjd_rng_fill(&rpc->config.rng, boot, sizeof boot);
    cjd_hex_encode(rpc->boot_id, boot, sizeof boot);
    int err = cjd_rpc_streams_new(rpc);
    if (err < 0) {
        free(rpc);
        return err;
    }
    *out = rpc;
    return 0;
}

void cjd_rpc_free(struct cjd_rpc *rpc)
{
    if (!rpc) {
        return;
    }
    cjd_rpc_calls_end(rpc, cjd_rpc_call_is_any, NULL, NULL);
    cjd_rpc_methods_free(rpc);
    cjd_rpc_streams_free(rpc);
    free(rpc);
}

struct misfit {
    const struct cjd_rpc *rpc;
    const char *name;
};

static void on_misfit(void *arg, enum cjd_schema_fault kind, const char *pointer, const char *text)
{
    const struct misfit *m = arg;

    (void)kind;
    cjd_log(&m->rpc->config.log, CJD_LOG_ERROR, "%s: %s: %s", m->name, pointer, text);
}

bool cjd_rpc_fits(const struct cjd_rpc *rpc, const char *name, const struct cjd_schema *schema,
                  json_t *value)
{
    struct misfit m = {.rpc = rpc, .name = name};

    return cjd_schema_check_value(schema, value, on_misfit, &m) == 0;
}

void cjd_rpc_poke(struct cjd_rpc *rpc)
{
    if (!atomic_exchange(&rpc->is_woken, true)) {
        rpc->config.wake(rpc->config.ctx);
    }
}

void cjd_rpc_run(struct cjd_rpc *rpc)
{
    atomic_store(&rpc->is_woken, false);
    if (rpc->has_cancelled) {
        rpc->has_cancelled = false;
        cjd_rpc_calls_end(rpc, cjd_rpc_call_is_cancelled, NULL, NULL);
    }
    cjd_rpc_streams_run(rpc);
}

void cjd_rpc_withdraw(struct cjd_rpc *rpc, const void *owner)
{
    const struct cjd_rpc_error gone = {.size = sizeof gone,
                                       .err = CJD_ERR_STATE,
                                       .code = "provider_stopped",
                                       .pointer = "",
                                       .message = "the plugin that offers this has stopped",
                                       .hint = "look into the log for the reason"};

    cjd_rpc_calls_end(rpc, cjd_rpc_call_is_of_method, owner, &gone);
    cjd_rpc_methods_withdraw(rpc, owner);
}

void cjd_rpc_hang_up(struct cjd_rpc *rpc, const void *owner)
{
    cjd_rpc_calls_end(rpc, cjd_rpc_call_is_by, owner, NULL);
    cjd_rpc_streams_hang_up(rpc, owner);
}

const char *cjd_rpc_boot_id(const struct cjd_rpc *rpc)
{
    return rpc->boot_id;
}

uint64_t cjd_rpc_revision(const struct cjd_rpc *rpc)
{
    return rpc->revision;
}

void cjd_rpc_stats(const struct cjd_rpc *rpc, struct cjd_rpc_stats *out)
{
    *out = rpc->stats;
}
