/* The file of a plugin, before it is loaded: any bytes are told apart, none is read beyond its end.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cjd/plugin.h>
#include <plugin/elf.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t head[8];
    enum cjd_elf_kind kind = cjd_elf_kind_of(data, size);
    int err = cjd_elf_constant(head, sizeof head, data, size, CJD_PLUGIN_SYMBOL);

    /* A constant is only found in what may be loaded. */
    if (err == 0 && kind != CJD_ELF_WHOLE) {
        abort();
    }
    return 0;
}
