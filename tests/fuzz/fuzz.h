/* fuzz - what the fuzz targets and who runs them share. */
#ifndef BRAMBLE_TESTS_FUZZ_H
#define BRAMBLE_TESTS_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A target sets it where what it tests took the input as a valid one.  replay compares that with
 * tests/fuzz/valid/TARGET, so that a seed that a new format made stale is seen. */
extern bool fuzz_took;
__attribute__((weak)) bool fuzz_took;

#endif
