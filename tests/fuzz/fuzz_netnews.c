/* rtnetlink datagrams: any bytes, and again what was just learnt is no news. */
#include <stdlib.h>
#include <string.h>

#include <runtime/netnews.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static struct cjd_netnews news; /* as in a daemon, over all of them */
    uint8_t *exact = malloc(len ? len : 1);

    if (exact) {
        memcpy(exact, bytes, len);
        (void)cjd_netnews_feed(&news, exact, len);
        free(exact);
    }
    return 0;
}
