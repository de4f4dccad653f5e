/* result.c - see result.h. */
#include "db/result.h"

#include <stdio.h>
#include <string.h>

/* The longest prefix that matches decides. */
static const struct {
    const char *prefix;
    enum db_result result;
} classes[] = {
    {"02", DB_NONE}, {"08", DB_DOWN}, {"23505", DB_CONFLICT}, {"23P01", DB_CONFLICT},
    {"25006", DB_DOWN},  /* read only: the primary has become a standby */
    {"25P02", DB_RETRY}, /* an earlier statement of the transaction had failed */
    {"25P03", DB_DOWN},  /* idle in transaction for too long: the server hangs up */
    {"26", DB_DOWN},     /* the prepared statement is gone: connect anew */
    {"28", DB_DOWN}, {"3D", DB_DOWN}, {"40", DB_RETRY}, {"40003", DB_UNKNOWN},
    {"53", DB_DOWN}, /* no space, no memory, no connection slot */
    {"55006", DB_RETRY}, {"55P03", DB_BUSY}, {"57", DB_DOWN},
    {"57014", DB_RETRY},                  /* cancelled, statement_timeout included */
    {"58", DB_DOWN},                      /* the server's files */
    {"P0002", DB_NONE}, {"XX", DB_RETRY}, /* "tuple concurrently updated" is one of these */
};

enum db_result db_result_of_sqlstate(const char *sqlstate)
{
    enum db_result result = DB_REFUSED;
    size_t longest = 0;

    if (!sqlstate || !*sqlstate)
        return DB_DOWN;
    for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++) {
        size_t length = strlen(classes[i].prefix);

        if (length > longest && strncmp(sqlstate, classes[i].prefix, length) == 0) {
            longest = length;
            result = classes[i].result;
        }
    }
    return result;
}

enum db_result db_result_of_word(const char *word)
{
    if (word && strcmp(word, "done") == 0)
        return DB_OK;
    return word && strcmp(word, "busy") == 0 ? DB_BUSY : DB_REFUSED;
}

void db_first_line(char *to, size_t size, const char *text)
{
    snprintf(to, size, "%.*s", (int)strcspn(text, "\n"), text);
}
