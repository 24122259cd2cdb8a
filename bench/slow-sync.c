// Makes every sync of the store that loads it (LD_PRELOAD) take $SLOW_SYNC_US microseconds longer, as a cloud's disk
// would. The delay comes before the answer and holds the caller, and nobody else, up.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>

static void delay(void) {
  static long us = -1;
  if (us < 0) {
    const char *text = getenv("SLOW_SYNC_US");
    us = text == NULL ? 0 : atol(text);
  }
  struct timespec left = {us / 1000000, us % 1000000 * 1000};
  while (us > 0 && nanosleep(&left, &left) != 0) {
  }
}

int fsync(int fd) {
  static int (*real)(int);
  if (real == NULL) real = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
  int result = real(fd);
  delay();
  return result;
}

int fdatasync(int fd) {
  static int (*real)(int);
  if (real == NULL) real = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
  int result = real(fd);
  delay();
  return result;
}
