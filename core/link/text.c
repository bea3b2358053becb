#include <link/link.h>

const char *cjd_link_state_text(int state)
{
    switch (state) {
    case CJD_CA_INIT:
        return "init";
    case CJD_CA_SENT_HELLO:
        return "sent_hello";
    case CJD_CA_RECEIVED_HELLO:
        return "received_hello";
    case CJD_CA_SENT_KEY:
        return "sent_key";
    case CJD_CA_RECEIVED_KEY:
        return "received_key";
    case CJD_CA_ESTABLISHED:
        return "established";
    case CJD_LINK_STATE_UNRESPONSIVE:
        return "unresponsive";
    case CJD_LINK_STATE_UNAUTHENTICATED:
        return "unauthenticated";
    case CJD_LINK_STATE_INCOMPATIBLE:
        return "incompatible";
    default:
        return "unknown";
    }
}

const char *cjd_link_reason_text(enum cjd_link_reason reason)
{
    switch (reason) {
    case CJD_LINK_REASON_NEW:
        return "just created";
    case CJD_LINK_REASON_NO_ADDRESS:
        return "no address yet: its name is being resolved";
    case CJD_LINK_REASON_NAME:
        return "its name does not resolve: check the spelling and the system's name servers";
    case CJD_LINK_REASON_NO_ANSWER:
        return "no answer: the other node is off or unreachable, a firewall drops the packets, or "
               "it refuses our key, login or password without saying so";
    case CJD_LINK_REASON_HANDSHAKE:
        return "handshake under way";
    case CJD_LINK_REASON_UP:
        return "established";
    case CJD_LINK_REASON_SILENT:
        return "established before, silent now: the other node or the way to it is off, it is "
               "asked again all the time";
    case CJD_LINK_REASON_VERSION:
        return "it speaks an incompatible protocol version: the older of the two nodes must be "
               "upgraded";
    case CJD_LINK_REASON_OWN_KEY:
        return "it is this node itself: its address leads back here, correct the address";
    case CJD_LINK_REASON_SEND:
        return "packets to it cannot be sent from this link: check address family and route";
    case CJD_LINK_REASON_LINK_DOWN:
        return "its link is down: check cable, device and its configuration";
    case CJD_LINK_REASON_FAMILY:
        return "its address is of a family that this link does not carry: give it an address of "
               "the "
               "other family, or a link of that family";
    }
    return "unknown";
}

const char *cjd_refusal_text(const struct cjd_refusal *refusal)
{
    switch (refusal->err) {
    case CJD_ERR_OWN_KEY:
        return "it uses this node's own key: a copied configuration, or a loop back to ourselves";
    case CJD_ERR_BAD_KEY:
        return "its key does not map to an fc00::/8 address: it must generate another key";
    case CJD_ERR_FULL:
        return "no free place for another peer";
    default:
        break;
    }
    switch (refusal->result) {
    case CJD_CA_AUTH_REQUIRED:
        return "unknown login or password: compare its credentials with the passwords accepted "
               "here";
    case CJD_CA_UNKNOWN_AUTH:
        return "unknown login: compare its credentials with the passwords accepted here";
    case CJD_CA_IP_RESTRICTED:
        return "the login it uses is bound to another node's address";
    case CJD_CA_HANDSHAKE_DECRYPT:
        return "login known, but the packet does not open: wrong password, or it has a wrong "
               "public "
               "key of this node";
    case CJD_CA_WRONG_KEY:
        return "another key than the one configured or known for that address";
    default:
        return cjd_ca_result_text(refusal->result);
    }
}
