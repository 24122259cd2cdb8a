// A disk that can be told to fail, and that keeps a journal of what it has made durable: loaded into a store by
// LD_PRELOAD. It concerns itself only with files whose path contains $FAULTY_DISK_MATCH. faulty-disk.ts is its other half.
//
// Orders come through a small file mapped into memory, and hold from one call to the next. The journal is a file that
// every process of the store appends to, one record a write, so that its order is the order of what happened: a write
// is journalled before it is done (with the bytes that it replaces, where $FAULTY_DISK_WRITES is set), a sync before
// it begins and after it has succeeded. What a sync covers is what was journalled before it began.

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

struct orders {
  volatile uint32_t sync_delay_us;
  volatile uint32_t sync_errno;
  volatile uint32_t write_errno;
  // Counted here, read there.
  uint32_t syncs;
  uint32_t failed_syncs;
  uint32_t failed_writes;
  uint32_t begun_syncs;
};

enum { SYNC_BEGAN = 1, SYNCED = 2, WRITTEN = 3, CUT = 4 };

// 40 bytes, then `kept` bytes that a write replaces.
struct record {
  uint32_t kind;
  uint32_t kept;
  uint64_t inode;
  uint64_t offset; // of a sync: which one it is
  uint64_t length; // of a sync: the file's size when it began
  uint64_t size;   // of a write: the file's size before it
};

static struct orders *orders;
static int journal = -1;
static const char *match;
static int keeps_writes;
static uint32_t syncs_begun;

__attribute__((constructor)) static void begin(void) {
  const char *control = getenv("FAULTY_DISK_CONTROL");
  const char *path = getenv("FAULTY_DISK_JOURNAL");
  match = getenv("FAULTY_DISK_MATCH");
  keeps_writes = getenv("FAULTY_DISK_WRITES") != NULL;
  if (control == NULL || path == NULL || match == NULL) return;
  int fd = open(control, O_RDWR | O_CLOEXEC);
  journal = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
  void *mapped = fd < 0 ? MAP_FAILED : mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (journal < 0 || mapped == MAP_FAILED) {
    // A store that ran on as if all were well would prove nothing.
    dprintf(2, "faulty-disk: cannot open %s or %s\n", control, path);
    _exit(97);
  }
  orders = mapped;
  syscall(SYS_close, fd);
}

static int is_ours(int fd) {
  if (orders == NULL) return 0;
  char link[64], path[1024];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length <= 0 || path[0] != '/') return 0;
  path[length] = 0;
  return strstr(path, match) != NULL;
}

static void record(uint32_t kind, const struct stat *of, uint64_t offset, uint64_t length, const void *kept,
                   uint32_t bytes) {
  struct record head = {kind, bytes, of->st_ino, offset, length, (uint64_t)of->st_size};
  struct iovec parts[2] = {{&head, sizeof head}, {(void *)kept, bytes}};
  ssize_t whole = (ssize_t)(sizeof head + bytes);
  if (syscall(SYS_writev, journal, parts, bytes > 0 ? 2 : 1) != whole) {
    dprintf(2, "faulty-disk: the journal is full\n");
    _exit(97);
  }
}

static int synced(int fd, long call) {
  struct stat before;
  if (!is_ours(fd) || fstat(fd, &before) != 0) return (int)syscall(call, fd);
  uint64_t which = ((uint64_t)getpid() << 32) | __atomic_add_fetch(&syncs_begun, 1, __ATOMIC_RELAXED);
  record(SYNC_BEGAN, &before, which, (uint64_t)before.st_size, NULL, 0);
  __atomic_add_fetch(&orders->begun_syncs, 1, __ATOMIC_RELAXED);
  uint32_t delay = orders->sync_delay_us;
  if (delay > 0) {
    struct timespec left = {delay / 1000000, (long)(delay % 1000000) * 1000};
    while (nanosleep(&left, &left) != 0) continue;
  }
  uint32_t failure = orders->sync_errno;
  if (failure != 0) {
    __atomic_add_fetch(&orders->failed_syncs, 1, __ATOMIC_RELAXED);
    errno = (int)failure;
    return -1;
  }
  int result = (int)syscall(call, fd);
  if (result == 0) {
    record(SYNCED, &before, which, (uint64_t)before.st_size, NULL, 0);
    __atomic_add_fetch(&orders->syncs, 1, __ATOMIC_RELAXED);
  }
  return result;
}

int fsync(int fd) { return synced(fd, SYS_fsync); }
int fdatasync(int fd) { return synced(fd, SYS_fdatasync); }

// Whether the write is to fail; errno is set then.
static int refuses(int fd) {
  if (orders == NULL || orders->write_errno == 0 || !is_ours(fd)) return 0;
  __atomic_add_fetch(&orders->failed_writes, 1, __ATOMIC_RELAXED);
  errno = (int)orders->write_errno;
  return 1;
}

ssize_t write(int fd, const void *bytes, size_t count) {
  return refuses(fd) ? -1 : syscall(SYS_write, fd, bytes, count);
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
  return refuses(fd) ? -1 : syscall(SYS_writev, fd, parts, count);
}

// Writes at a place replace what is there: kept, so that a power cut can undo them.
static void keep(int fd, off_t offset, size_t count) {
  struct stat before;
  if (!keeps_writes || !is_ours(fd) || fstat(fd, &before) != 0) return;
  uint64_t end = (uint64_t)offset + count;
  if (end > (uint64_t)before.st_size) end = (uint64_t)before.st_size;
  size_t there = end > (uint64_t)offset ? (size_t)(end - (uint64_t)offset) : 0;
  char *kept = there > 0 ? malloc(there) : NULL;
  // The descriptor may be open for writing only.
  char path[64];
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  int reader = there > 0 ? (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0) : -1;
  if (there > 0 && (kept == NULL || reader < 0 || pread(reader, kept, there, offset) != (ssize_t)there)) {
    dprintf(2, "faulty-disk: cannot keep what a write replaces\n");
    _exit(97);
  }
  if (reader >= 0) syscall(SYS_close, reader);
  record(WRITTEN, &before, (uint64_t)offset, count, kept, (uint32_t)there);
  free(kept);
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t offset) {
  if (refuses(fd)) return -1;
  keep(fd, offset, count);
  return syscall(SYS_pwrite64, fd, bytes, count, offset);
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off_t offset) { return pwrite(fd, bytes, count, offset); }

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset) {
  if (refuses(fd)) return -1;
  size_t whole = 0;
  for (int i = 0; i < count; i++) whole += parts[i].iov_len;
  keep(fd, offset, whole);
  return syscall(SYS_pwritev, fd, parts, count, offset, 0);
}

ssize_t pwritev64(int fd, const struct iovec *parts, int count, off_t offset) {
  return pwritev(fd, parts, count, offset);
}

// What is cut off is durable no more; nobody says how soon, so at once.
static void cut(const struct stat *of, off_t length) { record(CUT, of, 0, (uint64_t)length, NULL, 0); }

int ftruncate(int fd, off_t length) {
  struct stat before;
  if (is_ours(fd) && fstat(fd, &before) == 0) cut(&before, length);
  return (int)syscall(SYS_ftruncate, fd, length);
}

int ftruncate64(int fd, off_t length) { return ftruncate(fd, length); }

int truncate(const char *path, off_t length) {
  // A store may name its file from its own folder; only the inode counts.
  struct stat before;
  if (orders != NULL && stat(path, &before) == 0) cut(&before, length);
  return (int)syscall(SYS_truncate, path, length);
}

int truncate64(const char *path, off_t length) { return truncate(path, length); }
