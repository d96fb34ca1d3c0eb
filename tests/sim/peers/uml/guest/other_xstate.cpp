// Preloaded into a kernel, makes any host look like one that keeps HOST_XSTATE octets of extended state for a process:
// 2696 is as much as the kernel has room for, 11008 is a processor with AMX. Says on standard error how much the kernel
// wrote the first time.
//
// As Linux does (arch/x86/kernel/fpu/regset.c, xstateregs_set): a read may be short, a longer write is cut, and a
// shorter one fails with EFAULT.
#include <elf.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

alignas(64) unsigned char real_state[65536];

long call(long request, long process, void* address, void* data) {
    // A raw PTRACE_PEEK* stores what it read where `data` points; the function returns it.
    if (request == PTRACE_PEEKTEXT || request == PTRACE_PEEKDATA || request == PTRACE_PEEKUSER) {
        long word = 0;
        return ::syscall(SYS_ptrace, request, process, address, &word) < 0 ? -1 : (errno = 0, word);
    }
    return ::syscall(SYS_ptrace, request, process, address, data);
}

long get(long process, void* what, iovec& asked, std::size_t seeming) {
    iovec real{real_state, sizeof real_state};
    if (call(PTRACE_GETREGSET, process, what, &real) < 0) return -1;
    std::memset(real_state + real.iov_len, 0, sizeof real_state - real.iov_len);
    asked.iov_len = std::min(asked.iov_len, seeming);
    std::memcpy(asked.iov_base, real_state, asked.iov_len);
    return 0;
}

long set(long process, void* what, const iovec& asked, std::size_t seeming) {
    static bool told = false;
    char text[64];
    const int length = std::snprintf(text, sizeof text, "wrote %zu octets of xstate\n", asked.iov_len);
    if (!told) told = ::write(STDERR_FILENO, text, static_cast<std::size_t>(length)) > 0;
    if (asked.iov_len < seeming) {
        errno = EFAULT;
        return -1;
    }
    iovec real{real_state, sizeof real_state};
    if (call(PTRACE_GETREGSET, process, what, &real) < 0) return -1;
    std::memcpy(real_state, asked.iov_base, std::min(seeming, real.iov_len));
    return call(PTRACE_SETREGSET, process, what, &real);
}

}  // namespace

extern "C" long ptrace(__ptrace_request request, ...) {
    va_list arguments;
    va_start(arguments, request);
    const long process = va_arg(arguments, int);
    void* address = va_arg(arguments, void*);
    void* data = va_arg(arguments, void*);
    va_end(arguments);
    static const std::size_t seeming = std::strtoul(std::getenv("HOST_XSTATE"), nullptr, 10);
    const bool xstate = reinterpret_cast<std::uintptr_t>(address) == NT_X86_XSTATE;
    if (xstate && request == PTRACE_GETREGSET) return get(process, address, *static_cast<iovec*>(data), seeming);
    if (xstate && request == PTRACE_SETREGSET) return set(process, address, *static_cast<iovec*>(data), seeming);
    return call(request, process, address, data);
}
