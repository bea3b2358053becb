/* --invite and --add-peer: changing a configuration file. */
#include <daemon/tools.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <cjd/endpoint.h>
#include <cjd/text.h>
#include <config/peering.h>
#include <daemon/input.h>
#include <daemon/reach.h>
#include <daemon/rewrite.h>

/* Bytes of a login that a node tells apart when it shows who came with it. */
#define LOGIN_MAX 64u

/* The file under change. */
struct work {
    const struct cjd_options *options;
    struct cjd_rewrite file;
    struct cjd_diags diags;
    char *text; /* as read */
    size_t len;
};

static int status_of(int err)
{
    switch (err) {
    case 0:
        return 0;
    case CJD_ERR_PERMISSION:
        return CJD_EXIT_PERMISSION;
    case CJD_ERR_NO_MEMORY:
    case CJD_ERR_IO:
    case CJD_ERR_AGAIN:
        return CJD_EXIT_INTERNAL;
    default:
        return CJD_EXIT_CONFIG;
    }
}

static int begin(struct work *w, const struct cjd_options *options)
{
    *w = (struct work){.options = options, .diags = {.file = options->config}};
    int err = cjd_rewrite_open(&w->file, options->config, stderr);
    if (err < 0) {
        return err;
    }
    struct cjd_input in = {.path = options->config, .fd = w->file.fd};
    err = cjd_input_read(&in, &w->text, &w->len);
    if (err < 0) {
        fprintf(stderr, "cjdroute: %s: %s\n", options->config, cjd_input_fault(err));
    }
    return err;
}

static void print_diags(struct work *w)
{
    cjd_diags_print(&w->diags, stderr);
    cjd_diags_fini(&w->diags);
}

static int end(struct work *w, int err)
{
    cjd_input_free(w->text, w->len);
    cjd_rewrite_close(&w->file);
    return status_of(err);
}

/* What is wrong with the file besides would keep a node from taking the change. */
static void tell_mistakes(const struct work *w, const char *text, size_t len)
{
    struct cjd_diags diags = {.file = w->options->config};
    struct cjd_config *config;

    int err = cjd_config_read(&config, text, len, &diags);
    cjd_config_free(config);
    if (err < 0) {
        cjd_diags_print(&diags, stderr);
        fprintf(stderr, "The file has these mistakes besides; as long as it has, a running node "
                        "does not take it over.\n");
    }
    cjd_diags_fini(&diags);
}

static int commit(struct work *w, const struct cjd_peering_change *change)
{
    return cjd_rewrite_commit(&w->file, w->text, w->len, change->text, change->len, stderr);
}

static void tell_rest(const struct work *w, const struct cjd_peering_change *change)
{
    fprintf(stderr,
            "The file as it was is %s.bak. A running node takes the change over, without a "
            "restart, after\n    kill -HUP $(pidof cjdroute)\nor, as a service, systemctl reload "
            "cjdroute.\n",
            w->file.path);
    tell_mistakes(w, change->text, change->len);
}

/* --- --invite -----------------------------------------------------------------------------------
 */

/* "host" or "host:port" from the command line; without a port that of the node's links. */
static int take_address(struct cjd_peer_uri *uri, const char *text,
                        const struct cjd_peering_self *self)
{
    char *out = uri->address[uri->address_count++];
    struct cjd_endpoint e;
    const char *why = NULL;
    long port = 0;

    if (cjd_endpoint_parse(&e, text, &why) < 0) {
        fprintf(stderr, "cjdroute: --address %s: %s\n", text, why);
        return CJD_ERR_INVALID;
    }
    for (size_t i = 0; i < self->bind_count && port <= 0; i++) {
        bool fits = e.family == 0 || e.family == self->bind[i].family;
        port = fits ? self->bind[i].port : 0;
    }
    port = e.port > 0 ? e.port : port;
    if (port <= 0) {
        fprintf(stderr, "cjdroute: --address %s: a port is missing, as in \"%s:20948\"\n", text,
                e.host);
        return CJD_ERR_INVALID;
    }
    snprintf(out, CJD_PEER_ADDRESS_SIZE, e.family == 6 ? "[%s]:%ld" : "%s:%ld", e.host, port);
    return 0;
}

static int take_addresses(const struct work *w, struct cjd_peer_uri *uri,
                          const struct cjd_peering_self *self)
{
    const struct cjd_options *o = w->options;
    const char *why;
    int err = 0;

    for (size_t i = 0; err == 0 && i < o->address_count; i++) {
        err = take_address(uri, o->addresses[i], self);
    }
    if (err == 0 && o->address_count == 0 && !cjd_reach_fill(uri, self, &why)) {
        fprintf(stderr, "cjdroute: %s: %s; or say where it can be reached: --address HOST:PORT\n",
                o->config, why);
        err = CJD_ERR_CONFIG;
    }
    return err;
}

static bool has_global_address(const struct cjd_peer_uri *uri)
{
    for (size_t i = 0; i < uri->address_count; i++) {
        if (cjd_reach_is_global(uri->address[i])) {
            return true;
        }
    }
    return false;
}

static int make_uri(struct work *w, struct cjd_peer_uri *uri, char text[CJD_PEER_URI_SIZE])
{
    struct cjd_rng rng = cjd_rng_system();
    struct cjd_peering_self self;

    int err = cjd_peering_self(&self, w->text, w->len, &w->diags);
    if (err < 0) {
        return err;
    }
    uri->key = self.key;
    snprintf(uri->login, sizeof uri->login, "%s", w->options->invite);
    snprintf(uri->name, sizeof uri->name, "%s", self.name);
    cjd_peering_draw_password(uri->password, &rng);
    err = take_addresses(w, uri, &self);
    if (err == 0 && cjd_peer_uri_write(text, CJD_PEER_URI_SIZE, uri) < 0) {
        fprintf(stderr, "cjdroute: name and addresses are too long for a peer URI, or contain what "
                        "is no text\n");
        err = CJD_ERR_INVALID;
    }
    return err;
}

static void tell_invitation(const struct work *w, const struct cjd_peer_uri *uri,
                            const struct cjd_peering_change *change)
{
    fprintf(stderr, "%s:%u: %s password for \"%s\"\n", w->options->config, change->line,
            change->is_replaced ? "a new" : "added a", uri->login);
    if (!has_global_address(uri)) {
        const char *port = strrchr(uri->address[0], ':');
        fprintf(stderr,
                "Every address in the URI is of a local network (%s): nodes elsewhere cannot reach "
                "it.\nIf this node is behind a router that translates addresses (NAT), forward UDP "
                "port %s\nthere, and repeat this with the router's public address: --replace "
                "--address ADDRESS%s\n",
                uri->address[0], port + 1, port);
    }
}

static int check_login(const char *login)
{
    size_t n = strlen(login);

    if (n == 0 || n > LOGIN_MAX) {
        fprintf(stderr, "cjdroute: --invite: the name of who is invited has 1 to %u bytes\n",
                LOGIN_MAX);
        return CJD_ERR_INVALID;
    }
    return 0;
}

static int invite(struct work *w)
{
    struct cjd_peer_uri uri = {.address_count = 0};
    struct cjd_peering_change change = {0};
    char text[CJD_PEER_URI_SIZE];

    int err = check_login(w->options->invite);
    err = err < 0 ? err : make_uri(w, &uri, text);
    if (err == 0) {
        err = cjd_peering_authorize(&change, w->text, w->len, uri.login, uri.password,
                                    w->options->replaces, &w->diags);
    }
    print_diags(w);
    if (err == CJD_ERR_EXISTS) {
        fprintf(stderr,
                "cjdroute: with --replace \"%s\" gets a new password, and the old one is "
                "void\n",
                uri.login);
    }
    if (err == 0) {
        err = commit(w, &change);
    }
    if (err == 0) {
        tell_invitation(w, &uri, &change);
        tell_rest(w, &change);
    }
    if (err == 0 && (printf("%s\n", text) < 0 || fflush(stdout) != 0)) {
        fprintf(stderr, "cjdroute: the URI could not be written\n");
        err = CJD_ERR_IO;
    }
    cjd_peering_change_fini(&change);
    cjd_peer_uri_fini(&uri);
    explicit_bzero(text, sizeof text);
    return err;
}

/* --- --add-peer ---------------------------------------------------------------------------------
 */

static int read_peers(const struct cjd_options *options, struct cjd_peer_uri **out, size_t *count)
{
    bool is_stdin = strcmp(options->peer, "-") == 0;
    struct cjd_diags diags = {.file = is_stdin ? "standard input" : "peer"};
    struct cjd_input in = {.path = "-", .fd = 0, .is_stdin = true};
    char *text = NULL;
    size_t len = strlen(options->peer);

    int err = is_stdin ? cjd_input_read(&in, &text, &len) : 0;
    if (err < 0) {
        fprintf(stderr, "cjdroute: standard input: %s\n", cjd_input_fault(err));
        return err;
    }
    err = cjd_peering_read(out, count, is_stdin ? text : options->peer, len, &diags);
    cjd_diags_print(&diags, stderr);
    cjd_diags_fini(&diags);
    cjd_input_free(text, is_stdin ? len : 0);
    return err;
}

static void tell_addresses(const struct cjd_peer_uri *peer, unsigned which, const char *before)
{
    for (size_t i = 0; i < peer->address_count; i++) {
        if (which & 1u << i) {
            fprintf(stderr, "%s%s", before, peer->address[i]);
            before = ", ";
        }
    }
}

static void tell_peer(const struct work *w, const struct cjd_peer_uri *peer,
                      const struct cjd_peering_change *change)
{
    char key[CJD_KEY_TEXT_SIZE];

    cjd_key_to_text(key, &peer->key);
    fprintf(stderr, "%s:%u: %s peer %s", w->options->config, change->line,
            change->is_replaced ? "replaced" : "added", peer->name[0] != '\0' ? peer->name : key);
    tell_addresses(peer, change->used_addresses, " at ");
    fprintf(stderr, ", for the link bound to %s", change->bind);
    tell_addresses(peer, ~change->used_addresses, "\n    not reached by that link: ");
    fputc('\n', stderr);
}

/* One after the other: each is added to the text that the one before has made. */
static int change_text(struct work *w, struct cjd_peer_uri *peers, size_t count,
                       struct cjd_peering_change *changes)
{
    int err = 0;

    for (size_t i = 0; err == 0 && i < count; i++) {
        const char *text = i > 0 ? changes[i - 1].text : w->text;
        size_t len = i > 0 ? changes[i - 1].len : w->len;
        cjd_reach_sort(&peers[i]);
        err = cjd_peering_add(&changes[i], text, len, &peers[i], w->options->replaces, &w->diags);
    }
    print_diags(w);
    if (err == CJD_ERR_EXISTS && !w->options->replaces) {
        fprintf(stderr, "cjdroute: with --replace the new entry takes its place\n");
    }
    return err;
}

static int add_all(struct work *w, struct cjd_peer_uri *peers, size_t count)
{
    struct cjd_peering_change *changes = calloc(count, sizeof *changes);
    int err = changes ? change_text(w, peers, count, changes) : CJD_ERR_NO_MEMORY;

    err = err < 0 ? err : commit(w, &changes[count - 1]);
    for (size_t i = 0; err == 0 && i < count; i++) {
        tell_peer(w, &peers[i], &changes[i]);
    }
    if (err == 0) {
        tell_rest(w, &changes[count - 1]);
    }
    for (size_t i = 0; changes && i < count; i++) {
        cjd_peering_change_fini(&changes[i]);
    }
    free(changes);
    return err;
}

static int add_peer(struct work *w)
{
    struct cjd_peer_uri *peers;
    size_t count;
    int err = read_peers(w->options, &peers, &count);

    if (err == 0) {
        err = add_all(w, peers, count);
        cjd_peering_peers_free(peers, count);
    }
    return err;
}

int cjd_tools_peering(const struct cjd_options *options)
{
    struct work w;

    if (!options->config || strcmp(options->config, "-") == 0) {
        fprintf(stderr, "cjdroute: --invite and --add-peer change a file: name it with --config "
                        "FILE\n");
        return CJD_EXIT_USAGE;
    }
    int err = begin(&w, options);
    if (err == 0) {
        err = options->action == CJD_ACTION_INVITE ? invite(&w) : add_peer(&w);
    }
    return end(&w, err);
}
