/*
 * Shared objects as bytes: is the file whole, and what does an exported constant begin with?
 * Source: ELF specification (gABI), sections and program headers.
 *
 * dlopen() runs the constructors of what it loads. What must be known before is therefore read from
 * the file. Pure; the bytes may be anything.
 */
#ifndef CJD_PLUGIN_ELF_H
#define CJD_PLUGIN_ELF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjd/err.h>

enum cjd_elf_kind {
    CJD_ELF_NONE,    /* not ELF */
    CJD_ELF_OBJECT,  /* ELF, but no shared object */
    CJD_ELF_CUT,     /* a copy that was interrupted */
    CJD_ELF_FOREIGN, /* of another word size or byte order; nothing more is known */
    CJD_ELF_WHOLE,
};

enum cjd_elf_kind cjd_elf_kind_of(const uint8_t *bytes, size_t len);

/*
 * First `size` bytes of the exported object `name`, as they are before relocation: right for
 * numbers, not for pointers. Only for files that are CJD_ELF_WHOLE.
 * CJD_ERR_NOT_FOUND: not exported. CJD_ERR_PARSE: the file contradicts itself, or has no symbols.
 */
CJD_MUST_CHECK int cjd_elf_constant(void *out, size_t size, const uint8_t *bytes, size_t len,
                                    const char *name);

#endif
