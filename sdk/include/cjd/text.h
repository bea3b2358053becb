/**
 * Text forms of keys, addresses and labels. Pure functions, any thread.
 *
 * Compiled into every plugin (from sdk/src) and, from the same source, into the core.
 * Sources: CryptoAuth notes §2 (base 32, keys), switch notes §3 (labels), RFC 5952 (addresses).
 */
#ifndef CJD_TEXT_H
#define CJD_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include <cjd/err.h>
#include <cjd/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CJD_KEY_TEXT_SIZE   55u /**< 52 base-32 characters, ".k", NUL */
#define CJD_ADDR_TEXT_SIZE  40u /**< eight groups with colons, NUL */
#define CJD_LABEL_TEXT_SIZE 20u /**< 4 × 4 hex digits with dots, NUL */

/**
 * [any] Encodes bytes in the network's base 32 (least significant bits first).
 * @param out [out] text with NUL; needs (len * 8 + 4) / 5 + 1 bytes
 * @return length of the text without NUL, or CJD_ERR_TOO_LONG
 */
int cjd_base32_encode(char *out, size_t out_size, const uint8_t *in, size_t len);

/**
 * [any] Decodes base 32, upper or lower case. Left-over bits must be fewer than 5 and zero.
 * @return number of bytes written, CJD_ERR_PARSE or CJD_ERR_TOO_LONG
 */
int cjd_base32_decode(uint8_t *out, size_t out_size, const char *text, size_t len);

/** [any] Writes "….k". */
void cjd_key_to_text(char out[CJD_KEY_TEXT_SIZE], const struct cjd_key *key);

/** [any] Reads exactly 54 characters "….k"; whether the address is valid is not checked. */
CJD_MUST_CHECK int cjd_key_from_text(struct cjd_key *out, const char *text);

/** [any] Writes the address in RFC 5952 form (lower case, longest run of zeros shortened). */
void cjd_addr_to_text(char out[CJD_ADDR_TEXT_SIZE], const struct cjd_addr *addr);

/** [any] Writes the address as the reference does: eight groups without leading zeros, no "::". */
void cjd_addr_to_text_long(char out[CJD_ADDR_TEXT_SIZE], const struct cjd_addr *addr);

/** [any] Reads any IPv6 text form. */
CJD_MUST_CHECK int cjd_addr_from_text(struct cjd_addr *out, const char *text);

/** [any] Writes "0000.0000.0000.0013". */
void cjd_label_to_text(char out[CJD_LABEL_TEXT_SIZE], uint64_t label);

/** [any] Reads a label; exactly 19 characters, both hex cases. */
CJD_MUST_CHECK int cjd_label_from_text(uint64_t *out, const char *text);

/**
 * [any] Reads hex digits, two a byte, both cases.
 * @return number of bytes written, CJD_ERR_PARSE or CJD_ERR_TOO_LONG
 */
int cjd_hex_decode(uint8_t *out, size_t out_size, const char *text, size_t len);

/** [any] Writes len * 2 lower-case digits and NUL; out must hold them. */
void cjd_hex_encode(char *out, const uint8_t *in, size_t len);

/** [any] Length of the UTF-8 sequence at the start of `left` bytes (RFC 3629); 0: it is none. */
size_t cjd_utf8_length(const char *text, size_t left);

#ifdef __cplusplus
}
#endif

#endif
