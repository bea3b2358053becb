#include <cjd/err.h>

#include <errno.h>

const char *cjd_err_text(int err)
{
    switch (err) {
#define CJD_ERR_CASE(name, number, text)                                                           \
    case number:                                                                                   \
        return text;
        CJD_ERR_LIST(CJD_ERR_CASE)
#undef CJD_ERR_CASE
    default:
        return "unknown error";
    }
}

int cjd_err_from_errno(int errno_value)
{
    switch (errno_value) {
    case 0:
        return CJD_ERR_OK;
    case EINVAL:
        return CJD_ERR_INVALID;
    case ENOMEM:
    case ENOBUFS:
        return CJD_ERR_NO_MEMORY;
    case ENOENT:
        return CJD_ERR_NOT_FOUND;
    case EEXIST:
        return CJD_ERR_EXISTS;
    case EPERM:
    case EACCES:
        return CJD_ERR_PERMISSION;
    case EBUSY:
    case EADDRINUSE:
        return CJD_ERR_BUSY;
    case ENODEV:
    case ENXIO:
        return CJD_ERR_NO_DEVICE;
    case EAGAIN:
#if EAGAIN != EWOULDBLOCK
    case EWOULDBLOCK:
#endif
    case EINTR:
        return CJD_ERR_AGAIN;
    case EOPNOTSUPP:
    case ENOSYS:
    case EAFNOSUPPORT:
    case EPROTONOSUPPORT:
        return CJD_ERR_UNSUPPORTED;
    case EMSGSIZE:
        return CJD_ERR_TOO_LONG;
    case ENETUNREACH:
    case EHOSTUNREACH:
        return CJD_ERR_NO_ROUTE;
    case ETIMEDOUT:
        return CJD_ERR_TIMEOUT;
    default:
        return CJD_ERR_IO;
    }
}
