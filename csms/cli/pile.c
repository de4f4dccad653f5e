/* pile.c - csms pile key: a pile's new key is printed once; the database gets its hash. */
#include "csms/cli/cli.h"

#include "db/conn.h"

#include "csms/pepper.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

/* Digits of one byte; the key's text was made by pepper_key_make, so nothing else stands there. */
static uint8_t hex_byte(const char *text)
{
    uint8_t value = 0;

    for (int i = 0; i < 2; i++)
        value = (uint8_t)(value << 4 |
                          (text[i] <= '9' ? text[i] - '0' : (text[i] | 0x20) - 'a' + 10));
    return value;
}

/* What is registered is the hash of the key's bytes; a pile that sends the digits as they stand is
 * judged by admission. */
static void hash_make(const struct pepper *pepper, const char *identity, const char *key,
    char ret_hex[2 * PEPPER_HASH + 1])
{
    uint8_t bytes[PEPPER_KEY], hash[PEPPER_HASH];

    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = hex_byte(key + 2 * i);
    pepper_hash((void *)pepper, identity, bytes, sizeof bytes, hash);
    for (size_t i = 0; i < sizeof hash; i++)
        snprintf(ret_hex + 2 * i, 3, "%02x", hash[i]);
}

static int pepper_open(const struct cli *cli, struct pepper *pepper)
{
    struct conf *conf = cli_conf(cli);
    char file[CONF_FILE_MAX], why[256];
    bool ok;

    if (conf == NULL)
        return CLI_FAILED;
    conf_pepper_file(conf, file);
    ok = pepper_load(pepper, file, why);
    conf_free(conf);
    if (!ok)
        fprintf(stderr, "csms: %s\n", why);
    return ok ? CLI_OK : CLI_FAILED;
}

static int register_hash(
    const struct cli *cli, const char *identity, const char *hash, bool keep_old)
{
    char conninfo[CLI_CONNINFO_MAX];
    struct db_fault fault;
    struct db_conn *conn;
    struct db_args args;
    int status = cli_conninfo(cli, "joulebook", "operator", conninfo);

    if (status != CLI_OK)
        return status;
    conn = db_conn_open(conninfo, "joulebook/csms", &fault);
    if (conn == NULL)
        return cli_db_failed("connect", &fault);
    db_args_init(&args);
    db_args_text(&args, identity);
    db_args_text(&args, hash);
    db_args_bool(&args, keep_old);
    db_args_row(&args);
    if (db_conn_run(conn, DB_STMT_SET_PILE_KEY, &args, NULL) != DB_OK)
        status = cli_db_failed(identity, db_conn_fault(conn));
    db_args_done(&args);
    db_conn_close(conn);
    return status;
}

int cli_pile_key(struct cli *cli, int argc, char **argv)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'},
        {"database", required_argument, NULL, 'd'},
        {"keep-old", no_argument, NULL, 'k'},
        {NULL, 0, NULL, 0},
    };
    char key[2 * PEPPER_KEY + 1], hash[2 * PEPPER_HASH + 1];
    struct pepper pepper;
    bool keep_old = false;
    int option, status;

    while ((option = getopt_long(argc, argv, "c:d:k", options, NULL)) != -1) {
        if (option == 'c')
            cli->config = optarg;
        else if (option == 'd')
            cli->database = optarg;
        else if (option == 'k')
            keep_old = true;
        else
            return cli_usage("pile key");
    }
    if (argc - optind != 1)
        return cli_usage("pile key");
    status = pepper_open(cli, &pepper);
    if (status != CLI_OK)
        return status;
    if (!pepper_key_make(key)) {
        fprintf(stderr, "csms: no randomness\n");
        pepper_done(&pepper);
        return CLI_FAILED;
    }
    hash_make(&pepper, argv[optind], key, hash);
    pepper_done(&pepper);
    status = register_hash(cli, argv[optind], hash, keep_old);
    if (status == CLI_OK)
        printf("%s\n", key);
    return status;
}
