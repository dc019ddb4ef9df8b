/* Generators that the tests send values and throw errors to. */
#ifndef GENERATORS_H
#define GENERATORS_H

#include "world.h"

/* A world that serves, beside the routines of world.h, by callbacks:
 *
 *   test.accumulate(total)  yields the total, and adds what it is sent; below 0 it ends; an error of the type Reset makes
 *                           it 0, any other it does not catch
 *   test.stubborn()         0, 1, 2, ...; yields once more when it is closed
 *   test.failclean()        0, 1, 2, ...; its clean-up fails
 *   test.stall()            yields 0, and answers the next step when it is cancelled
 *   test.mirror()           yields null, then what it is sent
 *   test.ahead(n)           0 .. n-1, counted before each yield
 */
world_t generators_world(void);

/* How many of them have begun, ended in any way, and how many items of test.ahead were about to be yielded. */
int generators_begun(void);
int generators_ended(void);
int generators_yielded(void);
/* Waits until so many have ended. */
void generators_wait_ended(int count);

/* The next item of a stream without a queue, which is an int. */
int64_t wait_int(wool_stream_t stream);
/* Waits for the end. */
void wait_end(wool_stream_t stream);
/* Waits for the error, which it returns. */
wool_error_t *wait_error(wool_stream_t stream);

/* Sends an int; its status. */
wool_status_t send_int(wool_stream_t stream, int64_t number, wool_error_t **error);
/* Throws an error of this type, with the message "thrown". */
wool_status_t throw_type(wool_stream_t stream, const char *type, wool_error_t **error);

#endif
