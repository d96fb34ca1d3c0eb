// A guest's first program: threads of two processes each keep a value of their own in a vector register over many
// system calls that let another run. Prints "vectors kept", or what was found in a register instead of what was left
// there.
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

namespace {

using Vector = std::array<std::uint64_t, 4>;

// Leaves a value in a register while others run, and gives what is there afterwards.
Vector yield_with_xmm(const Vector& value) {
    Vector after{};
    long call = SYS_sched_yield;
    asm volatile("movdqu %2, %%xmm9\n syscall\n movdqu %%xmm9, %1"
                 : "+a"(call), "=m"(after)
                 : "m"(value)
                 : "rcx", "r11", "xmm9", "memory");
    return {after[0], after[1], value[2], value[3]};
}

// The upper half of this one is state that only XSAVE knows.
Vector yield_with_ymm(const Vector& value) {
    Vector after{};
    long call = SYS_sched_yield;
    asm volatile("vmovdqu %2, %%ymm9\n syscall\n vmovdqu %%ymm9, %1"
                 : "+a"(call), "=m"(after)
                 : "m"(value)
                 : "rcx", "r11", "xmm9", "memory");
    return after;
}

void keep(std::uint64_t who) {
    const bool wide = __builtin_cpu_supports("avx") != 0;
    for (std::uint64_t i = 0; i < 300; ++i) {
        const Vector value{who, i, ~who, ~i};
        if (const auto after = wide ? yield_with_ymm(value) : yield_with_xmm(value); after != value) {
            std::printf("thread %d found %llx %llx %llx %llx\n", static_cast<int>(who),
                        static_cast<unsigned long long>(after[0]), static_cast<unsigned long long>(after[1]),
                        static_cast<unsigned long long>(after[2]), static_cast<unsigned long long>(after[3]));
            std::fflush(stdout);
            std::_Exit(1);
        }
    }
}

void keep_in_threads(std::uint64_t first) {
    std::vector<std::thread> threads;
    for (std::uint64_t i = 0; i < 3; ++i) threads.emplace_back(keep, first + i);
    for (auto& thread : threads) thread.join();
}

}  // namespace

int main() {
    const pid_t other = ::fork();
    keep_in_threads(other == 0 ? 10 : 20);
    if (other == 0) return 0;
    int status = 0;
    ::waitpid(other, &status, 0);
    std::puts(other > 0 && status == 0 ? "vectors kept" : "vectors lost");
    std::fflush(stdout);
    for (;;) ::pause();
}
