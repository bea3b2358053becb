/* What the files of this room share. */
#ifndef CJD_CONFIG_PRIVATE_H
#define CJD_CONFIG_PRIVATE_H

#include <config/config.h>
#include <config/diag.h>
#include <config/source.h>

/* A value of the native tree and the node of the file it was made from. */
struct cjd_origin {
    char *pointer;
    uint32_t node;
};

struct cjd_password {
    char *login; /* may be NULL */
    char *password;
    bool is_restricted;
    struct cjd_addr only;
};

struct cjd_config {
    struct cjd_source *source;
    struct cjd_origin *origins; /* of a converted file */
    size_t origin_count;
    size_t origin_cap;
    bool is_reference;
    bool wants_foreground;
    json_t *tree;
    struct cjd_keypair keypair;
    struct cjd_password *passwords;
    size_t password_count;
};

struct cjd_position cjd_config_node_position(const struct cjd_config *config, uint32_t node);
/* Reports at a native pointer; `at_key`: where the key stands instead of its value. */
void cjd_config_report(const struct cjd_config *config, struct cjd_diags *diags,
                       enum cjd_severity severity, const char *pointer, bool at_key,
                       const char *format, ...) CJD_PRINTF(6, 7);
void cjd_config_report_v(const struct cjd_config *config, struct cjd_diags *diags,
                         enum cjd_severity severity, const char *pointer, const char *format,
                         va_list args);
/* Remembers where a native value came from. */
CJD_MUST_CHECK int cjd_config_add_origin(struct cjd_config *config, const char *pointer,
                                         uint32_t node);

/* read.c: is its text sound, whatever it says? */
bool cjd_config_is_well_formed(const struct cjd_config *config);

/* reference.c: §16. Makes config->tree of the tree of a reference file. */
CJD_MUST_CHECK int cjd_reference_convert(struct cjd_config *config, json_t *reference,
                                         struct cjd_diags *diags);
/* native.c: checks the core's part of config->tree, fills in defaults and the typed view. Without
 * the schema where faults were found before: what they left out would only be missed again. */
CJD_MUST_CHECK int cjd_native_check(struct cjd_config *config, bool with_schema,
                                    struct cjd_diags *diags);

/* peers.c: the peerings of one entry of `plugins`, at `pointer`. */
CJD_MUST_CHECK int cjd_peers_check(const struct cjd_config *config, const json_t *entry,
                                   const char *pointer, struct cjd_diags *diags);
/* Login and password of a peer, or of one of the node's own passwords. */
void cjd_peers_check_credentials(const struct cjd_config *config, const json_t *entry,
                                 const char *pointer, struct cjd_diags *diags);
/* One spelling for all texts that mean the same endpoint. */
void cjd_peers_plain_address(char *out, size_t cap, const char *text);

/* credential.c: how much of a name is kept, in bytes. */
#define CJD_NAME_BYTES_MAX 63u
size_t cjd_name_length(const char *text);

/* --- secrets (§15): a value, a file, or a name in the folder of credentials ---------------------
 */

/* How the secret `name` of `object` is given. */
enum cjd_secret_kind {
    CJD_SECRET_NONE,
    CJD_SECRET_TEXT,
    CJD_SECRET_FILE,
    CJD_SECRET_CREDENTIAL,
    CJD_SECRET_WRONG /* of a type that none of them has, or given twice */
};
enum cjd_secret_kind cjd_secret_kind(const json_t *object, const char *name);
/* Reads it. Reports what is wrong at `pointer`, that of the object. The caller frees *out with
 * cjd_secret_free(). CJD_ERR_NOT_FOUND: it is not given at all, nothing reported. */
CJD_MUST_CHECK int cjd_secret_read(char **out, const json_t *object, const char *name,
                                   const struct cjd_config *config, const char *pointer,
                                   struct cjd_diags *diags);
/* Is a text under this key not to be shown? */
bool cjd_secret_is_name(const char *key);

/* check.c: as cjd_schema_check(), but `…File` and `credential` stay as they are. */
CJD_MUST_CHECK int cjd_schema_check_core(const struct cjd_schema *schema, json_t *value,
                                         const struct cjd_config *config, const char *pointer,
                                         struct cjd_diags *diags);
/* Checks a value against a schema in the form of JSON. Returns the number of errors. */
size_t cjd_schema_try(const json_t *schema, json_t *value, char *why, size_t why_size);

#endif
