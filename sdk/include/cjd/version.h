/**
 * Version numbers of the program, the protocol and the plugin ABI.
 *
 * The ABI number is separate from the program's (docs/abi-policy.md): the major number is part of
 * the name of the symbol a plugin exports, the minor one grows with added fields and functions.
 */
#ifndef CJD_VERSION_H
#define CJD_VERSION_H

/** Program version, SemVer. */
#define CJD_VERSION "0.1.0"

/** Protocol version this node announces; see protocol notes, links §6. */
#define CJD_PROTOCOL 21
/** Lowest protocol version this node talks to. Versions above ours count as ours. */
#define CJD_PROTOCOL_MIN 20

#define CJD_ABI_MAJOR 1
#define CJD_ABI_MINOR 0

#endif
