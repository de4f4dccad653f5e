/* proxy.c - see proxy.h. */
#include "tests/db/proxy.h"

#include <check.h>

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static const char committed[] = {'C', 0, 0, 0, 11, 'C', 'O', 'M', 'M', 'I', 'T', 0};
static const char warning[] = {'N', 0, 0, 0, 49, 'S', 'W', 'A', 'R', 'N', 'I', 'N', 'G', 0, 'V',
    'W', 'A', 'R', 'N', 'I', 'N', 'G', 0, 'C', '0', '1', '0', '0', '0', 0, 'M', 'w', 'a', 'i', 't',
    ' ', 'c', 'a', 'n', 'c', 'e', 'l', 'l', 'e', 'd', '!', '!', '!', 0, 0};
_Static_assert(sizeof warning == 50, "the length in the message");

static int unix_socket(const char *path, bool listening)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(address.sun_path, sizeof address.sun_path, "%.107s", path);
    if (listening ? bind(fd, (struct sockaddr *)&address, sizeof address) || listen(fd, 8)
                  : connect(fd, (struct sockaddr *)&address, sizeof address)) {
        close(fd);
        return -1;
    }
    return fd;
}

static bool write_all(int fd, const char *bytes, size_t length)
{
    while (length) {
        ssize_t wrote = send(fd, bytes, length, MSG_NOSIGNAL);

        if (wrote <= 0)
            return false;
        bytes += wrote;
        length -= (size_t)wrote;
    }
    return true;
}

static bool carried_out(struct proxy_control *control)
{
    control->done++;
    if (control->repeat > 0)
        control->repeat--;
    else
        control->order = PROXY_PASS;
    return false;
}

/* False: cut the line. */
static bool cut_after(struct proxy_control *control, int to, const char *bytes, size_t length)
{
    if ((int64_t)length < control->bytes) {
        control->bytes -= (int64_t)length;
        return write_all(to, bytes, length);
    }
    (void)write_all(to, bytes, (size_t)control->bytes);
    return carried_out(control);
}

static bool to_server(struct proxy_control *control, int to, const char *bytes, size_t length)
{
    const char *commit;

    if (control->order == PROXY_CUT_TO_SERVER)
        return cut_after(control, to, bytes, length);
    if (control->order == PROXY_CUT_COMMIT && (commit = memmem(bytes, length, "COMMIT", 7))) {
        (void)write_all(to, bytes, (size_t)(commit - bytes));
        return carried_out(control);
    }
    return write_all(to, bytes, length);
}

static bool to_client(struct proxy_control *control, int to, const char *bytes, size_t length)
{
    const char *commit = memmem(bytes, length, committed, sizeof committed);

    if (control->order == PROXY_CUT_TO_CLIENT)
        return cut_after(control, to, bytes, length);
    if (commit && control->order == PROXY_CUT_COMMIT_ANSWER) {
        (void)write_all(to, bytes, (size_t)(commit - bytes));
        return carried_out(control);
    }
    if (commit && control->order == PROXY_WARN_AT_COMMIT) {
        (void)carried_out(control);
        return write_all(to, bytes, (size_t)(commit - bytes)) &&
               write_all(to, warning, sizeof warning) &&
               write_all(to, commit, length - (size_t)(commit - bytes));
    }
    return write_all(to, bytes, length);
}

static void pass(struct proxy_control *control, int client, int server)
{
    static char buffer[1 << 20];
    struct pollfd fds[2] = {{.fd = client, .events = POLLIN}, {.fd = server, .events = POLLIN}};

    for (;;) {
        if (control->order == PROXY_STALL) {
            usleep(10000);
            continue;
        }
        if (poll(fds, 2, 50) < 0)
            return;
        for (int i = 0; i < 2; i++) {
            ssize_t length;

            if (!fds[i].revents)
                continue;
            length = read(fds[i].fd, buffer, sizeof buffer);
            if (length <= 0 || !(i == 0 ? to_server(control, server, buffer, (size_t)length)
                                        : to_client(control, client, buffer, (size_t)length)))
                return;
        }
    }
}

__attribute__((noreturn)) static void serve(
    struct proxy_control *control, int listening, const char *upstream)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;) {
        int client = accept(listening, NULL, NULL);
        int server = client < 0 ? -1 : unix_socket(upstream, false);

        control->connections++;
        if (server >= 0)
            pass(control, client, server);
        if (server >= 0)
            close(server);
        if (client >= 0)
            close(client);
    }
}

void proxy_start(struct proxy *proxy, const char *conninfo)
{
    char path[128], upstream[128], host[100];
    int listening;

    ck_assert_int_eq(sscanf(conninfo, "host=%99s", host), 1);
    snprintf(upstream, sizeof upstream, "%s/.s.PGSQL.5432", host);
    snprintf(proxy->dir, sizeof proxy->dir, "/tmp/joulebook-proxy-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(proxy->dir));
    snprintf(path, sizeof path, "%s/.s.PGSQL.5432", proxy->dir);
    listening = unix_socket(path, true);
    ck_assert_int_ge(listening, 0);
    proxy->control = mmap(
        NULL, sizeof *proxy->control, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert(proxy->control != MAP_FAILED);
    snprintf(proxy->conninfo, sizeof proxy->conninfo, "%.150s host=%s", conninfo, proxy->dir);
    proxy->pid = fork();
    if (proxy->pid == 0)
        serve(proxy->control, listening, upstream);
    close(listening);
}

void proxy_stop(struct proxy *proxy)
{
    char path[128];

    kill(proxy->pid, SIGKILL);
    waitpid(proxy->pid, NULL, 0);
    munmap(proxy->control, sizeof *proxy->control);
    snprintf(path, sizeof path, "%s/.s.PGSQL.5432", proxy->dir);
    unlink(path);
    rmdir(proxy->dir);
}
