/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the fuzz targets share. A target is one small file with LLVMFuzzerTestOneInput over one parser. libFuzzer runs it
 * (tools/fuzz), or replay.c over the corpus (every test run). One thread.
 */
#ifndef QUN_TESTS_FUZZ_FUZZ_H
#define QUN_TESTS_FUZZ_FUZZ_H

#include "host/intake/msgpack_batch.h"

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ends the program with the sentence if `holds` is not so: what a parser answered contradicts itself. */
void fuzz_check(bool holds, const char *sentence);

/* A folder of this process that goes with it; in memory where the machine has such a place. */
const char *fuzz_folder(void);
/* Writes <folder>/<name>; name may begin with a folder that exists. Answers its path, borrowed until the next call. */
const char *fuzz_file(const char *name, const uint8_t *data, size_t size);

/* The gate of intake over the core vocabulary, with a vault of its own. `batch` is empty at each call. */
struct fuzz_gate {
  struct qun_normaliser n;
  struct qun_input_batch batch;
};
struct fuzz_gate *fuzz_gate(void);

/* Puts a journal entry's checksum right, or no change would get past it. */
void fuzz_mend_entry(unsigned char *entry, size_t room, uint64_t seed);

#endif
