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

#ifdef __APPLE__
#define MODIFIED st_mtimespec
#else
#define MODIFIED st_mtim
#endif
static int64_t changed(const struct stat *about) {
  return (int64_t)about->MODIFIED.tv_sec * 1000000000 + about->MODIFIED.tv_nsec;
}

int platform_open_file(const char *path, platform_file *file) {
  int descriptor = open(path, O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return errno;
  struct stat about;
  int error = fstat(descriptor, &about) ? errno : S_ISDIR(about.st_mode) ? EISDIR : !S_ISREG(about.st_mode) ? EINVAL : 0;
  if (error) close(descriptor);
  else *file = (platform_file){descriptor, (size_t)about.st_size, changed(&about)};
  return error;
}
void platform_close_file(const platform_file *file) { close(file->descriptor); }

int platform_map_file(const platform_file *file, const void **memory) {
  *memory = NULL;
  if (!file->bytes) return 0;
  void *mapped = mmap(NULL, file->bytes, PROT_READ, MAP_PRIVATE, file->descriptor, 0);
  if (mapped == MAP_FAILED) return errno;
  *memory = mapped;
  return 0;
}

int platform_read_file(const platform_file *file, void *to, size_t bytes, size_t offset) {
  char *next = to;
  for (size_t left = bytes; left;) {
    ssize_t read = pread(file->descriptor, next, left < (1u << 30) ? left : (1u << 30), (off_t)offset);
    if (read < 0 && errno == EINTR) continue;
    if (read <= 0) return read < 0 ? errno : platform_file_changed;
    next += read;
    offset += (size_t)read;
    left -= (size_t)read;
  }
  /* Looked at last, so that a change meanwhile is seen too. */
  struct stat about;
  if (fstat(file->descriptor, &about)) return errno;
  return (size_t)about.st_size == file->bytes && changed(&about) == file->changed ? 0 : platform_file_changed;
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
