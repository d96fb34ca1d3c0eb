// Counts what a piece of code takes from the heap, by malloc, by operator new or inside a shared library.
#pragma once

#include <cstddef>

namespace gatelab {

// Link tests/support/counted_heap.cpp into the test program. Counts the calling thread's allocations only.
class HeapCount {
public:
    HeapCount();
    ~HeapCount();
    HeapCount(const HeapCount&) = delete;
    HeapCount& operator=(const HeapCount&) = delete;
    std::size_t allocations() const;  // since construction
};

}  // namespace gatelab
