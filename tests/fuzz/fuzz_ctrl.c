/* Control frames: any bytes, as they are and with a right checksum. An answer has the length of its
 * request and parses as the reply to it; what is not answered stays as it was. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <base/wire.h>
#include <switch/ctrl.h>

#define PREFIX 8u /* bytes of the input that are the label back to the asker */

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static bool lladdr(void *ctx, uint64_t label, uint8_t record[32])
{
    (void)ctx;
    memset(record, 0, 32);
    record[0] = 1;
    record[1] = 8;
    return label % 4 != 0;
}

static void check(const struct cjd_ctrl_self *self, uint64_t label, const uint8_t *bytes,
                  uint8_t *frame, size_t len)
{
    struct cjd_ctrl request;
    struct cjd_ctrl reply;

    int parsed = cjd_ctrl_parse(&request, frame, len);
    int err = cjd_ctrl_answer(self, label, frame, len);
    require(parsed == 0 || err == parsed);
    if (parsed == 0) {
        require(request.data >= frame && request.data + request.data_len == frame + len);
    }
    if (err) {
        require(len <= 2 || memcmp(frame + 2, bytes + 2, len - 2) == 0);
        return;
    }
    require(cjd_ctrl_parse(&reply, frame, len) == 0);
    require((unsigned)reply.type == (unsigned)request.type + 1);
    require(reply.version == self->version && reply.data_len == request.data_len);
    require(memcmp(reply.data, bytes + (len - reply.data_len), reply.data_len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cjd_ctrl_self self = {.version = 21,
                                 .scheme = cjd_scheme_358(),
                                 .snode_version = 20,
                                 .snode_label = 0xa63,
                                 .lladdr = lladdr};

    if (size < PREFIX) {
        return 0;
    }
    uint64_t label = cjd_load64(data);
    size_t len = size - PREFIX;
    uint8_t *frame = malloc(len > 0 ? len : 1);
    require(frame != NULL);
    memcpy(frame, data + PREFIX, len);
    check(&self, label, data + PREFIX, frame, len);
    if (len >= 2) {
        memcpy(frame, data + PREFIX, len);
        cjd_store16(frame, 0);
        cjd_store16(frame, cjd_ctrl_checksum(frame, len));
        check(&self, label, data + PREFIX, frame, len);
    }
    free(frame);
    return 0;
}
