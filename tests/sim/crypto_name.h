/* Which cryptography a program was linked with: said in its results. */
#ifndef SIM_CRYPTO_NAME_H
#define SIM_CRYPTO_NAME_H

#ifdef SIM_FAST_CRYPTO
#define SIM_CRYPTO_NAME "stand-in without any security"
#else
#define SIM_CRYPTO_NAME "libsodium"
#endif

#endif
