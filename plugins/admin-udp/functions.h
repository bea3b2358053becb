/* The functions of §10, and what their files share. */
#ifndef CJD_ADMIN_FUNCTIONS_H
#define CJD_ADMIN_FUNCTIONS_H

#include "admin.h"

#include <stdio.h>

#include <cjd/text.h>
#include <cjd/types.h>

/* An address as this protocol writes it: eight groups of four digits. */
#define FULL_ADDR_SIZE 40u
void full_addr(char out[FULL_ADDR_SIZE], const struct cjd_addr *addr);
/* The same from text; "" if it is none. */
void full_addr_of(char out[FULL_ADDR_SIZE], const char *text);
json_t *full_addr_value(const char *text);

/* A value of a result, borrowed; "" and 0 where it is not there. */
const char *text_in(const json_t *object, const char *key);
json_int_t number_in(const json_t *object, const char *key);
bool flag_in(const json_t *object, const char *key);
/* Milliseconds since 1970 of a time in RFC 3339; 0: never. */
json_int_t time_in(const json_t *object, const char *key);
/* "v21.0000.0000.0000.0013.KEY" of an object with protocol_version, label and public_key. */
json_t *addr_value(const json_t *object);
/* List of "full" of contacts. */
json_t *contacts_value(const json_t *contacts);
/* {bitCount, prefix, prefixLen} of a scheme. */
json_t *scheme_value(const json_t *scheme);
/* "sent_hello" → "SENT_HELLO" */
json_t *state_value(const char *state);

/* Page of a paged function, §7; a negative one is past every end. */
int64_t page_of(const struct admin_request *r);
/* Arguments of a list method for that page; NULL: the page is past the end of everything. */
json_t *page_args(int64_t page, int64_t size);
static inline void put(json_t *object, const char *key, json_t *value)
{
    (void)json_object_set_new(object, key, value);
}

/* Text of a key error (§10.9), or NULL. */
const char *key_fault(const char *text, struct cjd_key *out);
bool is_error(const struct cjd_rpc_error *error, const char *code);

#define FUNCTION(name) void name(struct admin_request *r)
/* log.c */
FUNCTION(fn_log_many);
FUNCTION(fn_log_subscribe);
FUNCTION(fn_log_subscriptions);
FUNCTION(fn_log_unsubscribe);
/* fn_core.c */
FUNCTION(fn_async_enabled);
FUNCTION(fn_available);
FUNCTION(fn_export_fd);
FUNCTION(fn_import_fd);
FUNCTION(fn_ping);
FUNCTION(fn_bytes);
FUNCTION(fn_snapshot);
FUNCTION(fn_exit);
FUNCTION(fn_pid);
FUNCTION(fn_node_info);
FUNCTION(fn_init_tunnel);
FUNCTION(fn_init_tunfd);
FUNCTION(fn_init_socket);
FUNCTION(fn_stop_tun);
FUNCTION(fn_security_fixed);
FUNCTION(fn_setup_complete);
FUNCTION(fn_check_permissions);
FUNCTION(fn_get_user);
/* fn_sign.c */
FUNCTION(fn_check_sig);
FUNCTION(fn_sign);
/* fn_peers.c */
FUNCTION(fn_peer_stats);
FUNCTION(fn_interfaces);
FUNCTION(fn_disconnect);
FUNCTION(fn_reset);
FUNCTION(fn_timestamp);
FUNCTION(fn_passwords_add);
FUNCTION(fn_passwords_list);
FUNCTION(fn_passwords_remove);
/* fn_links.c */
FUNCTION(fn_udp_begin);
FUNCTION(fn_udp_devices);
FUNCTION(fn_udp_new);
FUNCTION(fn_udp_set_broadcast);
FUNCTION(fn_udp_get_broadcast);
FUNCTION(fn_udp_broadcast_addrs);
FUNCTION(fn_udp_beacon);
FUNCTION(fn_udp_fd);
FUNCTION(fn_eth_begin);
FUNCTION(fn_eth_beacon);
FUNCTION(fn_eth_devices);
FUNCTION(fn_eth_new);
/* fn_sessions.c */
FUNCTION(fn_handles);
FUNCTION(fn_session_stats);
FUNCTION(fn_session_by_ip);
FUNCTION(fn_session_reset);
/* fn_store.c */
FUNCTION(fn_dump_table);
FUNCTION(fn_get_link);
FUNCTION(fn_node_for_addr);
FUNCTION(fn_route_label);
FUNCTION(fn_get_verify);
FUNCTION(fn_set_verify);
FUNCTION(fn_lookup);
/* fn_router.c */
FUNCTION(fn_ping_node);
FUNCTION(fn_get_peers);
FUNCTION(fn_find_node);
FUNCTION(fn_next_hop);
FUNCTION(fn_switch_ping);
FUNCTION(fn_search);
FUNCTION(fn_active_search);
FUNCTION(fn_rumor_mill);
/* fn_tunnel.c */
FUNCTION(fn_tunnel_allow);
FUNCTION(fn_tunnel_connect);
FUNCTION(fn_tunnel_list);
FUNCTION(fn_tunnel_remove);
FUNCTION(fn_tunnel_show);
FUNCTION(fn_routes_empty);
FUNCTION(fn_routes_local);
FUNCTION(fn_routes_add);
FUNCTION(fn_routes_remove);
FUNCTION(fn_routes_commit);
/* fn_other.c */
FUNCTION(fn_snode_add);
FUNCTION(fn_snode_list);
FUNCTION(fn_snode_remove);
FUNCTION(fn_snode_status);
FUNCTION(fn_peer_info);
FUNCTION(fn_handlers_list);
FUNCTION(fn_handlers_add);
FUNCTION(fn_handlers_remove);

#endif
