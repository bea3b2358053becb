/*
 * Descriptions of methods and event types that stand in a JSON file beside the code:
 *
 *     {"types": {"peer": SCHEMA}, "methods": {"peers.get": {"scope": "read", "http": …, "summary":
 * …, "description": …, "later": true, "timeout_ms": …, "args": …, "item": …, "result": …}},
 *      "events": {"peer.added": {"summary": …, "data": …}}}
 *
 * A schema may name a type of the file as "@peer". The file is part of the program; a fault in it
 * is a fault of the program. Control thread.
 */
#ifndef CJD_RPC_DOCUMENT_H
#define CJD_RPC_DOCUMENT_H

#include <rpc/rpc.h>

struct cjd_rpc_document;

/* The code of a method. */
struct cjd_rpc_binding {
    const char *name;
    void (*call)(void *arg, struct cjd_rpc_call *call, const json_t *args);
    void (*cancel)(void *arg, struct cjd_rpc_call *call); /* "later": true */
};

/* Registers all methods and events of the file. CJD_ERR_CONFIG: one has no code, or the other way
 * round. On failure nothing stays. */
CJD_MUST_CHECK int cjd_rpc_document_new(struct cjd_rpc_document **out, struct cjd_rpc *rpc,
                                        const char *text, const struct cjd_rpc_binding *bindings,
                                        size_t count, void *arg);
/* Withdraws them. NULL is legal. */
void cjd_rpc_document_free(struct cjd_rpc_document *doc);

#endif
