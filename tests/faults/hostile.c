// Tries one thing that a hostile program would try, and prints "refused: ERRNO" or "allowed". Named by its first argument.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/io_uring.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

static long try_connect(int family, int kind, const struct sockaddr *to, socklen_t size) {
    int s = socket(family, kind, 0);
    if (s < 0) return -1;
    long answer = connect(s, to, size);
    if (answer == 0 && kind == SOCK_DGRAM) answer = send(s, "x", 1, 0);
    return answer;
}

static long try_ipv4(int kind, unsigned port) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(0x09090909)}};
    return try_connect(AF_INET, kind, (void *)&to, sizeof to);
}

static long try_loopback(unsigned port) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    return try_connect(AF_INET, SOCK_STREAM, (void *)&to, sizeof to);
}

static long try_ipv6(void) {
    struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_port = htons(53), .sin6_addr = {{{0x20, 1, 0x48, 0x60}}}};
    return try_connect(AF_INET6, SOCK_STREAM, (void *)&to, sizeof to);
}

static long try_unix(const char *name, int abstract) {
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    strncpy(to.sun_path + abstract, name, sizeof to.sun_path - 2);
    return try_connect(AF_UNIX, SOCK_STREAM, (void *)&to, offsetof(struct sockaddr_un, sun_path) + abstract + strlen(name));
}

static struct sockaddr_in resolver(void) {
    return (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(53), .sin_addr = {htonl(0x09090909)}};
}

static long try_messages(int several) {
    struct sockaddr_in to = resolver();
    struct iovec piece = {"x", 1};
    struct mmsghdr messages[2] = {{{&to, sizeof to, &piece, 1, 0, 0, 0}, 0}, {{&to, sizeof to, &piece, 1, 0, 0, 0}, 0}};
    int s = socket(AF_INET, SOCK_DGRAM, 0);
    return several ? sendmmsg(s, messages, 2, 0) : sendmsg(s, &messages[0].msg_hdr, 0);
}

static long try_fast_open(void) {
    // A connection without connect(2).
    struct sockaddr_in to = resolver();
    return sendto(socket(AF_INET, SOCK_STREAM, 0), "x", 1, MSG_FASTOPEN, (void *)&to, sizeof to);
}

static long try_serving(void) {
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons(8080), .sin_addr = {htonl(INADDR_ANY)}};
    int s = socket(AF_INET, SOCK_STREAM, 0);
    return bind(s, (void *)&here, sizeof here) || listen(s, 1) ? -1 : 0;
}

static long try_undumpable(void) {
    prctl(PR_SET_DUMPABLE, 0);
    return try_ipv4(SOCK_STREAM, 80);
}

static long try_old_entry(int number) {
    long answer;
    __asm__ volatile("int $0x80" : "=a"(answer) : "0"((long)number), "b"(0L) : "memory", "r8", "r9", "r10", "r11");
    return answer;
}

static long try_listener(void) {
    // A supervisor of its own would let calls go on that the outer filter only marks.
    struct sock_filter notify = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF);
    struct sock_fprog program = {1, &notify};
    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
}

static long try_clone(unsigned long flags) {
    long child = syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);
    if (child == 0) _exit(0);
    return child;
}

static long try_setuid(void) {
    // Whatever the file's bits say: the effective user must not change.
    FILE *status = popen("for p in /usr/bin/su /usr/bin/passwd /usr/bin/mount; do test -u $p && echo found; done; "
                         "cp /usr/bin/id ./id; chmod 6755 ./id; ./id -u", "r");
    char line[64] = "";
    while (fgets(line, sizeof line, status)) continue;
    pclose(status);
    errno = EPERM;
    return strcmp(line, "1000\n") == 0 ? -1 : 0;
}

static long try_memory_of_another(const char *name) {
    // What a second process of the attacker's would patch the subject with: the kernel asks no ptrace filter here.
    char place[64];
    snprintf(place, sizeof place, "/proc/%d/%s", getppid(), name);
    return open(place, O_RDWR);
}

static long attempt(const char *what, const char *argument) {
    char byte;
    struct iovec piece = {&byte, 1};
    if (!strcmp(what, "ptrace")) return ptrace(PTRACE_ATTACH, getppid(), 0, 0);
    if (!strcmp(what, "ptrace-me")) return ptrace(PTRACE_TRACEME, 0, 0, 0);
    if (!strcmp(what, "read-memory")) return process_vm_readv(getppid(), &piece, 1, &piece, 1, 0);
    if (!strcmp(what, "patch-memory")) return try_memory_of_another(argument);
    if (!strcmp(what, "keyring")) return syscall(SYS_add_key, "user", "a", "b", 1, -3);
    if (!strcmp(what, "keyctl")) return syscall(SYS_keyctl, 0, -3, 1);
    if (!strcmp(what, "io_uring")) { struct io_uring_params p = {0}; return syscall(SYS_io_uring_setup, 1, &p); }
    if (!strcmp(what, "bpf")) return syscall(SYS_bpf, 0, 0, 0);
    if (!strcmp(what, "perf")) return syscall(SYS_perf_event_open, 0, 0, -1, -1, 0);
    if (!strcmp(what, "userfaultfd")) return syscall(SYS_userfaultfd, 1);
    if (!strcmp(what, "shared-memory")) return syscall(SYS_shmget, 0, 4096, 01600);
    if (!strcmp(what, "unshare-user")) return unshare(CLONE_NEWUSER);
    if (!strcmp(what, "unshare-mount")) return unshare(CLONE_NEWNS);
    if (!strcmp(what, "clone-user")) return try_clone(CLONE_NEWUSER);
    if (!strcmp(what, "clone-pid")) return try_clone(CLONE_NEWPID);
    if (!strcmp(what, "clone-untraced")) return try_clone(0x800000);
    if (!strcmp(what, "filter-listener")) return try_listener();
    if (!strcmp(what, "clone3")) return syscall(SYS_clone3, 0, 0);
    if (!strcmp(what, "setns")) return setns(open("/proc/1/ns/mnt", O_RDONLY), 0);
    if (!strcmp(what, "mount")) return mount("none", "/tmp", "tmpfs", 0, 0);
    if (!strcmp(what, "umount")) return umount2(argument, MNT_DETACH);
    if (!strcmp(what, "chroot")) return chroot("/tmp");
    if (!strcmp(what, "device")) return mknod("/tmp/disk", S_IFBLK | 0666, (8 << 8) | 0);
    if (!strcmp(what, "open-by-handle")) return syscall(SYS_open_by_handle_at, -100, 0, 0);
    if (!strcmp(what, "personality")) return syscall(SYS_personality, 0x0400000);
    if (!strcmp(what, "type-into-terminal")) return ioctl(0, TIOCSTI, "x");
    if (!strcmp(what, "type-with-high-bits")) return syscall(SYS_ioctl, 0, 0x100000000UL | TIOCSTI, "x");
    if (!strcmp(what, "packet-socket")) return socket(17, SOCK_RAW, 0);
    if (!strcmp(what, "netlink-with-high-bits")) return syscall(SYS_socket, 0x100000010UL, SOCK_RAW, 0);
    if (!strcmp(what, "vsock")) return socket(40, SOCK_STREAM, 0);
    if (!strcmp(what, "raw-socket")) return socket(AF_INET, SOCK_RAW, 1);
    if (!strcmp(what, "tcp")) return try_ipv4(SOCK_STREAM, 80);
    if (!strcmp(what, "udp")) return try_ipv4(SOCK_DGRAM, 53);
    if (!strcmp(what, "message")) return try_messages(0);
    if (!strcmp(what, "messages")) return try_messages(1);
    if (!strcmp(what, "fast-open")) return try_fast_open();
    if (!strcmp(what, "serve")) return try_serving();
    if (!strcmp(what, "undumpable")) return try_undumpable();
    if (!strcmp(what, "old-entry")) return try_old_entry(20);
    if (!strcmp(what, "x32-entry")) return syscall(0x40000000 + SYS_getpid);
    if (!strcmp(what, "ipv6")) return try_ipv6();
    if (!strcmp(what, "loopback")) return try_loopback(atoi(argument));
    if (!strcmp(what, "unix-abstract")) return try_unix(argument, 1);
    if (!strcmp(what, "unix-path")) return try_unix(argument, 0);
    if (!strcmp(what, "setuid")) return try_setuid();
    if (!strcmp(what, "become-root")) return setuid(0);
    if (!strcmp(what, "nice")) return syscall(SYS_setpriority, 0, 0, -10);
    if (!strcmp(what, "signal")) return kill(atoi(argument), SIGKILL);
    if (!strcmp(what, "read")) return open(argument, O_RDONLY);
    if (!strcmp(what, "write")) return open(argument, O_WRONLY | O_CREAT, 0600);
    fprintf(stderr, "what is %s?\n", what);
    exit(64);
}

int main(int count, char **arguments) {
    (void)count;
    errno = 0;
    long answer = attempt(arguments[1], arguments[2]);
    if (answer < 0) printf("refused: %s\n", strerrorname_np(errno));
    else puts("allowed");
    return 0;
}
