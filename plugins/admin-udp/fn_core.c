/* §10.1 and the Security_ functions of §10.8. */
#include "functions.h"

#include <errno.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

void fn_ping(struct admin_request *r)
{
    admin_answer(r, json_pack("{s:s}", "q", "pong"));
}

void fn_available(struct admin_request *r)
{
    bool is_full;
    json_t *out =
        json_pack("{s:o}", "availableFunctions", admin_functions_page(page_of(r), &is_full));

    if (is_full) {
        put(out, "more", json_integer(1));
    }
    admin_answer(r, out);
}

void fn_async_enabled(struct admin_request *r)
{
    bool is_active = admin_client_is_active(r->a, admin_client_find(r->a, &r->source));

    admin_answer(r, json_pack("{s:i}", "asyncEnabled", (int)is_active));
}

void fn_export_fd(struct admin_request *r)
{
    admin_error(r, "invalid fd");
}

void fn_import_fd(struct admin_request *r)
{
    admin_error(r, "descriptors cannot be handed over by UDP");
}

/* --- node.info ----------------------------------------------------------------------------------
 */

static void pid_done(struct admin_request *r, const json_t *info, const struct cjd_rpc_error *error)
{
    if (error) {
        admin_fail(r, error);
        return;
    }
    admin_answer(r, json_pack("{s:I}", "pid", number_in(info, "pid")));
}

void fn_pid(struct admin_request *r)
{
    admin_call(r, "node.info", NULL, pid_done);
}

static void bytes_done(struct admin_request *r, const json_t *info,
                       const struct cjd_rpc_error *error)
{
    if (error) {
        admin_fail(r, error);
        return;
    }
    admin_answer(r, json_pack("{s:I}", "bytes", number_in(info, "memory_bytes")));
}

void fn_bytes(struct admin_request *r)
{
    admin_call(r, "node.info", NULL, bytes_done);
}

static void info_done(struct admin_request *r, const json_t *info,
                      const struct cjd_rpc_error *error)
{
    char addr[128];

    if (error) {
        admin_fail(r, error);
        return;
    }
    json_t *out = json_object();
    snprintf(addr, sizeof addr, "v%lld.0000.0000.0000.0001.%s",
             (long long)number_in(info, "protocol_version"), text_in(info, "public_key"));
    put(out, "compressedSchemeHex", json_string(text_in(info, "scheme_hex")));
    put(out, "encodingScheme", scheme_value(json_object_get(info, "scheme")));
    put(out, "error", json_string("none"));
    put(out, "myAddr", json_string(addr));
    put(out, "myIp6", full_addr_value(text_in(info, "address")));
    put(out, "version", json_integer(number_in(info, "protocol_version")));
    admin_answer(r, out);
}

void fn_node_info(struct admin_request *r)
{
    admin_call(r, "node.info", NULL, info_done);
}

static void exit_done(struct admin_request *r, const json_t *result,
                      const struct cjd_rpc_error *error)
{
    (void)result;
    if (error) {
        admin_fail(r, error);
    } else {
        admin_error(r, "none");
    }
}

void fn_exit(struct admin_request *r)
{
    admin_call(r, "node.shutdown", NULL, exit_done);
}

void fn_snapshot(struct admin_request *r)
{
    admin_error(r, "there are no allocators here to look into");
}

/* --- what the configuration decides -------------------------------------------------------------
 */

void fn_init_tunnel(struct admin_request *r)
{
    admin_error(r, "the packet interface is made at the start, as the configuration says (plugin "
                   "\"tun\")");
}

void fn_init_tunfd(struct admin_request *r)
{
    admin_error(r, "Invalid tunfd");
}

void fn_init_socket(struct admin_request *r)
{
    admin_error(r, "Failed to configure socket [not offered: use the plugin \"tun\"]");
}

void fn_stop_tun(struct admin_request *r)
{
    admin_error(r, "the packet interface stays until the node ends");
}

void fn_security_fixed(struct admin_request *r)
{
    admin_error(r, "privileges are given up at the start, as the configuration says (\"sandbox\")");
}

void fn_setup_complete(struct admin_request *r)
{
    admin_error(r, "none");
}

void fn_check_permissions(struct admin_request *r)
{
    admin_answer(r, json_pack("{s:s, s:i, s:i, s:i, s:I}", "error", "none", "noOpenFiles", 0,
                              "seccompEnforcing", 0, "seccompExists", 0, "userId",
                              (json_int_t)geteuid()));
}

void fn_get_user(struct admin_request *r)
{
    char name[64];
    bool is_named = admin_arg_text(r, "user", name, sizeof name);

    errno = 0;
    const struct passwd *user = is_named ? getpwnam(name) : getpwuid(geteuid());
    if (user) {
        admin_answer(r, json_pack("{s:s, s:I, s:s, s:I}", "error", "none", "gid",
                                  (json_int_t)user->pw_gid, "name", user->pw_name, "uid",
                                  (json_int_t)user->pw_uid));
    } else if (!is_named) {
        /* Without the list of users, as in a chroot, the numbers are still true. */
        admin_answer(r, json_pack("{s:s, s:I, s:s, s:I}", "error", "none", "gid",
                                  (json_int_t)getegid(), "name", "", "uid", (json_int_t)geteuid()));
    } else {
        char text[96];
        snprintf(text, sizeof text, "Could not find user [%s]", strerror(errno));
        admin_error(r, text);
    }
}
