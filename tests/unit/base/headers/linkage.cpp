/* A C++ plugin calls the helpers of the SDK: one function of each header that has any. */
#include <cjd/beacon.h>
#include <cjd/bencode.h>
#include <cjd/config.h>
#include <cjd/err.h>
#include <cjd/logger.h>
#include <cjd/text.h>

extern "C" int sdk_linkage();

int sdk_linkage()
{
    uint8_t frame[CJD_ETH_HEADER_BYTES];
    char text[CJD_LABEL_TEXT_SIZE];
    uint8_t buf[8];
    struct cjd_bencode_writer w;
    struct cjd_conf conf = cjd_conf_root(nullptr, nullptr);
    struct cjd_logger silent = {nullptr, nullptr};

    cjd_eth_write(frame, 100);
    cjd_label_to_text(text, 0x13);
    cjd_bencode_writer_init(&w, buf, sizeof buf);
    cjd_bencode_put_int(&w, 1);
    bool is_good = cjd_bencode_finish(&w) == 3 && text[18] == '3' && cjd_err_text(0) != nullptr;
    return is_good && cjd_conf_count(&conf) == 0 && !cjd_logger_is_on(&silent, 0) ? 0 : 1;
}
