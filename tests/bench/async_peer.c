/* async_peer FILE SECONDS BYTES - the yardstick of the asynchronous queue: a plain SQLite program
 * that stores one request after the other, each with a commit (an fsync) of its own.  Prints how
 * many a second. */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double now(void) {
        struct timespec t;

        (void)clock_gettime(CLOCK_MONOTONIC, &t);
        return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv) {
        sqlite3 *db;
        sqlite3_stmt *put;
        double began, seconds;
        int n = 0, bytes;
        char *request;

        if (argc != 4)
                return 2;
        seconds = atof(argv[2]);
        bytes = atoi(argv[3]);
        request = calloc(1, (size_t)bytes + 1);
        if (!request || sqlite3_open(argv[1], &db) != SQLITE_OK ||
            sqlite3_exec(db,
                         "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL;"
                         "PRAGMA synchronous = FULL;"
                         "CREATE TABLE requests (seq INTEGER PRIMARY KEY, request BLOB)",
                         NULL, NULL, NULL) != SQLITE_OK ||
            sqlite3_prepare_v2(db, "INSERT INTO requests (request) VALUES (?)", -1, &put, NULL) !=
                    SQLITE_OK) {
                fprintf(stderr, "async_peer: %s\n", sqlite3_errmsg(db));
                return 1;
        }
        began = now();
        do {
                (void)sqlite3_bind_blob(put, 1, request, bytes, SQLITE_STATIC);
                if (sqlite3_step(put) != SQLITE_DONE)
                        return 1;
                (void)sqlite3_reset(put);
                n++;
        } while (now() - began < seconds);
        printf("%.0f\n", n / (now() - began));
        return 0;
}
