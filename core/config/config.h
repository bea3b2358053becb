/*
 * Configuration: reading (native JSON and the reference's dialect), checking, converting, writing.
 * Source: configuration notes, Part II.
 *
 * Everything found wrong is collected as diagnostics with file, line, column and JSON Pointer;
 * nothing is reported one at a time and nothing exits. Control thread. Secrets never appear in
 * diagnostics.
 */
#ifndef CJD_CONFIG_CONFIG_H
#define CJD_CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

#include <base/rng.h>
#include <cjd/err.h>
#include <crypto/keys.h>

enum cjd_severity { CJD_DIAG_NOTE, CJD_DIAG_WARNING, CJD_DIAG_ERROR };

struct cjd_diag {
    enum cjd_severity severity;
    unsigned line;   /* from 1; 0 = whole file */
    unsigned column; /* from 1, in bytes */
    char *pointer;   /* JSON Pointer in the file as written */
    char *text;      /* what is wrong, and a hint what to do */
};

/* A growing list, at most CJD_DIAGS_MAX; more are counted. */
#define CJD_DIAGS_MAX 200u
struct cjd_diags {
    const char *file; /* name for messages; borrowed */
    struct cjd_diag *v;
    size_t count;
    size_t errors;  /* of severity ERROR, also those not kept */
    size_t dropped; /* not kept */
};
void cjd_diags_fini(struct cjd_diags *d);
/* "FILE:LINE:COLUMN: error: TEXT (/pointer)", one line each. */
void cjd_diags_print(const struct cjd_diags *d, FILE *out);

struct cjd_config;

/* Where a value came from: maps pointers of the native tree to the text, also after conversion. */
struct cjd_position {
    unsigned line;
    unsigned column;
    const char *pointer; /* in the file as written */
};

/*
 * Reads text (NUL bytes are errors), finds out which form it is (§14), checks the core's own part
 * against its schema, converts the reference form (§16), fills in defaults, resolves `…File` and
 * `credential` secrets. On errors: CJD_ERR_CONFIG and *out is NULL, diags tell all of them.
 */
CJD_MUST_CHECK int cjd_config_read(struct cjd_config **out, const char *text, size_t len,
                                   struct cjd_diags *diags);
/* The same, but next to CJD_ERR_CONFIG a file whose text could be made out gives *out even so: to
 * check the plugins' parts of it as well, for nothing else. */
CJD_MUST_CHECK int cjd_config_read_faulty(struct cjd_config **out, const char *text, size_t len,
                                          struct cjd_diags *diags);
void cjd_config_free(struct cjd_config *config);

/* A configuration whose private key is missing or wrong gets another one: to check the rest of it
 * with what needs a node, for nothing else. */
void cjd_config_lend_key(struct cjd_config *config, const struct cjd_rng *rng);

bool cjd_config_is_reference_form(const struct cjd_config *config);
/* The effective native configuration; borrowed. */
const json_t *cjd_config_tree(const struct cjd_config *config);
/* Position of a value of the native tree by its pointer there, e.g. "/plugins/0/config/bind". */
struct cjd_position cjd_config_position(const struct cjd_config *config, const char *pointer);
/* Is an error told of that very place already? */
bool cjd_diags_has_error(const struct cjd_diags *d, const struct cjd_position *at);
/* By place in the file, from number `from` on. */
void cjd_diags_sort(struct cjd_diags *d, size_t from);
/* Reports at the position of a native pointer. */
void cjd_config_diag(const struct cjd_config *config, struct cjd_diags *diags,
                     enum cjd_severity severity, const char *pointer, const char *format, ...)
    CJD_PRINTF(5, 6);

/* --- typed view of the core's part ------------------------------------------------------------ */

const struct cjd_keypair *cjd_config_keypair(const struct cjd_config *config);

struct cjd_config_password {
    const char *login; /* NULL: none given */
    const char *password;
    bool is_restricted;
    struct cjd_addr only;
};
size_t cjd_config_password_count(const struct cjd_config *config);
struct cjd_config_password cjd_config_password_at(const struct cjd_config *config, size_t i);

struct cjd_config_plugin {
    const char *name; /* "udp"; resolved in the plugin path; NULL: only `so` is given */
    const char *so;   /* explicit absolute path, or NULL */
    const char *id;
    bool is_enabled;
    bool is_required;
    json_t *config; /* borrowed; never NULL; defaults of the plugin are filled in by check_plugin */
    char pointer[64]; /* of `config` in the native tree */
};
size_t cjd_config_plugin_count(const struct cjd_config *config);
struct cjd_config_plugin cjd_config_plugin_at(const struct cjd_config *config, size_t i);
/* NULL: not set. */
const char *cjd_config_plugin_path(const struct cjd_config *config);
/* Where plugins may keep things; never NULL. */
const char *cjd_config_state_dir(const struct cjd_config *config);

struct cjd_config_sandbox {
    const char *user; /* NULL: stay, unless user_is_default */
    bool keep_net_admin;
    const char *chroot; /* NULL: none */
    bool no_forks;
    bool no_files;
    /* The file does not say: user "cjdns" if there is one, else "nobody" (`user` is NULL). */
    bool user_is_default;
    bool seccomp;
    bool landlock;
    bool hot_load; /* plugins may be loaded after the start */
};
struct cjd_config_sandbox cjd_config_sandbox(const struct cjd_config *config);

struct cjd_config_log {
    const char *to;    /* "stderr", "stdout", "none", "file:PATH" */
    const char *level; /* "info" */
    bool is_json;
    const json_t *modules; /* {"dht": "debug"}; may be NULL */
};
struct cjd_config_log cjd_config_log(const struct cjd_config *config);
/* noBackground of a reference file. Native files always stay in the foreground. */
bool cjd_config_wants_foreground(const struct cjd_config *config);

/* --- schemas -------------------------------------------------------------------------------------
 */

/* Compiles a schema text; an unknown word or a broken schema gives CJD_ERR_CONFIG and its text in
 * `why`. The documented subset: architecture notes, "Settled questions". */
struct cjd_schema;
CJD_MUST_CHECK int cjd_schema_new(struct cjd_schema **out, const char *text, char *why,
                                  size_t why_size);
void cjd_schema_free(struct cjd_schema *schema);
/* Checks the value at `pointer` of the native tree, reports every fault with position and a hint
 * for a misspelt key, fills in defaults. CJD_ERR_CONFIG if there was any error. */
CJD_MUST_CHECK int cjd_schema_check(const struct cjd_schema *schema, json_t *value,
                                    const struct cjd_config *config, const char *pointer,
                                    struct cjd_diags *diags);
/* The schema itself; borrowed. */
const json_t *cjd_schema_document(const struct cjd_schema *schema);

/* A fault of a value that is from no file; pointer: the value's own. */
enum cjd_schema_fault { CJD_SCHEMA_WRONG, CJD_SCHEMA_MISSING, CJD_SCHEMA_UNKNOWN };
typedef void (*cjd_schema_fault_fn)(void *arg, enum cjd_schema_fault kind, const char *pointer,
                                    const char *text);
/* Checks such a value and fills in defaults. Every key must be known, also "_x"; secrets are texts.
 * CJD_ERR_CONFIG if there was any fault. */
CJD_MUST_CHECK int cjd_schema_check_value(const struct cjd_schema *schema, json_t *value,
                                          cjd_schema_fault_fn tell, void *arg);

/* --- the command line's tools (§11, §14) --------------------------------------------------------
 */

/* Reference form with our own comments; with_eth names the Ethernet section without "_disabled_".
 */
CJD_MUST_CHECK int cjd_config_generate(FILE *out, const struct cjd_rng *rng, bool with_eth);
/* The same values from 64 bytes of seed, bit for bit (§11). */
CJD_MUST_CHECK int cjd_config_generate_seed(FILE *out, const uint8_t seed[64], bool with_eth);
/* Native form, strict JSON. */
CJD_MUST_CHECK int cjd_config_generate_native(FILE *out, const struct cjd_rng *rng);
/* --cleanconf: same output as the reference. CJD_ERR_CONFIG: refused (status 255). */
CJD_MUST_CHECK int cjd_config_clean(FILE *out, const char *text, size_t len,
                                    struct cjd_diags *diags);
/* --convert and --print-config: the native tree as strict JSON; secrets masked or not. */
/* The native tree without secrets, to be freed by json_decref(). NULL: out of memory. */
json_t *cjd_config_masked(const struct cjd_config *config);
CJD_MUST_CHECK int cjd_config_write_native(FILE *out, const struct cjd_config *config,
                                           bool mask_secrets);

#endif
