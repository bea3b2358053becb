/*
 * The switch: moves frames between interfaces by their label, without look-up in any route table.
 * Source: switch notes §2, §7, §8. Owns the interface table; interface 1 is the node's own router.
 *
 * The caller moves packets; this room judges and rewrites one header at a time, allocates nothing
 * and knows neither peers nor links.
 */
#ifndef CJD_SWITCH_SWITCH_H
#define CJD_SWITCH_SWITCH_H

#include <stdbool.h>
#include <stdint.h>

#include <base/drop.h>
#include <cjd/packet.h>
#include <switch/label.h>
#include <switch/scheme.h>

#define CJD_SWITCH_HEADER_BYTES 12u
#define CJD_SWITCH_SELF         1u
#define CJD_SWITCH_IFACES       257u /* numbers 0 … 256 of v3x5x8 */

/* Error codes on the wire, §8.2. */
enum cjd_switch_error {
    CJD_SWITCH_ERR_NONE = 0,
    CJD_SWITCH_ERR_MALFORMED = 1,
    CJD_SWITCH_ERR_AUTHENTICATION = 6,
    CJD_SWITCH_ERR_UNDELIVERABLE = 8,
    CJD_SWITCH_ERR_RETURN_PATH = 10,
};

struct cjd_switch_header {
    uint64_t label;
    uint8_t congestion;
    bool suppress_errors;
    uint8_t version;
    uint8_t shift;
    uint16_t traffic_class;
};
/* Reads 12 bytes. */
void cjd_switch_header_read(struct cjd_switch_header *out, const uint8_t *bytes);
void cjd_switch_header_write(uint8_t *bytes, const struct cjd_switch_header *h);

enum cjd_iface_state { CJD_IFACE_FREE, CJD_IFACE_UP, CJD_IFACE_DOWN };

struct cjd_switch {
    struct cjd_scheme scheme;
    uint8_t state[CJD_SWITCH_IFACES]; /* enum cjd_iface_state */
    /* Form of each interface; −1: the scheme cannot write it. */
    int16_t narrowest[CJD_SWITCH_IFACES];
};

/* The scheme is copied; it must meet §4.3. All interfaces but SELF are free. */
void cjd_switch_init(struct cjd_switch *sw, const struct cjd_scheme *scheme);
/* Lowest free number that the scheme can write, or CJD_ERR_FULL. It is UP. */
int cjd_switch_iface_add(struct cjd_switch *sw);
void cjd_switch_iface_del(struct cjd_switch *sw, uint32_t iface);
void cjd_switch_iface_set_up(struct cjd_switch *sw, uint32_t iface, bool is_up);

enum cjd_switch_action { CJD_SWITCH_FORWARD, CJD_SWITCH_ERROR, CJD_SWITCH_DROP };

struct cjd_switch_verdict {
    enum cjd_switch_action action;
    uint32_t iface; /* FORWARD: where to */
    /* ERROR: what to tell the source; DROP: what would have been told, NONE if nothing. */
    enum cjd_switch_error error;
    enum cjd_drop reason; /* ERROR and DROP: what to count */
};

/*
 * Judges a frame that begins at bytes[0] and came from interface `source`; FORWARD rewrites its
 * header in place. ERROR and DROP leave it as received. Order of checks: §7.2.
 */
struct cjd_switch_verdict cjd_switch_frame(const struct cjd_switch *sw, uint8_t *bytes,
                                           uint32_t len, uint32_t source);

#define CJD_SWITCH_ERROR_BYTES     24u  /* what an error frame puts in front of its cause */
#define CJD_SWITCH_ERROR_CAUSE_MAX 256u /* bytes of the offending frame that it carries */

/*
 * Makes `pkt` (the offending frame as received, at least 12 bytes) into the error frame of §8.1, in
 * place. It goes straight to the interface it came from. False: no headroom for it, as in a view of
 * a larger packet; nothing was changed.
 */
bool cjd_switch_make_error(struct cjd_pkt *pkt, enum cjd_switch_error code);

/*
 * The same into another, empty packet; `frame` is the offending frame, at least 12 bytes. False: no
 * room.
 */
bool cjd_switch_write_error(struct cjd_pkt *out, const uint8_t *frame, uint32_t len,
                            enum cjd_switch_error code);

#endif
