#include <switch/ctrl.h>

#include <string.h>

#include <base/wire.h>
#include <cjd/version.h>

#define HEADER_BYTES     4u /* checksum, type */
#define FRAME_MIN        8u /* the reference drops what is shorter, §11.1 */
#define KEYPING_DATA_MAX 64u
#define AUTH_ERROR_BYTES (HEADER_BYTES + 4u + CJD_SWITCH_HEADER_BYTES + 16u + 8u)

/* Offsets in the frame, the four bytes of checksum and type included. */
#define AT_TYPE          2u
#define AT_MAGIC         4u
#define AT_VERSION       8u
#define AT_BODY          12u /* what follows magic and version */
#define AT_SNODE_VERSION AT_BODY
#define AT_SNODE_SPEED   16u
#define AT_SNODE_KEY     20u
#define AT_SNODE_LABEL   52u

#define SPEED_UNKNOWN 0xffffffffu /* what replies of the reference always carry, §11.4 */

/* One type of control frame that has a magic word. GETSNODE and RPATH share theirs, §11.5. */
struct kind {
    uint32_t magic;
    uint16_t body; /* fixed bytes of the body, magic and version included */
};

static const struct kind kinds[] = {
    [CJD_CTRL_PING] = {0x09f91102, 8},      [CJD_CTRL_PONG] = {0x9d74e35b, 8},
    [CJD_CTRL_KEYPING] = {0x01234567, 40},  [CJD_CTRL_KEYPONG] = {0x89abcdef, 40},
    [CJD_CTRL_GETSNODE] = {0x736e6f71, 56}, [CJD_CTRL_GETSNODE_REPLY] = {0x736e6f72, 56},
    [CJD_CTRL_RPATH] = {0x736e6f71, 16},    [CJD_CTRL_RPATH_REPLY] = {0x736e6f72, 16},
    [CJD_CTRL_LLADDR] = {0x6c6c6171, 40},   [CJD_CTRL_LLADDR_REPLY] = {0x6c6c6172, 40},
};

uint16_t cjd_ctrl_checksum(const uint8_t *bytes, size_t len)
{
    uint64_t sum = 0;

    for (size_t i = 0; i + 1 < len; i += 2) {
        sum += cjd_load16(bytes + i);
    }
    if (len % 2 != 0) {
        sum += (uint64_t)bytes[len - 1] << 8;
    }
    while (sum > 0xffff) {
        sum = (sum >> 16) + (sum & 0xffff);
    }
    return (uint16_t)~sum;
}

static void seal(uint8_t *frame, size_t len)
{
    cjd_store16(frame, 0);
    cjd_store16(frame, cjd_ctrl_checksum(frame, len));
}

static int parse_error(struct cjd_ctrl *out, struct cjd_reader *r)
{
    out->error = cjd_read32(r);
    out->data = r->at;
    out->data_len = (uint32_t)cjd_reader_left(r);
    return 0;
}

/* The fields of one kind, behind magic and version; their presence has been checked. */
static void parse_body(struct cjd_ctrl *out, struct cjd_reader *r)
{
    switch (out->type) {
    case CJD_CTRL_KEYPING:
    case CJD_CTRL_KEYPONG:
        cjd_read_copy(r, out->key.b, sizeof out->key.b);
        break;
    case CJD_CTRL_GETSNODE:
    case CJD_CTRL_GETSNODE_REPLY:
        out->snode_version = cjd_read32(r);
        cjd_read32(r); /* link speed: not interpreted, §11.4 */
        cjd_read_copy(r, out->key.b, sizeof out->key.b);
        out->label = cjd_read64(r);
        break;
    case CJD_CTRL_RPATH:
    case CJD_CTRL_RPATH_REPLY:
        out->label = cjd_read64(r);
        break;
    case CJD_CTRL_LLADDR:
    case CJD_CTRL_LLADDR_REPLY:
        cjd_read_copy(r, out->lladdr, sizeof out->lladdr);
        break;
    case CJD_CTRL_ERROR:
    case CJD_CTRL_PING:
    case CJD_CTRL_PONG:
        break;
    }
}

int cjd_ctrl_parse(struct cjd_ctrl *out, const uint8_t *frame, size_t len)
{
    struct cjd_reader r = cjd_reader_of(frame, len);

    *out = (struct cjd_ctrl){0};
    if (len < FRAME_MIN || cjd_ctrl_checksum(frame, len) != 0) {
        return CJD_ERR_PARSE;
    }
    cjd_read16(&r);
    unsigned type = cjd_read16(&r);
    if (type < CJD_CTRL_ERROR || type > CJD_CTRL_LLADDR_REPLY) {
        return CJD_ERR_UNSUPPORTED;
    }
    out->type = (enum cjd_ctrl_type)type;
    if (type == CJD_CTRL_ERROR) {
        return parse_error(out, &r);
    }
    if (cjd_reader_left(&r) < kinds[type].body || cjd_read32(&r) != kinds[type].magic) {
        return CJD_ERR_PARSE;
    }
    out->version = cjd_read32(&r);
    parse_body(out, &r);
    out->data = r.at;
    out->data_len = (uint32_t)cjd_reader_left(&r);
    bool is_keyping = type == CJD_CTRL_KEYPING || type == CJD_CTRL_KEYPONG;
    return is_keyping && out->data_len > KEYPING_DATA_MAX ? CJD_ERR_PARSE : 0;
}

static bool has_snode(const struct cjd_ctrl_self *self)
{
    return self->snode_version != 0;
}

static void put_snode(uint8_t *frame, const struct cjd_ctrl_self *self, uint64_t label,
                      uint32_t speed)
{
    cjd_store32(frame + AT_SNODE_VERSION, self->snode_version);
    cjd_store32(frame + AT_SNODE_SPEED, speed);
    memset(frame + AT_SNODE_KEY, 0, sizeof self->snode_key.b);
    if (has_snode(self)) {
        memcpy(frame + AT_SNODE_KEY, self->snode_key.b, sizeof self->snode_key.b);
    }
    cjd_store64(frame + AT_SNODE_LABEL, has_snode(self) ? label : 0);
}

static void answer_getsnode(const struct cjd_ctrl_self *self, uint64_t from_label, uint8_t *frame)
{
    uint64_t label = cjd_scheme_label_for(self->scheme, self->snode_label, from_label);

    put_snode(frame, self, label == CJD_LABEL_INVALID ? 0 : label, SPEED_UNKNOWN);
}

static int answer_lladdr(const struct cjd_ctrl_self *self, uint64_t from_label, uint8_t *frame)
{
    uint8_t record[32] = {0};

    if (!self->lladdr || !cjd_scheme_is_one_hop(self->scheme, from_label) ||
        !self->lladdr(self->ctx, from_label, record)) {
        return CJD_ERR_NOT_FOUND;
    }
    memcpy(frame + AT_BODY, record, sizeof record);
    return 0;
}

/* Whether a request is answered at all; versions are judged for three of them only, §11.1. */
static int check_request(const struct cjd_ctrl *request)
{
    switch (request->type) {
    case CJD_CTRL_PING:
    case CJD_CTRL_KEYPING:
    case CJD_CTRL_GETSNODE:
        return request->version < CJD_PROTOCOL_MIN ? CJD_ERR_VERSION : 0;
    case CJD_CTRL_RPATH:
    case CJD_CTRL_LLADDR:
        return 0;
    case CJD_CTRL_ERROR:
    case CJD_CTRL_PONG:
    case CJD_CTRL_KEYPONG:
    case CJD_CTRL_GETSNODE_REPLY:
    case CJD_CTRL_RPATH_REPLY:
    case CJD_CTRL_LLADDR_REPLY:
        break;
    }
    return CJD_ERR_UNSUPPORTED;
}

int cjd_ctrl_answer(const struct cjd_ctrl_self *self, uint64_t from_label, uint8_t *frame,
                    size_t len)
{
    struct cjd_ctrl request;
    int err = cjd_ctrl_parse(&request, frame, len);

    if (!err) {
        err = check_request(&request);
    }
    if (!err && request.type == CJD_CTRL_LLADDR) {
        err = answer_lladdr(self, from_label, frame);
    }
    if (err) {
        return err;
    }
    if (request.type == CJD_CTRL_KEYPING) {
        memcpy(frame + AT_BODY, self->key.b, sizeof self->key.b);
    } else if (request.type == CJD_CTRL_GETSNODE) {
        answer_getsnode(self, from_label, frame);
    } else if (request.type == CJD_CTRL_RPATH) {
        cjd_store64(frame + AT_BODY, from_label);
    }
    /* Each reply type follows its request. */
    unsigned reply = (unsigned)request.type + 1;
    cjd_store16(frame + AT_TYPE, (uint16_t)reply);
    cjd_store32(frame + AT_MAGIC, kinds[reply].magic);
    cjd_store32(frame + AT_VERSION, self->version);
    seal(frame, len);
    return 0;
}

void cjd_ctrl_wrap(struct cjd_pkt *pkt, uint64_t label, bool suppress_errors)
{
    struct cjd_switch_header h = {.label = label, .suppress_errors = suppress_errors, .version = 1};

    if (!cjd_pkt_push(pkt, CJD_CTRL_WRAP_BYTES)) {
        return;
    }
    cjd_switch_header_write(cjd_pkt_data(pkt), &h);
    cjd_store32(cjd_pkt_data(pkt) + CJD_SWITCH_HEADER_BYTES, CJD_CTRL_HANDLE);
}

/* Makes room for a frame of `type` with opaque data and writes all but the fields of its kind,
 * which are zero. The caller fills those and seals. NULL: too long. */
static uint8_t *begin(struct cjd_pkt *pkt, enum cjd_ctrl_type type, const void *data, uint32_t len)
{
    uint32_t fixed = HEADER_BYTES + kinds[type].body;

    if (cjd_pkt_tailroom(pkt) < fixed || len > cjd_pkt_tailroom(pkt) - fixed) {
        return NULL;
    }
    cjd_pkt_put(pkt, fixed + len);
    uint8_t *frame = cjd_pkt_data(pkt);
    memset(frame, 0, fixed);
    cjd_store16(frame + AT_TYPE, (uint16_t)type);
    cjd_store32(frame + AT_MAGIC, kinds[type].magic);
    cjd_store32(frame + AT_VERSION, CJD_PROTOCOL);
    if (len > 0) {
        memcpy(frame + fixed, data, len);
    }
    return frame;
}

int cjd_ctrl_make_ping(struct cjd_pkt *pkt, const struct cjd_key *key, const void *data,
                       uint32_t len)
{
    if (key && len > KEYPING_DATA_MAX) {
        return CJD_ERR_TOO_LONG;
    }
    uint8_t *frame = begin(pkt, key ? CJD_CTRL_KEYPING : CJD_CTRL_PING, data, len);
    if (!frame) {
        return CJD_ERR_TOO_LONG;
    }
    if (key) {
        memcpy(frame + AT_BODY, key->b, sizeof key->b);
    }
    seal(frame, pkt->len);
    return 0;
}

void cjd_ctrl_set_version(struct cjd_pkt *ping, uint32_t version)
{
    if (ping->len >= AT_BODY) {
        cjd_store32(cjd_pkt_data(ping) + AT_VERSION, version);
        seal(cjd_pkt_data(ping), ping->len);
    }
}

int cjd_ctrl_make_getsnode(struct cjd_pkt *pkt, const struct cjd_ctrl_self *self, const void *data,
                           uint32_t len)
{
    uint8_t *frame = begin(pkt, CJD_CTRL_GETSNODE, data, len);

    if (!frame) {
        return CJD_ERR_TOO_LONG;
    }
    cjd_store32(frame + AT_VERSION, self->version);
    put_snode(frame, self, self->snode_label, 0);
    seal(frame, pkt->len);
    return 0;
}

int cjd_ctrl_make_rpath(struct cjd_pkt *pkt, uint64_t label, const void *data, uint32_t len)
{
    uint8_t *frame = begin(pkt, CJD_CTRL_RPATH, data, len);

    if (!frame) {
        return CJD_ERR_TOO_LONG;
    }
    cjd_store64(frame + AT_BODY, label);
    seal(frame, pkt->len);
    return 0;
}

int cjd_ctrl_make_auth_error(struct cjd_pkt *pkt, uint64_t to_label, const struct cjd_auth_error *e)
{
    if (cjd_pkt_tailroom(pkt) < AUTH_ERROR_BYTES || cjd_pkt_headroom(pkt) < CJD_CTRL_WRAP_BYTES) {
        return CJD_ERR_TOO_LONG;
    }
    cjd_pkt_put(pkt, AUTH_ERROR_BYTES);
    uint8_t *frame = cjd_pkt_data(pkt);
    uint8_t *cause = frame + HEADER_BYTES + 4;
    uint8_t *first16 = cause + CJD_SWITCH_HEADER_BYTES;
    uint8_t *words = first16 + sizeof e->first16;
    cjd_store16(frame + AT_TYPE, CJD_CTRL_ERROR);
    cjd_store32(frame + HEADER_BYTES, CJD_SWITCH_ERR_AUTHENTICATION);
    cjd_switch_header_write(cause, &e->cause);
    memcpy(first16, e->first16, sizeof e->first16);
    cjd_store32(words, e->ca_result);
    cjd_store32(words + 4, e->ca_state);
    seal(frame, AUTH_ERROR_BYTES);
    cjd_ctrl_wrap(pkt, to_label, true);
    return 0;
}
