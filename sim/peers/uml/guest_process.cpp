#include "sim/peers/uml/guest_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/magic.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>

namespace gatelab::sim::peers::uml {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kTail = 8192, kLines = 8;  // of the console, in a message
constexpr std::string_view kPanic = "Kernel panic - not syncing: ";

tl::unexpected<Error> io(const std::string& what) {
    return fail(Fault::Io, fmt::format("{}: {}", what, std::strerror(errno)));
}

// Found relative to the folder: its own path may be too long for a socket's address.
Result<FileDescriptor> listen_at(const FileDescriptor& folder, const std::string& name) {
    FileDescriptor socket{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const auto path = fmt::format("/proc/self/fd/{}/{}", folder.get(), name);
    std::copy(path.begin(), path.end(), address.sun_path);
    if (!socket || ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        ::listen(socket.get(), 1) != 0)
        return io(name);
    return socket;
}

// The first steps of pid 1, before the guest's own init: a place to write to, and the share in it. Names end in "/." so
// that the guest's kernel does not follow the links itself and learn where they lead. `sync`: what a program writes is
// in our file when its write returns.
constexpr const char* kFirstSteps =
    "mount -n -t tmpfs run /run && mkdir /run/share && mount -n -t hostfs -o sync,share/. share /run/share && "
    "exec /run/share/init; echo init failed";

std::vector<std::string> command_line(const GuestSpec& spec) {
    std::vector<std::string> line{"./kernel", fmt::format("mem={}M", spec.memory_mib), "umid=guest", "uml_dir=uml/",
                                  "time-travel=ext:0:clock.sock"};
    for (std::size_t i = 0; i < spec.cards.size(); ++i)
        line.push_back(fmt::format("virtio_uml.device=card{}.sock:1", i));
    // Our cards take a frame when it is sent: an interrupt afterwards would only wake the guest once more.
    line.push_back("virtio_net.napi_tx=0");
    for (const char* word :
         {"hostfs=.", "root=/dev/root", "rootfstype=hostfs", "rootflags=root/.", "ro", "random.trust_cpu=off",
          "con=null", "con0=null,fd:1", "ssl=null", "quiet", "init=/bin/sh", "--", "-c"})
        line.push_back(word);
    line.push_back(fmt::format("\"{}\"", kFirstSteps));
    return line;
}

std::string tail_of(const fs::path& file) {
    std::ifstream in{file, std::ios::binary | std::ios::ate};
    if (!in) return {};
    const auto size = static_cast<std::size_t>(std::max<std::streamoff>(in.tellg(), 0));
    std::string text(std::min(size, kTail), '\0');
    in.seekg(static_cast<std::streamoff>(size - text.size()));
    in.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(in.gcount()));
    return text;
}

}  // namespace

std::optional<fs::path> memory_folder(std::uint64_t octets) {
    for (const char* folder : {"/dev/shm", "/tmp", "/run/shm"}) {
        struct statfs kind {};
        struct statvfs state {};
        if (::statfs(folder, &kind) != 0 || kind.f_type != TMPFS_MAGIC) continue;
        if (::statvfs(folder, &state) != 0 || (state.f_flag & ST_NOEXEC) || ::access(folder, W_OK | X_OK) != 0)
            continue;
        if (state.f_blocks && std::uint64_t{state.f_bavail} * state.f_frsize < octets) continue;
        return folder;
    }
    return std::nullopt;
}

Result<std::unique_ptr<GuestProcess>> GuestProcess::start(Keeper& keeper, const GuestSpec& spec,
                                                          const std::string& folder_name,
                                                          const std::optional<fs::path>& memory) {
    std::unique_ptr<GuestProcess> guest{new GuestProcess{keeper}};
    const auto folder = keeper.scratch() / folder_name;
    if (auto furnished = guest->furnish(spec, folder, memory); !furnished) return pass(furnished);
    guest->console_ = spec.console.empty() ? folder / "console" : spec.console;
    FileDescriptor console{::open(guest->console_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0644)};
    if (!console) return io(guest->console_.string());
    auto started = keeper.run(
        {folder.string(),
         command_line(spec),
         {"HOME=/", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "TMPDIR=memory", fmt::format("UML_SEED={:020}", spec.seed)},
         std::move(console)});
    if (!started)
        return fail(started.error().fault, fmt::format("{} {}", spec.kernel.string(), started.error().detail));
    guest->process_ = *started;
    return guest;
}

Result<void> GuestProcess::furnish(const GuestSpec& spec, const fs::path& folder,
                                   const std::optional<fs::path>& memory) {
    std::error_code error;
    if (!fs::is_directory(spec.share, error)) return fail(Fault::NotFound, "no folder " + spec.share.string());
    if (!fs::is_regular_file(spec.kernel, error)) return fail(Fault::NotFound, "no kernel " + spec.kernel.string());
    fs::create_directories(folder / "uml", error);
    if (!error) fs::create_symlink(fs::absolute(spec.kernel), folder / "kernel", error);
    if (!error) fs::create_symlink(fs::absolute(spec.share), folder / "share", error);
    if (!error) fs::create_symlink("/", folder / "root", error);
    if (!error && memory) fs::create_symlink(*memory, folder / "memory", error);
    if (!error && !memory) fs::create_directory(folder / "memory", error);
    if (error) return fail(Fault::Io, fmt::format("{}: {}", folder.string(), error.message()));
    const FileDescriptor here{::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
    auto clock = listen_at(here, "clock.sock");
    if (!clock) return pass(clock);
    clock_ = std::move(*clock);
    for (std::size_t i = 0; i < spec.cards.size(); ++i) {
        auto card = listen_at(here, fmt::format("card{}.sock", i));
        if (!card) return pass(card);
        cards_.push_back(std::move(*card));
    }
    return {};
}

std::optional<std::string> GuestProcess::end(Duration wait) {
    const auto status = keeper_.ended(process_, wait);
    if (!status) return std::nullopt;
    const auto text = tail_of(console_);
    if (const auto at = text.rfind(kPanic); at != std::string::npos) {
        const auto start = at + kPanic.size();
        return "panicked: " + text.substr(start, text.find_first_of("\r\n", start) - start);
    }
    if (WIFSIGNALED(*status)) return fmt::format("was killed by signal {}", WTERMSIG(*status));
    if (WEXITSTATUS(*status) == 0) return "has powered itself off";
    return fmt::format("ended with exit status {}", WEXITSTATUS(*status));
}

std::string GuestProcess::last_lines() const {
    auto text = tail_of(console_);
    std::erase(text, '\r');
    while (!text.empty() && text.back() == '\n') text.pop_back();
    auto at = text.size();
    for (std::size_t lines = 0; lines < kLines && at != std::string::npos && at > 0; ++lines)
        at = text.rfind('\n', at - 1);
    return at == std::string::npos || at == 0 ? text : text.substr(at + 1);
}

// What its kernel has in memory: the guest's whole memory is mapped there, that of its programs too.
std::size_t GuestProcess::resident() const {
    std::ifstream status{fmt::format("/proc/{}/status", process_)};
    for (std::string line; std::getline(status, line);)
        if (line.starts_with("VmRSS:")) return std::stoul(line.substr(6)) * 1024;
    return 0;
}

}  // namespace gatelab::sim::peers::uml
