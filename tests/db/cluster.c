/* cluster.c - see cluster.h. */
#include "tests/db/cluster.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static struct cluster shared;
static pid_t shared_owner;

__attribute__((noreturn, format(printf, 1, 2))) static void give_up(const char *format, ...)
{
    va_list list;

    va_start(list, format);
    vfprintf(stderr, format, list);
    va_end(list);
    fputc('\n', stderr);
    abort();
}

/* Runs tests/cluster.sh and keeps the last line that it prints. */
static void script(const char *verb, const char *dir, const char *option, char *line, size_t size)
{
    char command[CLUSTER_TEXT_MAX * 3], read[CLUSTER_TEXT_MAX];
    FILE *out;

    snprintf(command, sizeof command, "'%s' %s '%s' %s", CLUSTER_SH, verb, dir, option);
    out = popen(command, "r");
    if (!out)
        give_up("cannot run %s", command);
    while (fgets(read, sizeof read, out)) {
        if (line)
            snprintf(line, size, "%.*s", (int)strcspn(read, "\n"), read);
    }
    if (pclose(out) != 0)
        give_up("failed: %s", command);
}

/* A test that fails runs no teardown: whoever is left stops its cluster once the process is gone.
 */
static void guard(const struct cluster *cluster)
{
    char byte, data[CLUSTER_TEXT_MAX + 8];
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) != 0)
        give_up("no pipe");
    if (fork() != 0) {
        close(ends[0]); /* the other end stays open as long as this process */
        return;
    }
    setsid();
    close(ends[1]);
    while (read(ends[0], &byte, 1) < 0)
        ;
    snprintf(data, sizeof data, "%s/data", cluster->dir);
    if (access(data, F_OK) == 0)
        execl(CLUSTER_SH, CLUSTER_SH, "stop", cluster->dir, NULL);
    _exit(0);
}

void cluster_start(struct cluster *cluster, bool durable)
{
    snprintf(cluster->dir, sizeof cluster->dir, "/tmp/joulebook-test-XXXXXX");
    if (!mkdtemp(cluster->dir))
        give_up("cannot make %s", cluster->dir);
    script("start", cluster->dir, durable ? "--durable" : "", cluster->conninfo,
        sizeof cluster->conninfo);
    guard(cluster);
}

void cluster_halt(const struct cluster *cluster)
{
    script("halt", cluster->dir, "", NULL, 0);
}

void cluster_resume(const struct cluster *cluster)
{
    script("resume", cluster->dir, "", NULL, 0);
}

void cluster_stop(const struct cluster *cluster)
{
    script("stop", cluster->dir, "", NULL, 0);
}

static void stop_shared(void)
{
    if (getpid() == shared_owner)
        cluster_stop(&shared);
}

void cluster_need(void)
{
    const char *given = getenv("JOULEBOOK_TEST_PG");

    if (*shared.conninfo)
        return;
    if (given) {
        snprintf(shared.conninfo, sizeof shared.conninfo, "%s", given);
        return;
    }
    cluster_start(&shared, false);
    shared_owner = getpid();
    atexit(stop_shared);
}

struct db_conn *cluster_connect(const char *conninfo)
{
    struct db_fault fault;
    struct db_conn *conn = db_conn_open(conninfo, "test", &fault);

    if (!conn)
        give_up("cannot connect: %s", fault.text);
    return conn;
}

void cluster_exec(const char *conninfo, const char *text)
{
    struct db_conn *conn = cluster_connect(conninfo);

    if (db_conn_script(conn, text) != DB_OK)
        give_up("%s: %s", db_conn_fault(conn)->sqlstate, db_conn_fault(conn)->text);
    db_conn_close(conn);
}

int64_t cluster_number(const char *conninfo, const char *query)
{
    struct db_conn *conn = cluster_connect(conninfo);
    struct db_rows rows;
    struct db_row row;
    int64_t number;

    if (db_conn_query(conn, query, NULL, &rows) != DB_OK)
        give_up("%s: %s", query, db_conn_fault(conn)->text);
    row = db_rows_at(&rows, 0);
    number = db_row_int8(&row, 0);
    db_rows_done(&rows);
    db_conn_close(conn);
    return number;
}

void cluster_database_of(const char *base, char ret[CLUSTER_TEXT_MAX])
{
    char name[64], text[CLUSTER_TEXT_MAX];
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now); /* numbers of processes come again */
    snprintf(
        name, sizeof name, "test_%d_%lld_%ld", (int)getpid(), (long long)now.tv_sec, now.tv_nsec);
    snprintf(text, sizeof text, "CREATE DATABASE %s TEMPLATE template0", name);
    cluster_exec(base, text);
    snprintf(ret, CLUSTER_TEXT_MAX, "%.180s dbname=%s", base, name);
}

void cluster_database(char ret[CLUSTER_TEXT_MAX])
{
    cluster_need();
    cluster_database_of(shared.conninfo, ret);
}
