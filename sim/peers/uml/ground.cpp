#include "sim/peers/uml/ground.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/ptrace.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <sstream>
#include <vector>

#include "sim/peers/ask_program.h"
#include "sim/peers/file_descriptor.h"
#include "sim/peers/uml/guest_process.h"

namespace gatelab::sim::peers::uml {
namespace {

namespace fs = std::filesystem;

// What a guest with charon touches, twice.
constexpr std::uintmax_t kMemory = std::uintmax_t{128} << 20;
constexpr std::string_view kSign = "gatelab: the first program runs";

// Sets a personality for what this thread starts, as long as this lives.
class FixedAddresses {
public:
    FixedAddresses() : before_(::personality(0xffffffff)) {
        works_ = before_ >= 0 && ::personality(static_cast<unsigned long>(before_) | ADDR_NO_RANDOMIZE) >= 0;
        error_ = errno;
    }
    ~FixedAddresses() {
        if (works_) ::personality(static_cast<unsigned long>(before_));
    }
    FixedAddresses(const FixedAddresses&) = delete;
    FixedAddresses& operator=(const FixedAddresses&) = delete;
    bool work() const { return works_; }
    int error() const { return error_; }

private:
    int before_;
    bool works_ = false;
    int error_ = 0;
};

// Why a folder cannot hold a guest's memory; "" when it can.
std::string wrong_with(const fs::path& folder) {
    const FileDescriptor file{::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0700)};
    if (!file) return std::strerror(errno);
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    if (::ftruncate(file.get(), static_cast<off_t>(page)) != 0) return std::strerror(errno);
    auto* mapped = ::mmap(nullptr, page, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_SHARED, file.get(), 0);
    if (mapped == MAP_FAILED) return errno == EPERM ? "mounted noexec" : std::strerror(errno);
    ::munmap(mapped, page);
    struct statvfs disk {};
    if (::fstatvfs(file.get(), &disk) != 0) return std::strerror(errno);
    const auto room = static_cast<std::uintmax_t>(disk.f_bavail) * disk.f_frsize;
    return room < kMemory ? fmt::format("only {} MiB are free", room >> 20) : std::string{};
}

// Whether a child of ours may let itself be traced, as guests' processes do. 0, or an errno.
int trace_a_child() {
    const pid_t child = ::fork();
    if (child < 0) return errno;
    if (child == 0) {
        if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) ::_exit(errno);
        ::raise(SIGSTOP);
        ::_exit(0);
    }
    int status = 0;
    while (::waitpid(child, &status, WUNTRACED) < 0 && errno == EINTR) {
    }
    if (!WIFSTOPPED(status)) return WIFEXITED(status) ? WEXITSTATUS(status) : EIO;
    const long allowed = ::ptrace(PTRACE_SETOPTIONS, child, nullptr, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
    const int error = allowed == 0 ? 0 : errno;
    ::kill(child, SIGKILL);
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return error;
}

Result<void> may_run() {
    if (const FixedAddresses fixed; !fixed.work())
        return fail(Fault::Unavailable,
                    fmt::format("guests may not choose their addresses (personality: {}); in a container "
                                "--security-opt seccomp=unconfined",
                                std::strerror(fixed.error())));
    if (const int error = trace_a_child(); error != 0)
        return fail(Fault::Unavailable,
                    fmt::format("guests may not trace their processes (ptrace: {}); sysctl kernel.yama.ptrace_scope=1, "
                                "in a container --cap-add SYS_PTRACE",
                                std::strerror(error)));
    if (const auto memory = guest_memory_folder(); !memory) return pass(memory);
    return {};
}

// A folder that goes with this.
class Folder {
public:
    Folder() {
        auto name = (fs::temp_directory_path() / "gatelab-trial-XXXXXX").string();
        if (::mkdtemp(name.data())) path_ = name;
    }
    ~Folder() {
        std::error_code error;
        if (!path_.empty()) fs::remove_all(path_, error);
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    const fs::path& path() const { return path_; }

private:
    fs::path path_;
};

std::string last_line_of(const std::string& console) {
    std::istringstream lines{console};
    std::string last;
    for (std::string line; std::getline(lines, line);)
        if (line.find_first_not_of(" \r") != line.npos) last = line;
    return last;
}

}  // namespace

Result<fs::path> guest_memory_folder() {
    std::error_code error;
    const auto own = fs::temp_directory_path(error);
    const auto folder = memory_folder(kMemory).value_or(error ? "/tmp" : own);
    const auto wrong = wrong_with(folder);
    if (wrong.empty()) return folder;
    return fail(
        Fault::Unavailable,
        fmt::format("there is no place for the memory of guests, neither in /dev/shm nor in {} ({}); set TMPDIR to "
                    "a folder with {} MiB a guest that is not mounted noexec, in a container --shm-size 1g",
                    folder.string(), wrong, kMemory >> 20));
}

Result<void> can_run_guests() {
    if (const auto kernel = find_kernel(); !kernel) return pass(kernel);
    return may_run();
}

Result<Duration> try_kernel(const Kernel& kernel) {
    if (const auto may = may_run(); !may) return pass(may);
    const Folder folder;
    if (folder.path().empty()) return fail(Fault::Io, fmt::format("cannot make a folder: {}", std::strerror(errno)));
    const auto start = std::chrono::steady_clock::now();
    const FixedAddresses fixed;
    // The words are put together again, so the part in quotes needs them inside.
    const auto answer =
        ask_program({.arguments = {kernel.path.string(), "mem=32M", "time-travel", "umid=trial",
                                   "uml_dir=" + folder.path().string() + "/", "root=/dev/root", "rootfstype=hostfs",
                                   "rootflags=/", "ro", "con=null", "con0=null,fd:1", "quiet", "init=/bin/sh", "--",
                                   "-c", fmt::format("\"echo {}; while :; do sleep 1000; done\"", kSign)},
                     .environment = {"TMPDIR=" + guest_memory_folder()->string()},
                     .patience = std::chrono::seconds(20),
                     .enough = [](std::string_view console) { return console.find(kSign) != console.npos; }});
    if (!answer) return pass(answer);
    if (answer->text.find(kSign) == answer->text.npos)
        return fail(Fault::Unavailable, fmt::format("{} does not boot here; its last words: {}", kernel.path.string(),
                                                    last_line_of(answer->text)));
    return std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now() - start);
}

}  // namespace gatelab::sim::peers::uml
