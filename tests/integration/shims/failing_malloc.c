// Preloaded, it lets allocations fail in one process, at a moment that a test chooses. The file $FAILING_MALLOC_FILE is
// shared memory: { pid, how many allocations from now on succeed, how many then fail, how many have failed }.

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

struct Plan {
  volatile int64_t pid;  // 0: nobody
  volatile int64_t succeed;
  volatile int64_t fail;
  volatile int64_t failed;
};

extern void* __libc_malloc(size_t);
extern void* __libc_calloc(size_t, size_t);
extern void* __libc_realloc(void*, size_t);
extern void* __libc_memalign(size_t, size_t);

static struct Plan* plan;

__attribute__((constructor)) static void open_plan(void) {
  const char* path = getenv("FAILING_MALLOC_FILE");
  const int file = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
  if (file < 0) return;
  void* page = mmap(NULL, sizeof(struct Plan), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (page != MAP_FAILED) plan = page;
  close(file);
}

static int fails(void) {
  if (!plan || plan->pid == 0 || plan->pid != getpid()) return 0;
  if (plan->succeed > 0) {
    plan->succeed--;
    return 0;
  }
  if (plan->fail <= 0) return 0;
  plan->fail--;
  plan->failed++;
  errno = ENOMEM;
  return 1;
}

void* malloc(size_t size) {
  return fails() ? NULL : __libc_malloc(size);
}

void* calloc(size_t count, size_t size) {
  return fails() ? NULL : __libc_calloc(count, size);
}

void* realloc(void* old, size_t size) {
  return size != 0 && fails() ? NULL : __libc_realloc(old, size);
}

void* memalign(size_t alignment, size_t size) {
  return fails() ? NULL : __libc_memalign(alignment, size);
}

void* aligned_alloc(size_t alignment, size_t size) {
  return fails() ? NULL : __libc_memalign(alignment, size);
}

int posix_memalign(void** result, size_t alignment, size_t size) {
  if (fails()) return ENOMEM;
  *result = __libc_memalign(alignment, size);
  return *result ? 0 : ENOMEM;
}
