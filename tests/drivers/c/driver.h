/* What the parts of the driver share: the three roles, and the lines between the runner and this process. */
#ifndef DRIVER_H
#define DRIVER_H

#include <stddef.h>
#include <stdint.h>

#include "wool.h"

/* The `key=value` arguments of the command line. */
typedef struct {
  int count;
  char **words;
} options_t;

/* Each serves until the runner says `exit` or goes away; the exit status. */
int run_worker(const options_t *options);
int run_caller(const options_t *options);
int run_spawned(const options_t *options);

/* The value of an option, or NULL. */
const char *option(const options_t *options, const char *key);
/* The value of an option that may come several times: the first at or after `*from`, which moves past it, or NULL. */
const char *next_option(const options_t *options, const char *key, int *from);
/* What is left of a command, as options. The words lie in the command; give back what holds them by free_options. */
options_t read_options(char *rest);
void free_options(options_t *options);

/* Ends the process: something failed that must not, or the runner broke the protocol. */
_Noreturn void die(const char *what, const wool_error_t *error);
/* Dies unless the status is no error. */
void check(const char *what, wool_status_t status, const wool_error_t *error);

wool_slice_t text(const char *string);
wool_payload_t msgpack(wool_bytes_t bytes);

wool_value_builder_t *new_builder(void);
/* Finishes a value that cannot fail to be one, and frees its builder. */
wool_bytes_t finish(wool_value_builder_t *builder);

/* Memory of this driver never runs out, or the driver does. */
void *allocate(size_t size);
char *copy_text(const char *string, size_t length);

/* Reads one command into `*line`, which grows and is freed by the caller; 0 at `exit` and end-of-file. */
int read_command(char **line, size_t *size);
/* The next token of a command, or NULL; writes into the line. */
char *next_token(char **rest);
/* The next token, which has to be there. */
char *need_token(char **rest, const char *what);
/* The next token, as a number. */
long long need_number(char **rest, const char *what);

/* Writes one line to the runner, from any thread. */
__attribute__((format(printf, 1, 2))) void say(const char *format, ...);

/* Text as one token. To be freed. */
char *text_token(wool_slice_t text);
/* The text of a token. To be freed. */
char *plain_text(const char *token);
/* The line that reports an error, which it frees. */
void say_error(const char *id, wool_error_t *error);
/* The line that a driver writes instead of `ready`; frees the error. */
void say_not_ready(wool_error_t *error);

/* The arguments of a call, from the tokens `N VALUE*N [named=NAME:VALUE ...]`. NULL, or why wool refuses a value. */
wool_error_t *read_arguments(char **rest, wool_bytes_t *arguments);
/* The first value of the tokens `N VALUE*N`, encoded. */
wool_bytes_t read_first_value(char *rest);
/* The value of a token, encoded. NULL, or why wool refuses it. */
wool_error_t *read_one_value(char *token, wool_bytes_t *value);
/* The options `context=NAMESPACE:NAME:VALUE`. NULL, or why wool refuses a value; to be freed in any case. */
typedef struct {
  wool_context_value_t values[8];
  char *names[8][2];
  wool_bytes_t encoded[8];
  size_t count;
} context_t;
wool_error_t *read_context(const options_t *options, context_t *context);
void free_context(context_t *context);
/* The value of a name, of two the later, or NULL. */
const wool_context_value_t *find_context(const wool_context_value_t *context, size_t count, wool_slice_t name_space,
                                         wool_slice_t name);
/* Adds the value of a token NAMESPACE:NAME:VALUE to a context. NULL, or why it is refused. */
wool_error_t *add_context_value(wool_context_t *context, const char *token);

/* Listens to the runtime's task events, if the options say so, until it is told to stop. */
void listen_to_events(wool_runtime_t *runtime, const options_t *options);
void stop_listening(void);
/* The line that tells what was heard, behind these words. */
void say_events(const char *head);

/* The token that reports an encoded value, to be freed. NULL, or why its bytes are none. */
wool_error_t *report_value(wool_slice_t encoded, char **token);
/* The same for what certainly is a value. */
char *value_token(wool_slice_t encoded);
/* Copies the next value from a reader, through its native form, to a builder; NULL or why not. */
wool_error_t *copy_value(wool_value_reader_t *reader, wool_value_builder_t *builder);
/* Writes the bytes of `fill:<size>:<seed>`. */
void fill(uint8_t *bytes, size_t size, uint64_t seed);

#endif
