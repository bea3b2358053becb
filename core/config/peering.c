#include <config/peering.h>

#include <stdlib.h>
#include <string.h>

#include <cjd/text.h>
#include <config/change.h>
#include <config/private.h>

#define LINKS_MAX 64u

/* A UDP link of the file. */
struct udp_link {
    uint32_t node; /* of what holds the list of peers */
    json_t *v;     /* the same */
    bool is_enabled;
    char bind_text[168];
    struct cjd_endpoint bind[2]; /* one of each family, as far as they are sound */
    size_t bind_count;
};

/* An entry that is in the way. */
struct spot {
    const struct udp_link *link;
    struct cjd_spot at;
};

struct job {
    struct cjd_change c;
    struct udp_link links[LINKS_MAX];
    size_t link_count;
};

void cjd_peering_change_fini(struct cjd_peering_change *change)
{
    if (change->text) {
        explicit_bzero(change->text, change->len);
        free(change->text);
    }
    explicit_bzero(change, sizeof *change);
}

void cjd_peering_draw_password(char out[CJD_PEERING_PASSWORD_SIZE], const struct cjd_rng *rng)
{
    uint8_t bytes[16];

    cjd_rng_fill(rng, bytes, sizeof bytes);
    (void)cjd_base32_encode(out, CJD_PEERING_PASSWORD_SIZE, bytes, sizeof bytes);
    explicit_bzero(bytes, sizeof bytes);
}

/* --- reading ------------------------------------------------------------------------------------
 */

static const char *member_text(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static void add_bind(struct udp_link *l, const char *text)
{
    size_t n = strlen(l->bind_text);
    const char *why;

    if (text && l->bind_count < 2 && cjd_endpoint_parse(&l->bind[l->bind_count], text, &why) == 0 &&
        l->bind[l->bind_count].family != 0) {
        l->bind_count++;
        snprintf(l->bind_text + n, sizeof l->bind_text - n, "%s%s", n > 0 ? ", " : "", text);
    }
}

static void add_link(struct job *j, uint32_t node, json_t *v, const json_t *config, bool is_enabled)
{
    const json_t *bind = json_object_get(config, "bind");
    struct udp_link *l = &j->links[j->link_count];

    if (j->link_count == LINKS_MAX || !json_is_object(v)) {
        return;
    }
    *l = (struct udp_link){.node = node, .v = v, .is_enabled = is_enabled};
    add_bind(l, bind ? json_string_value(bind) : "0.0.0.0");
    for (size_t i = 0; i < json_array_size(bind); i++) {
        add_bind(l, json_string_value(json_array_get(bind, i)));
    }
    j->link_count++;
}

static void find_native_links(struct job *j)
{
    json_t *plugins = json_object_get(j->c.tree, "plugins");
    uint32_t list = cjd_source_member(j->c.source, 0, "plugins");

    for (size_t i = 0; i < json_array_size(plugins); i++) {
        json_t *entry = json_array_get(plugins, i);
        const char *name = member_text(entry, "plugin");
        uint32_t node = cjd_source_item(j->c.source, list, i);
        json_t *config = json_object_get(entry, "config");
        bool is_enabled = !json_is_false(json_object_get(entry, "enabled"));
        if (!name || strcmp(name, "udp") != 0) {
            continue;
        }
        if (config) {
            add_link(j, cjd_source_member(j->c.source, node, "config"), config, config, is_enabled);
        } else {
            add_link(j, node, entry, NULL, is_enabled);
        }
    }
}

/* A list, or one object in place of a list of one (§4.4). */
static void find_reference_links(struct job *j)
{
    json_t *interfaces = json_object_get(j->c.tree, "interfaces");
    json_t *udp = json_object_get(interfaces, "UDPInterface");

    if (!udp) {
        return;
    }
    uint32_t parent = cjd_source_member(j->c.source, 0, "interfaces");
    uint32_t node = cjd_source_member(j->c.source, parent, "UDPInterface");
    if (json_is_object(udp)) {
        add_link(j, node, udp, udp, true);
    }
    for (size_t i = 0; i < json_array_size(udp); i++) {
        json_t *entry = json_array_get(udp, i);
        add_link(j, cjd_source_item(j->c.source, node, i), entry, entry, true);
    }
}

static void find_links(struct job *j)
{
    if (j->c.is_reference) {
        find_reference_links(j);
    } else {
        find_native_links(j);
    }
}

/* --- peers --------------------------------------------------------------------------------------
 */

static void put_text(json_t *object, const char *key, const char *text)
{
    if (text[0] != '\0') {
        json_object_set_new(object, key, json_string(text));
    }
}

/* One address as a text, several as a list. */
static json_t *address_value(const struct cjd_peer_uri *peer, unsigned used)
{
    json_t *list = json_array();

    for (size_t i = 0; i < peer->address_count; i++) {
        if (used & 1u << i) {
            json_array_append_new(list, json_string(peer->address[i]));
        }
    }
    if (json_array_size(list) != 1) {
        return list;
    }
    json_t *text = json_incref(json_array_get(list, 0));
    json_decref(list);
    return text;
}

static json_t *peer_entry(const struct job *j, const struct cjd_peer_uri *peer, unsigned used)
{
    char key[CJD_KEY_TEXT_SIZE];
    json_t *entry = json_object();

    cjd_key_to_text(key, &peer->key);
    if (j->c.is_reference) {
        put_text(entry, "login", peer->login);
        put_text(entry, "password", peer->password);
        put_text(entry, "publicKey", key);
        put_text(entry, "peerName", peer->name);
    } else {
        json_object_set_new(entry, "address", address_value(peer, used));
        put_text(entry, "publicKey", key);
        put_text(entry, "login", peer->login);
        put_text(entry, "password", peer->password);
        put_text(entry, "name", peer->name);
    }
    return entry;
}

/* A name may be of any family. */
static bool is_reachable(const struct udp_link *link, const char *address)
{
    struct cjd_endpoint e;
    const char *why;

    if (cjd_endpoint_parse(&e, address, &why) < 0) {
        return false;
    }
    for (size_t i = 0; i < link->bind_count; i++) {
        if (e.family == 0 || e.family == link->bind[i].family) {
            return true;
        }
    }
    return false;
}

/* Which of the peer's addresses an entry of the link would have; *first: the best of them. */
static unsigned usable(const struct job *j, const struct udp_link *link,
                       const struct cjd_peer_uri *peer, size_t *first)
{
    unsigned used = 0;

    for (size_t i = 0; i < peer->address_count; i++) {
        bool is_full = used != 0 && j->c.is_reference;
        if (!is_full && is_reachable(link, peer->address[i])) {
            *first = used == 0 ? i : *first;
            used |= 1u << i;
        }
    }
    return used;
}

static const struct udp_link *choose_link(const struct job *j, const struct cjd_peer_uri *peer)
{
    const struct udp_link *best = NULL;
    size_t best_first = SIZE_MAX;

    for (size_t i = 0; i < j->link_count; i++) {
        size_t first = SIZE_MAX;
        if (j->links[i].is_enabled && usable(j, &j->links[i], peer, &first) != 0 &&
            first < best_first) {
            best = &j->links[i];
            best_first = first;
        }
    }
    return best;
}

static bool has_address(const struct cjd_peer_uri *peer, const char *address)
{
    char a[320];
    char b[320];

    cjd_peers_plain_address(b, sizeof b, address);
    for (size_t i = 0; i < peer->address_count; i++) {
        cjd_peers_plain_address(a, sizeof a, peer->address[i]);
        if (strcmp(a, b) == 0) {
            return true;
        }
    }
    return false;
}

static bool has_key(const struct cjd_peer_uri *peer, const json_t *entry)
{
    const char *text = member_text(entry, "publicKey");
    struct cjd_key key;

    return text && cjd_key_from_text(&key, text) == 0 && memcmp(&key, &peer->key, sizeof key) == 0;
}

/* The same node, or another at one of its addresses. `address`: a text or a list. */
static bool is_in_the_way(const struct cjd_peer_uri *peer, const json_t *entry,
                          const json_t *address)
{
    if (has_key(peer, entry)) {
        return true;
    }
    if (json_is_string(address)) {
        return has_address(peer, json_string_value(address));
    }
    for (size_t i = 0; i < json_array_size(address); i++) {
        const char *text = json_string_value(json_array_get(address, i));
        if (text && has_address(peer, text)) {
            return true;
        }
    }
    return false;
}

/* Notes an entry that is in the way; *count goes on where there is no room. */
static void take_spot(const struct udp_link *link, struct cjd_spot at, struct spot spots[2],
                      size_t *count)
{
    if (*count < 2) {
        spots[*count] = (struct spot){.link = link, .at = at};
    }
    (*count)++;
}

static size_t find_peer(const struct job *j, const struct cjd_peer_uri *peer, struct spot spots[2])
{
    const char *name = j->c.is_reference ? "connectTo" : "peers";
    size_t count = 0;
    const char *key;
    json_t *v;

    for (size_t i = 0; i < j->link_count; i++) {
        const struct udp_link *l = &j->links[i];
        json_t *group = json_object_get(l->v, name);
        uint32_t node = cjd_source_member(j->c.source, l->node, name);
        for (size_t k = 0; k < json_array_size(group); k++) {
            v = json_array_get(group, k);
            if (is_in_the_way(peer, v, json_object_get(v, "address"))) {
                struct cjd_spot at = {.node = cjd_source_item(j->c.source, node, k), .v = v};
                take_spot(l, at, spots, &count);
            }
        }
        json_object_foreach(group, key, v)
        {
            if (json_is_object(v) && (has_key(peer, v) || has_address(peer, key))) {
                struct cjd_spot at = {.node = cjd_source_member(j->c.source, node, key),
                                      .v = v,
                                      .group = group,
                                      .key = key};
                take_spot(l, at, spots, &count);
            }
        }
    }
    return count;
}

static void note_use(struct cjd_peering_change *out, const struct udp_link *link, unsigned used)
{
    snprintf(out->bind, sizeof out->bind, "%s", link->bind_text);
    out->used_addresses = used;
}

static int replace_peer(struct job *j, const struct spot spots[2], size_t count,
                        const struct cjd_peer_uri *peer, struct cjd_peering_change *out)
{
    const struct udp_link *link = spots[0].link;
    size_t first = 0;

    if (count > 1) {
        return cjd_change_fail(
            &j->c, spots[1].at.node, CJD_ERR_EXISTS,
            "this peer has more than one entry, the first on line %u: take out all but "
            "one by hand",
            cjd_config_node_position(j->c.config, spots[0].at.node).line);
    }
    unsigned used = usable(j, link, peer, &first);
    if (used == 0) {
        return cjd_change_fail(
            &j->c, spots[0].at.node, CJD_ERR_NOT_FOUND,
            "the peer has no address that the link of this entry (%s) reaches: take the "
            "entry out by hand",
            link->bind_text);
    }
    out->is_replaced = true;
    note_use(out, link, used);
    return cjd_change_replace(&j->c, &spots[0].at, peer->address[first], peer_entry(j, peer, used));
}

/* An entry of `plugins` that has no configuration yet. */
static int append_config(struct job *j, const struct udp_link *link, json_t *entry)
{
    struct cjd_edit edit = cjd_change_edit(&j->c);
    json_t *config = json_pack("{s[o]}", "peers", entry);

    if (!config) {
        return CJD_ERR_NO_MEMORY;
    }
    snprintf(j->c.pointer, sizeof j->c.pointer, "%s/config/peers/0",
             cjd_source_pointer(j->c.source, link->node));
    cjd_edit_append(&j->c.out, &edit, link->node, "config", config);
    return json_object_set_new(link->v, "config", config) < 0 ? CJD_ERR_NO_MEMORY : 0;
}

static int add_peer(struct job *j, const struct cjd_peer_uri *peer, struct cjd_peering_change *out)
{
    const struct udp_link *link = choose_link(j, peer);
    size_t first = 0;

    if (!link) {
        return cjd_change_fail(&j->c, 0, CJD_ERR_NOT_FOUND,
                               j->link_count == 0
                                   ? "there is no UDP link in this file to add the peer to"
                                   : "no UDP link of this file reaches an address of the "
                                     "peer: there are none with \"bind\" of its family");
    }
    unsigned used = usable(j, link, peer, &first);
    note_use(out, link, used);
    json_t *entry = peer_entry(j, peer, used);
    if (j->c.is_reference) {
        return cjd_change_append(&j->c, link->node, link->v, "connectTo", peer->address[first],
                                 entry);
    }
    return json_object_get(link->v, "plugin")
               ? append_config(j, link, entry)
               : cjd_change_append(&j->c, link->node, link->v, "peers", NULL, entry);
}

int cjd_peering_add(struct cjd_peering_change *out, const char *text, size_t len,
                    const struct cjd_peer_uri *peer, bool replaces, struct cjd_diags *diags)
{
    struct spot spots[2];
    struct job j = {.link_count = 0};

    *out = (struct cjd_peering_change){0};
    int err = cjd_change_open(&j.c, text, len, diags);
    if (err == 0) {
        find_links(&j);
        size_t count = find_peer(&j, peer, spots);
        if (count == 0) {
            err = add_peer(&j, peer, out);
        } else if (replaces) {
            err = replace_peer(&j, spots, count, peer, out);
        } else {
            err = cjd_change_fail(&j.c, spots[0].at.node, CJD_ERR_EXISTS,
                                  "a peer with this key or address is there already");
        }
    }
    err = err < 0 ? err : cjd_change_finish(&j.c, out);
    cjd_change_close(&j.c);
    return err;
}

/* --- passwords ----------------------------------------------------------------------------------
 */

static json_t *password_entry(const struct job *j, const struct cjd_spot *old, const char *login,
                              const char *password)
{
    json_t *entry = old ? json_copy(old->v) : json_object();

    if (j->c.is_reference) {
        json_object_set_new(entry, "password", json_string(password));
        json_object_set_new(entry, "user", json_string(login));
    } else {
        json_object_del(entry, "passwordFile");
        json_object_set_new(entry, "login", json_string(login));
        json_object_set_new(entry, "password", json_string(password));
    }
    return entry;
}

/* The entry of that login; false: there is none. */
static bool find_login(const struct job *j, uint32_t list_node, const json_t *list,
                       const char *login, struct cjd_spot *out)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_t *v = json_array_get(list, i);
        const char *has = member_text(v, j->c.is_reference ? "user" : "login");
        if (has && strcmp(has, login) == 0) {
            *out = (struct cjd_spot){.node = cjd_source_item(j->c.source, list_node, i), .v = v};
            return true;
        }
    }
    return false;
}

/* Where the list of passwords is, as far as the file has it. */
struct holder {
    uint32_t node;
    json_t *v;
    const char *name;
};

static int find_holder(struct job *j, struct holder *out)
{
    json_t *peering = json_object_get(j->c.tree, "peering");

    *out = (struct holder){.v = j->c.tree, .name = "authorizedPasswords"};
    if (!j->c.is_reference) {
        *out = (struct holder){.node = cjd_source_member(j->c.source, 0, "peering"),
                               .v = peering,
                               .name = "passwords"};
    }
    return !peering || json_is_object(peering) || j->c.is_reference
               ? 0
               : cjd_change_fail(&j->c, out->node, CJD_ERR_CONFIG, "must be an object { }");
}

static int authorize(struct job *j, const char *login, const char *password, bool replaces,
                     struct cjd_peering_change *out)
{
    struct holder h;
    struct cjd_spot old;
    int err = find_holder(j, &h);

    if (err < 0) {
        return err;
    }
    if (!h.v) {
        struct cjd_edit edit = cjd_change_edit(&j->c);
        json_t *peering =
            json_pack("{s[o]}", "passwords", password_entry(j, NULL, login, password));
        snprintf(j->c.pointer, sizeof j->c.pointer, "/peering/passwords/0");
        cjd_edit_append(&j->c.out, &edit, 0, "peering", peering);
        return json_object_set_new(j->c.tree, "peering", peering) < 0 ? CJD_ERR_NO_MEMORY : 0;
    }
    const json_t *list = json_object_get(h.v, h.name);
    uint32_t node = list ? cjd_source_member(j->c.source, h.node, h.name) : CJD_SOURCE_NONE;
    if (!list || !find_login(j, node, list, login, &old)) {
        return cjd_change_append(&j->c, h.node, h.v, h.name, NULL,
                                 password_entry(j, NULL, login, password));
    }
    if (!replaces) {
        return cjd_change_fail(&j->c, old.node, CJD_ERR_EXISTS,
                               "there is a password for \"%.64s\" already", login);
    }
    out->is_replaced = true;
    return cjd_change_replace(&j->c, &old, NULL, password_entry(j, &old, login, password));
}

int cjd_peering_authorize(struct cjd_peering_change *out, const char *text, size_t len,
                          const char *login, const char *password, bool replaces,
                          struct cjd_diags *diags)
{
    struct job j = {.link_count = 0};

    *out = (struct cjd_peering_change){0};
    int err = cjd_change_open(&j.c, text, len, diags);
    err = err < 0 ? err : authorize(&j, login, password, replaces, out);
    err = err < 0 ? err : cjd_change_finish(&j.c, out);
    cjd_change_close(&j.c);
    return err;
}

/* --- this node ----------------------------------------------------------------------------------
 */

/* The key follows from the private one; where that cannot be read here, the file may name it. */
static int own_key(struct job *j, struct cjd_key *out)
{
    static const struct cjd_key none;
    const json_t *node = j->c.is_reference ? j->c.tree : json_object_get(j->c.tree, "node");
    const char *text = member_text(node, "publicKey");

    *out = j->c.config->keypair.key;
    if (memcmp(out, &none, sizeof none) != 0 || (text && cjd_key_from_text(out, text) == 0)) {
        return 0;
    }
    return cjd_change_fail(
        &j->c, 0, CJD_ERR_CONFIG,
        "the node's public key is not known: its private key cannot be read here, and "
        "there is no \"publicKey\" beside it");
}

static void put_binds(struct cjd_peering_self *out, const struct udp_link *link)
{
    for (size_t i = 0; link->is_enabled && i < link->bind_count; i++) {
        if (out->bind_count < CJD_PEERING_BINDS_MAX) {
            out->bind[out->bind_count++] = link->bind[i];
        }
    }
}

int cjd_peering_self(struct cjd_peering_self *out, const char *text, size_t len,
                     struct cjd_diags *diags)
{
    struct job j = {.link_count = 0};

    *out = (struct cjd_peering_self){0};
    int err = cjd_change_open(&j.c, text, len, diags);
    err = err < 0 ? err : own_key(&j, &out->key);
    if (err == 0) {
        const char *name = member_text(json_object_get(j.c.tree, "node"), "name");
        find_links(&j);
        snprintf(out->name, sizeof out->name, "%s", name && strlen(name) < 64 ? name : "");
        for (size_t i = 0; i < j.link_count; i++) {
            put_binds(out, &j.links[i]);
        }
    }
    cjd_change_close(&j.c);
    return err;
}
