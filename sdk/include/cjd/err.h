/**
 * Error codes of the core and of plugins: 0 or one of these negative numbers.
 *
 * The numbers are fixed for good (they cross the plugin border); new ones are added at the end.
 * errno is mapped once, where the system call is made (cjd_err_from_errno).
 */
#ifndef CJD_ERR_H
#define CJD_ERR_H

#ifdef __cplusplus
extern "C" {
#endif

#define CJD_ERR_LIST(X)                                                                            \
    X(OK, 0, "success")                                                                            \
    X(INVALID, -1, "invalid argument")                                                             \
    X(NO_MEMORY, -2, "out of memory")                                                              \
    X(NOT_FOUND, -3, "not found")                                                                  \
    X(EXISTS, -4, "already exists")                                                                \
    X(FULL, -5, "table is full")                                                                   \
    X(PARSE, -6, "malformed input")                                                                \
    X(TOO_LONG, -7, "too long")                                                                    \
    X(PERMISSION, -8, "permission denied")                                                         \
    X(BUSY, -9, "address or device in use")                                                        \
    X(IO, -10, "input/output error")                                                               \
    X(UNSUPPORTED, -11, "not supported")                                                           \
    X(STATE, -12, "not possible in this state")                                                    \
    X(TIMEOUT, -13, "timed out")                                                                   \
    X(VERSION, -14, "incompatible version")                                                        \
    X(CONFIG, -15, "configuration error")                                                          \
    X(BAD_KEY, -16, "key does not map to an fc00::/8 address")                                     \
    X(OWN_KEY, -17, "key is this node's own")                                                      \
    X(RESTART_NEEDED, -18, "takes effect after a restart")                                         \
    X(AGAIN, -19, "try again later")                                                               \
    X(NO_DEVICE, -20, "no such device")                                                            \
    X(CRYPTO, -21, "cryptographic check failed")                                                   \
    X(NO_ROUTE, -22, "no route")

enum cjd_err {
#define CJD_ERR_ENUM(name, number, text) CJD_ERR_##name = (number),
    CJD_ERR_LIST(CJD_ERR_ENUM)
#undef CJD_ERR_ENUM
};

#define CJD_MUST_CHECK         __attribute__((warn_unused_result))
#define CJD_PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))

/** [any] Text of an error code; never NULL, unknown codes give "unknown error". Static storage. */
const char *cjd_err_text(int err);

/** [any] The code nearest to an errno value; CJD_ERR_IO where there is no better one. */
int cjd_err_from_errno(int errno_value);

#ifdef __cplusplus
}
#endif

#endif
