/* A crew of threads that runs one job at a time. A worker spins for a short while after a job, since the next one is
 * often a few microseconds away, and then sleeps on a condition. In a child after fork() there are no workers any more:
 * the crew is forgotten there and started anew by the next job.
 *
 * A job's tasks are shared out in runs of neighbours, the same in each job of so many: what a worker has made in one, it finds
 * in its own caches in the next. Who has done his share takes from the others'. */
#define _GNU_SOURCE
#include "platform.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>

enum { MOST_WORKERS = 1023, SPINS = 4000 };

static pthread_mutex_t list_lock = PTHREAD_MUTEX_INITIALIZER; /* platform_lock */
static pthread_mutex_t crew_lock = PTHREAD_MUTEX_INITIALIZER; /* held by the caller whose job runs */
static pthread_mutex_t bell_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t bell = PTHREAD_COND_INITIALIZER;
static int started;  /* workers that exist, not counting callers */
static int sleeping; /* of those, waiting at the bell; written with bell_lock held */
/* The job's number, whether it may still be entered, and how many workers are inside. A worker that wakes up too late finds
 * the job closed; nobody waits for it. */
enum { INSIDE = 0xffff, OPEN = 0x10000, NUMBER_SHIFT = 17 };
static int64_t state;
static struct {
  int64_t workers, next; /* places, and the next free one */
  platform_work work;
  void *context;
} job;
/* Of each place: the next task of its share, where that ends, and whose share its worker takes from. Each in a line of the caches
 * of its own. */
static struct {
  _Alignas(64) int64_t next;
  int64_t end;
  int from;
} shares[MOST_WORKERS + 1];

static int64_t fetch_add(int64_t *value, int64_t amount) { return __atomic_fetch_add(value, amount, __ATOMIC_SEQ_CST); }

int64_t platform_next_task(int worker) {
  do {
    int from = shares[worker].from;
    int64_t task = fetch_add(&shares[from].next, 1);
    if (task < shares[from].end) return task;
    shares[worker].from = from + 1 < job.workers ? from + 1 : 0;
  } while (shares[worker].from != worker);
  return -1;
}

static void pause_briefly(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

static int64_t current_number(void) { return __atomic_load_n(&state, __ATOMIC_SEQ_CST) >> NUMBER_SHIFT; }

static bool enter(int64_t number) {
  int64_t now = __atomic_load_n(&state, __ATOMIC_SEQ_CST);
  while (now >> NUMBER_SHIFT == number && now & OPEN)
    if (__atomic_compare_exchange_n(&state, &now, now + 1, true, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) return true;
  return false;
}

static void *worker_life(void *argument) {
  /* The number of the job before its birth comes along: by the time this line runs, the first job may already be posted. */
  int64_t seen = (intptr_t)argument;
  platform_flush_denormals();
  for (;;) {
    for (int i = 0; i < SPINS && current_number() == seen; i++) pause_briefly();
    if (current_number() == seen) {
      pthread_mutex_lock(&bell_lock);
      __atomic_fetch_add(&sleeping, 1, __ATOMIC_RELAXED);
      while (current_number() == seen) pthread_cond_wait(&bell, &bell_lock);
      __atomic_fetch_add(&sleeping, -1, __ATOMIC_RELAXED);
      pthread_mutex_unlock(&bell_lock);
    }
    seen = current_number();
    if (!enter(seen)) continue;
    int64_t place = fetch_add(&job.next, 1);
    if (place < job.workers) job.work(job.context, (int)place);
    fetch_add(&state, -1);
  }
  return NULL;
}

static void before_fork(void) {
  pthread_mutex_lock(&crew_lock); /* no job is running while the process is copied */
  pthread_mutex_lock(&list_lock);
}
static void after_fork_in_parent(void) {
  pthread_mutex_unlock(&list_lock);
  pthread_mutex_unlock(&crew_lock);
}
static void after_fork_in_child(void) {
  pthread_mutex_init(&list_lock, NULL);
  pthread_mutex_init(&crew_lock, NULL);
  pthread_mutex_init(&bell_lock, NULL);
  pthread_cond_init(&bell, NULL);
  started = sleeping = 0;
  state = 0;
}
__attribute__((constructor)) static void watch_forks(void) {
  pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

/* Brings the crew to `wanted` workers; false where the system gives no more threads. All signals are blocked in them. */
static bool enlist(int wanted) {
  sigset_t all, mine;
  sigfillset(&all);
  pthread_attr_t attributes;
  if (started >= wanted) return true;
  if (pthread_attr_init(&attributes)) return false;
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_sigmask(SIG_SETMASK, &all, &mine);
  while (started < wanted) {
    pthread_t thread;
    if (pthread_create(&thread, &attributes, worker_life, (void *)(intptr_t)current_number())) break;
    __atomic_fetch_add(&started, 1, __ATOMIC_RELAXED);
  }
  pthread_sigmask(SIG_SETMASK, &mine, NULL);
  pthread_attr_destroy(&attributes);
  return started >= wanted;
}

bool platform_run(int workers, int64_t tasks, platform_work work, void *context) {
  if (workers > MOST_WORKERS + 1) workers = MOST_WORKERS + 1;
  if (pthread_mutex_trylock(&crew_lock)) return false;
  if (!enlist(workers - 1)) {
    pthread_mutex_unlock(&crew_lock);
    return false;
  }
  job.workers = workers;
  job.next = 1; /* place 0 is the caller's */
  job.work = work;
  job.context = context;
  for (int64_t place = 0, begin = 0; place < workers; place++, begin = shares[place - 1].end) {
    shares[place].next = begin;
    shares[place].from = (int)place;
    shares[place].end = begin + tasks / workers + (place < tasks % workers);
  }
  pthread_mutex_lock(&bell_lock);
  __atomic_store_n(&state, ((current_number() + 1) << NUMBER_SHIFT) | OPEN, __ATOMIC_SEQ_CST);
  if (__atomic_load_n(&sleeping, __ATOMIC_RELAXED)) pthread_cond_broadcast(&bell);
  pthread_mutex_unlock(&bell_lock);
  work(context, 0);
  __atomic_fetch_and(&state, ~(int64_t)OPEN, __ATOMIC_SEQ_CST);
  for (int spins = 0; __atomic_load_n(&state, __ATOMIC_SEQ_CST) & INSIDE; spins++)
    if (spins < SPINS) pause_briefly(); else sched_yield(); /* more threads than processors */
  pthread_mutex_unlock(&crew_lock);
  return true;
}

bool platform_crew_is_awake(void) {
  return __atomic_load_n(&started, __ATOMIC_RELAXED) > 0 && __atomic_load_n(&sleeping, __ATOMIC_RELAXED) == 0;
}

void platform_lock(void) { pthread_mutex_lock(&list_lock); }
void platform_unlock(void) { pthread_mutex_unlock(&list_lock); }
