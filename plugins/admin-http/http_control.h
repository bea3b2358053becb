/*
 * The control thread's half: errands become calls and subscriptions of the registry, what the
 * registry offers becomes a catalogue. All [control].
 *
 *     CALL → call under way ─done→ DONE          CALL → subscribed ─ready, credit→ EVENT …
 *                 └ CANCEL → cancelled → DONE                └ CANCEL → unsubscribed → DONE
 *
 * Timer: one that looks every second whether methods have come or gone.
 */
#ifndef CJD_HTTP_CONTROL_H
#define CJD_HTTP_CONTROL_H

#include <cjd/host.h>
#include <cjd/rpc.h>

#include "http_mail.h"

struct cjd_http_control {
    const struct cjd_host *host;
    const struct cjd_rpc_service *rpc;
    const struct cjd_loop_service *loop;
    struct cjd_http_box in;   /* letters to this thread */
    struct cjd_http_box *out; /* to the HTTP thread */
    struct cjd_http_errand *live;
    struct cjd_plugin_timer watch;
    uint64_t revision; /* of the last catalogue sent */
    bool has_sent;
    bool is_started;
    struct cjd_http_errand *calling; /* whose call has not returned yet */
    struct cjd_http_letter *held;    /* its answer */
};

CJD_MUST_CHECK int cjd_http_control_init(struct cjd_http_control *c, const struct cjd_host *host,
                                         struct cjd_http_box *out);
void cjd_http_control_fini(struct cjd_http_control *c);
void cjd_http_control_start(struct cjd_http_control *c);
/* Cancels everything under way; errands get no DONE any more. */
void cjd_http_control_stop(struct cjd_http_control *c);

#endif
