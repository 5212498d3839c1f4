/* Files: mapped to be read, written whole or not at all. */
#define _GNU_SOURCE
#include "platform.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int platform_map_file(const char *path, const void **memory, size_t *bytes) {
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return errno;
  struct stat about;
  int error = fstat(file, &about) ? errno : S_ISDIR(about.st_mode) ? EISDIR : !S_ISREG(about.st_mode) ? EINVAL : 0;
  *memory = NULL;
  *bytes = error ? 0 : (size_t)about.st_size;
  /* An empty file cannot be mapped, and need not be. */
  if (!error && *bytes) {
    void *mapped = mmap(NULL, *bytes, PROT_READ, MAP_PRIVATE, file, 0);
    if (mapped == MAP_FAILED) error = errno;
    else *memory = mapped;
  }
  close(file);
  return error;
}

void platform_unmap_file(const void *memory, size_t bytes) {
  if (memory) munmap((void *)memory, bytes);
}

static int write_all(int file, const platform_span *parts, size_t count) {
  for (size_t i = 0; i < count; i++) {
    const char *from = parts[i].memory;
    for (size_t left = parts[i].bytes; left;) {
      ssize_t written = write(file, from, left < (1u << 30) ? left : (1u << 30));
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return errno;
      from += written;
      left -= (size_t)written;
    }
  }
  return fsync(file) ? errno : 0;
}

int platform_write_file(const char *path, const platform_span *parts, size_t count) {
  size_t length = strlen(path);
  char *name = malloc(length + 12);
  if (!name) return ENOMEM;
  memcpy(name, path, length);
  memcpy(name + length, ".newXXXXXX", 11);
  int file = mkostemp(name, O_CLOEXEC), error = 0;
  if (file < 0) {
    error = errno;
    free(name);
    return error;
  }
  /* mkostemp lets nobody else read; a new file should have what the process gives new files, an old one what it had. */
  struct stat old;
  mode_t mask = umask(0);
  umask(mask);
  if (fchmod(file, stat(path, &old) == 0 ? old.st_mode & 07777 : 0666 & ~mask)) error = errno;
  if (!error) error = write_all(file, parts, count);
  if (close(file) && !error) error = errno;
  if (!error && rename(name, path)) error = errno;
  if (error) unlink(name);
  free(name);
  return error;
}

const char *platform_error_text(int error, char text[128]) {
  return strerror_r(error, text, 128);
}
