#include <plugin/elf.h>

#include <elf.h>
#include <link.h>
#include <string.h>

#define OWN_CLASS (sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32)
#define OWN_ORDER (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB : ELFDATA2MSB)

struct file {
    const uint8_t *bytes;
    size_t len;
    ElfW(Ehdr) head;
};

static bool is_within(uint64_t offset, uint64_t size, uint64_t len)
{
    return offset <= len && size <= len - offset;
}

/* Copies, since nothing in a file need be aligned. */
static bool copy_out(void *out, size_t size, const struct file *f, uint64_t offset)
{
    if (!is_within(offset, size, f->len)) {
        return false;
    }
    memcpy(out, f->bytes + offset, size);
    return true;
}

static bool segment_at(ElfW(Phdr) * out, const struct file *f, size_t index)
{
    return copy_out(out, sizeof *out, f, f->head.e_phoff + index * sizeof *out);
}

static bool section_at(ElfW(Shdr) * out, const struct file *f, size_t index)
{
    return f->head.e_shentsize == sizeof *out && index < f->head.e_shnum &&
           copy_out(out, sizeof *out, f, f->head.e_shoff + index * sizeof *out);
}

/* dlopen() maps what the headers promise, and touching what is not there ends the process with
 * SIGBUS. Sections, which linkers put last, count too. */
static bool is_whole(const struct file *f)
{
    if (!is_within(f->head.e_shoff, (uint64_t)f->head.e_shnum * f->head.e_shentsize, f->len) ||
        !is_within(f->head.e_phoff, (uint64_t)f->head.e_phnum * sizeof(ElfW(Phdr)), f->len)) {
        return false;
    }
    for (size_t i = 0; i < f->head.e_phnum; i++) {
        ElfW(Phdr) segment;
        if (!segment_at(&segment, f, i) || !is_within(segment.p_offset, segment.p_filesz, f->len)) {
            return false;
        }
    }
    return true;
}

enum cjd_elf_kind cjd_elf_kind_of(const uint8_t *bytes, size_t len)
{
    struct file f = {.bytes = bytes, .len = len};

    if (!copy_out(&f.head, sizeof f.head, &f, 0) || memcmp(bytes, ELFMAG, SELFMAG) != 0) {
        return CJD_ELF_NONE;
    }
    if (f.head.e_ident[EI_DATA] != OWN_ORDER) {
        return CJD_ELF_FOREIGN;
    }
    /* e_type lies at the same place in both classes. */
    if (f.head.e_type != ET_DYN) {
        return CJD_ELF_OBJECT;
    }
    if (f.head.e_ident[EI_CLASS] != OWN_CLASS) {
        return CJD_ELF_FOREIGN;
    }
    return is_whole(&f) ? CJD_ELF_WHOLE : CJD_ELF_CUT;
}

/* --- exported symbols ---------------------------------------------------------------------------
 */

static bool dynamic_symbols(ElfW(Shdr) * symbols, ElfW(Shdr) * names, const struct file *f)
{
    for (size_t i = 0; i < f->head.e_shnum; i++) {
        if (section_at(symbols, f, i) && symbols->sh_type == SHT_DYNSYM) {
            return section_at(names, f, symbols->sh_link) && names->sh_type == SHT_STRTAB &&
                   is_within(names->sh_offset, names->sh_size, f->len) &&
                   is_within(symbols->sh_offset, symbols->sh_size, f->len);
        }
    }
    return false;
}

static bool has_name(const ElfW(Sym) * symbol, const struct file *f, const ElfW(Shdr) * names,
                     const char *name)
{
    size_t size = strlen(name) + 1;

    return is_within(symbol->st_name, size, names->sh_size) &&
           memcmp(f->bytes + names->sh_offset + symbol->st_name, name, size) == 0;
}

static int find_symbol(ElfW(Sym) * out, const struct file *f, const char *name)
{
    ElfW(Shdr) symbols;
    ElfW(Shdr) names;

    if (!dynamic_symbols(&symbols, &names, f)) {
        return CJD_ERR_PARSE;
    }
    for (uint64_t at = 0; is_within(at, sizeof *out, symbols.sh_size); at += sizeof *out) {
        if (copy_out(out, sizeof *out, f, symbols.sh_offset + at) && out->st_shndx != SHN_UNDEF &&
            has_name(out, f, &names, name)) {
            return 0;
        }
    }
    return CJD_ERR_NOT_FOUND;
}

int cjd_elf_constant(void *out, size_t size, const uint8_t *bytes, size_t len, const char *name)
{
    struct file f = {.bytes = bytes, .len = len};
    ElfW(Sym) symbol;

    if (cjd_elf_kind_of(bytes, len) != CJD_ELF_WHOLE) {
        return CJD_ERR_PARSE;
    }
    memcpy(&f.head, bytes, sizeof f.head);
    int err = find_symbol(&symbol, &f, name);
    if (err < 0) {
        return err;
    }
    for (size_t i = 0; i < f.head.e_phnum; i++) {
        ElfW(Phdr) segment;
        if (segment_at(&segment, &f, i) && segment.p_type == PT_LOAD &&
            symbol.st_value >= segment.p_vaddr &&
            is_within(symbol.st_value - segment.p_vaddr, size, segment.p_filesz)) {
            uint64_t at = segment.p_offset + (symbol.st_value - segment.p_vaddr);
            return copy_out(out, size, &f, at) ? 0 : CJD_ERR_PARSE;
        }
    }
    return CJD_ERR_PARSE;
}
