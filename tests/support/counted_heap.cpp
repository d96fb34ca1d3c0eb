#include "tests/support/counted_heap.h"

#include <cstdlib>

namespace {

thread_local bool t_counting = false;
thread_local std::size_t t_allocations = 0;

void count() {
    if (t_counting) ++t_allocations;
}

}  // namespace

#if defined(__SANITIZE_ADDRESS__)

// As in sanitizer/allocator_interface.h, a header that not every compiler package carries.
extern "C" int __sanitizer_install_malloc_and_free_hooks(void (*on_malloc)(const volatile void*, std::size_t),
                                                         void (*on_free)(const volatile void*));

namespace {

void on_malloc(const volatile void*, std::size_t) { count(); }
void on_free(const volatile void*) {}
const int kHooks = __sanitizer_install_malloc_and_free_hooks(on_malloc, on_free);

}  // namespace

#else

// A program's own malloc replaces glibc's for every library in it; glibc's free takes back what __libc_malloc gave.
extern "C" {

void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);

void* malloc(std::size_t size) noexcept {
    count();
    return __libc_malloc(size);
}

void* calloc(std::size_t members, std::size_t size) noexcept {
    count();
    return __libc_calloc(members, size);
}

void* realloc(void* old, std::size_t size) noexcept {
    count();
    return __libc_realloc(old, size);
}
}

#endif

namespace gatelab {

HeapCount::HeapCount() {
    t_allocations = 0;
    t_counting = true;
}

HeapCount::~HeapCount() { t_counting = false; }

std::size_t HeapCount::allocations() const { return t_allocations; }

}  // namespace gatelab
