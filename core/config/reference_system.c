#include <config/convert.h>

#include <string.h>

#include <config/format.h>

/* `admin` (§4.3) and `security` (§4.7). */

/* --- admin --------------------------------------------------------------------------------------
 */

static bool is_loopback(const struct cjd_endpoint *e)
{
    static const uint8_t ip6[16] = {[15] = 1};

    return e->family == 4 ? e->ip[0] == 127 : memcmp(e->ip, ip6, sizeof ip6) == 0;
}

/* True: the face must be left out, because anybody could use it (admin notes §5). */
static bool check_bind(struct cjd_ref admin, const char *bind, const char *password)
{
    struct cjd_ref at = cjd_ref_member(admin, "bind");
    struct cjd_endpoint e;
    const char *why = NULL;

    if (cjd_endpoint_parse(&e, bind, &why) == 0) {
        why = e.family == 0 ? "must be an address, not a host name"
              : e.port < 0  ? "a port is missing, as in \"127.0.0.1:11234\""
                            : NULL;
    }
    if (why) {
        cjd_ref_report(at, CJD_DIAG_ERROR, "%s", why);
        return true;
    }
    bool is_allowed = json_is_true(json_object_get(admin.v, "allowInsecure"));
    if (!password || strcmp(password, "NONE") != 0 || is_loopback(&e) || is_allowed) {
        return false;
    }
    cjd_ref_report(at, CJD_DIAG_WARNING,
                   "with the password \"NONE\" everybody could use this address: the admin "
                   "interface is left out; set a password, or \"allowInsecure\": true");
    return true;
}

static void convert_udp_face(struct cjd_convert *c, struct cjd_ref admin,
                             const struct cjd_out *plugins)
{
    static const char *const keys[] = {"bind", "password", "allowInsecure", NULL};
    const char *bind = cjd_ref_text_needed(admin, "bind");
    const char *password = cjd_ref_text(admin, "password");
    struct cjd_ref insecure = cjd_ref_member(admin, "allowInsecure");
    struct cjd_out config = cjd_out_plugin(c, plugins, "admin-udp", false, admin);

    cjd_ref_known(admin, keys, false);
    if (bind && check_bind(admin, bind, password)) {
        cjd_out_disable(c, plugins);
    }
    cjd_out_text(c, &config, "bind", cjd_ref_member(admin, "bind"), bind);
    cjd_out_text(c, &config, "password", cjd_ref_member(admin, "password"), password);
    if (json_is_boolean(insecure.v)) {
        cjd_out_put(c, &config, "allowInsecure", json_boolean(json_is_true(insecure.v)), insecure);
    } else if (insecure.v) {
        cjd_ref_report(insecure, CJD_DIAG_ERROR, "\"allowInsecure\" must be true or false");
    }
    if (!cjd_plugin_is_built("admin-udp")) {
        cjd_ref_report(admin, CJD_DIAG_NOTE,
                       "this build has no plugin \"admin-udp\": there is no admin interface");
    }
}

void cjd_reference_admin(struct cjd_convert *c, struct cjd_ref root, const struct cjd_out *plugins)
{
    static const char socket[] = "unix:/run/cjdns/api.sock?mode=0660&group=cjdns";
    struct cjd_ref admin = cjd_ref_object(root, "admin");
    struct cjd_ref none = {.c = c, .v = NULL, .node = 0};

    if (admin.v) {
        convert_udp_face(c, admin, plugins);
    } else if (!json_object_get(root.v, "admin")) {
        cjd_ref_report(root, CJD_DIAG_WARNING,
                       "there is no \"admin\": tools of the older program cannot reach this node");
    }
    struct cjd_out http = cjd_out_plugin(c, plugins, "admin-http", false, none);
    struct cjd_out listen = cjd_out_group(c, &http, "listen", json_array(), none);
    cjd_out_push(c, &listen, json_string(socket), none);
}

/* --- sandbox ------------------------------------------------------------------------------------
 */

/* What the list comes to; the defaults hold for what it does not name (§4.7). */
struct sandbox {
    const char *user; /* NULL: stay */
    struct cjd_ref user_from;
    bool keep_net_admin;
    const char *chroot; /* NULL: none */
    struct cjd_ref chroot_from;
    json_int_t no_files;
    json_int_t no_forks;
    json_int_t seccomp;
};

/* A text, or 0 for "do not". True if it is one of both. */
static bool text_or_zero(struct cjd_ref object, const char *key, const char **out)
{
    struct cjd_ref at = cjd_ref_member(object, key);

    if (json_is_string(at.v) && json_string_length(at.v) > 0) {
        *out = json_string_value(at.v);
        return true;
    }
    if (json_is_false(at.v) || (json_is_integer(at.v) && json_integer_value(at.v) == 0)) {
        *out = NULL;
        return true;
    }
    cjd_ref_report(at, CJD_DIAG_ERROR, "\"%s\" must be a text in quotes, or 0", key);
    return false;
}

static void read_setuser(struct sandbox *s, struct cjd_ref entry)
{
    static const char *const keys[] = {"setuser", "keepNetAdmin", "exemptAngel", NULL};
    json_int_t keep = 0;

    cjd_ref_known(entry, keys, false);
    if (text_or_zero(entry, "setuser", &s->user)) {
        s->user_from = cjd_ref_member(entry, "setuser");
    }
    /* Named explicitly, a user keeps no privilege by default. */
    cjd_ref_integer(entry, "exemptAngel", 0, 1, &keep);
    cjd_ref_integer(entry, "keepNetAdmin", 0, 1, &keep);
    s->keep_net_admin = keep != 0 || !s->user;
}

static void read_chroot(struct sandbox *s, struct cjd_ref entry)
{
    struct cjd_ref at = cjd_ref_member(entry, "chroot");

    if (text_or_zero(entry, "chroot", &s->chroot)) {
        s->chroot_from = at;
        if (s->chroot && s->chroot[0] != '/') {
            cjd_ref_report(at, CJD_DIAG_ERROR, "must be an absolute path, which begins with \"/\"");
        }
    }
}

static void read_entry(struct sandbox *s, struct cjd_ref entry)
{
    static const char *const keys[] = {"setuser", "chroot",        "nofiles", "noforks",
                                       "seccomp", "setupComplete", NULL};
    json_int_t complete;

    if (!json_is_object(entry.v)) {
        cjd_ref_report(entry, CJD_DIAG_WARNING,
                       "ignored: an entry is an object such as { \"noforks\": 1 }");
        return;
    }
    if (json_object_get(entry.v, "setuser")) {
        read_setuser(s, entry);
        return;
    }
    cjd_ref_known(entry, keys, false);
    if (json_object_get(entry.v, "chroot")) {
        read_chroot(s, entry);
    }
    cjd_ref_integer(entry, "nofiles", 0, 1, &s->no_files);
    cjd_ref_integer(entry, "noforks", 0, 1, &s->no_forks);
    cjd_ref_integer(entry, "seccomp", 0, 1, &s->seccomp);
    cjd_ref_integer(entry, "setupComplete", 0, 1, &complete); /* without effect here */
}

static void write_chroot(struct cjd_convert *c, const struct sandbox *s, const struct cjd_out *out)
{
    size_t n = s->chroot ? strlen(s->chroot) : 0;

    while (n > 1 && s->chroot[n - 1] == '/') {
        n--;
    }
    cjd_out_put(c, out, "chroot", s->chroot ? json_stringn(s->chroot, n) : json_null(),
                s->chroot_from);
}

void cjd_reference_sandbox(struct cjd_convert *c, struct cjd_ref root, const struct cjd_out *native)
{
    struct cjd_ref from = cjd_ref_list(root, "security");
    struct sandbox s = {.user = "nobody",
                        .user_from = from,
                        .keep_net_admin = true,
                        .chroot = "/var/run",
                        .chroot_from = from,
                        .no_forks = 1,
                        .seccomp = 1};

    for (size_t i = 0; i < json_array_size(from.v); i++) {
        read_entry(&s, cjd_ref_item(from, i));
    }
    struct cjd_out out = cjd_out_group(c, native, "sandbox", json_object(), from);
    cjd_out_put(c, &out, "user", s.user ? json_string(s.user) : json_null(), s.user_from);
    cjd_out_put(c, &out, "keepNetAdmin", json_boolean(s.keep_net_admin), s.user_from);
    write_chroot(c, &s, &out);
    cjd_out_put(c, &out, "noForks", json_boolean(s.no_forks), from);
    cjd_out_put(c, &out, "noFiles", json_boolean(s.no_files), from);
    cjd_out_put(c, &out, "seccomp", json_boolean(s.seccomp), from);
}
