/* Peer URIs: what is accepted is written and read the same; a fault lies within the text. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <cjd/peer_uri.h>

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void check(const char *text, size_t len)
{
    struct cjd_peer_uri_fault fault = {0};
    struct cjd_peer_uri uri;
    struct cjd_peer_uri again;
    char out[CJD_PEER_URI_SIZE];

    if (cjd_peer_uri_parse(&uri, text, len, &fault) < 0) {
        require(fault.at <= len && fault.text[0] != '\0');
        return;
    }
    int n = cjd_peer_uri_write(out, sizeof out, &uri);
    /* One that spells brackets as they are may grow beyond the limit. */
    require(n > 0 || n == CJD_ERR_TOO_LONG);
    if (n > 0) {
        require(cjd_peer_uri_parse(&again, out, (size_t)n, &fault) == 0);
        require(memcmp(&uri, &again, sizeof uri) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size > 0 ? size : 1);

    require(text != NULL);
    if (size > 0) {
        memcpy(text, data, size);
    }
    check(text, size);
    free(text);
    return 0;
}
