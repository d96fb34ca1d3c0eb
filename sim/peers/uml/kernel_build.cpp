// Building a kernel.
#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "impl/crypto/algorithms.h"
#include "sim/peers/ask_program.h"
#include "sim/peers/file_descriptor.h"
#include "sim/peers/machine.h"
#include "sim/peers/uml/kernel_workshop.h"

extern char** environ;

namespace gatelab::sim::peers::uml {
namespace {

namespace fs = std::filesystem;
using Progress = std::function<void(const KernelProgress&)>;

tl::unexpected<Error> cannot(const std::string& what, int error) {
    return fail(Fault::Io, fmt::format("cannot {}: {}; free some space, or set XDG_CACHE_HOME to a folder with room",
                                       what, std::strerror(error)));
}

// The one lock of a cache, as long as this lives. It goes with the process, however that ends.
Result<FileDescriptor> lock(const fs::path& cache, const Progress& progress) {
    const auto path = cache / ".lock";
    FileDescriptor file{::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666)};
    if (!file) return cannot(fmt::format("write to '{}'", cache.string()), errno);
    if (::flock(file.get(), LOCK_EX | LOCK_NB) == 0) return file;
    progress({"waiting for another build", 0});
    while (::flock(file.get(), LOCK_EX) != 0)
        if (errno != EINTR) return cannot(fmt::format("lock '{}'", path.string()), errno);
    return file;
}

// A folder of the cache for one build; it goes unless it was renamed.
class Scratch {
public:
    static Result<Scratch> make(const fs::path& cache) {
        std::error_code error;
        for (const auto& entry : fs::directory_iterator(cache, error))  // what interrupted builds left
            if (entry.path().filename().string().starts_with(".build-")) fs::remove_all(entry.path(), error);
        auto name = (cache / ".build-XXXXXX").string();
        if (!::mkdtemp(name.data())) return cannot(fmt::format("make a folder in '{}'", cache.string()), errno);
        ::chmod(name.c_str(), 0755);
        return Scratch{name};
    }
    Scratch(Scratch&& other) noexcept : path_(std::exchange(other.path_, {})) {}
    ~Scratch() {
        std::error_code error;
        if (!path_.empty()) fs::remove_all(path_, error);
    }
    const fs::path& path() const { return path_; }

private:
    explicit Scratch(fs::path path) : path_(std::move(path)) {}
    fs::path path_;
};

Result<void> write_text(const fs::path& path, const std::string& text) {
    std::ofstream file{path, std::ios::binary};
    file << text;
    file.flush();
    if (!file) return cannot(fmt::format("write '{}'", path.string()), errno == 0 ? EIO : errno);
    return {};
}

// What the recipe may know of its caller: where a compiler's cache and its own files are, and how to get out.
std::vector<std::string> environment_of(const KernelWorkshop& workshop) {
    constexpr std::array<std::string_view, 8> kNames{
        "HOME=",       "TMPDIR=",      "XDG_CACHE_HOME=", "XDG_CONFIG_HOME=",
        "http_proxy=", "https_proxy=", "no_proxy=",       "CCACHE_"};
    std::vector<std::string> environment{"PATH=" + workshop.tools, "LC_ALL=C"};
    for (char** one = environ; *one; ++one)
        if (std::any_of(kNames.begin(), kNames.end(),
                        [&](auto name) { return std::string_view{*one}.starts_with(name); }))
            environment.emplace_back(*one);
    return environment;
}

struct Recipe {
    pid_t process = 0;
    FileDescriptor lifeline, output;
};

Result<Recipe> start_recipe(const KernelWorkshop& workshop, const KernelSource& source, const fs::path& folder) {
    int life[2], out[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, life) != 0) return cannot("make a socket", errno);
    const FileDescriptor child_life{life[0]};
    Recipe recipe{0, FileDescriptor{life[1]}, {}};
    if (::pipe2(out, O_CLOEXEC) != 0) return cannot("make a pipe", errno);
    recipe.output = FileDescriptor{out[0]};
    const FileDescriptor child_out{out[1]};

    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawnattr_init(&attributes);
    ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);
    ::posix_spawn_file_actions_adddup2(&actions, child_life.get(), STDIN_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions, child_out.get(), STDOUT_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions, child_out.get(), STDERR_FILENO);
    ::posix_spawn_file_actions_addchdir_np(&actions, folder.c_str());
    auto bash = find_program("bash", workshop.tools);
    std::string script = "recipe.sh", argument = source.argument;
    std::array<char*, 4> words{bash.data(), script.data(), argument.data(), nullptr};
    auto environment = environment_of(workshop);
    std::vector<char*> variables;
    for (auto& one : environment) variables.push_back(one.data());
    variables.push_back(nullptr);
    const int error =
        ::posix_spawn(&recipe.process, bash.c_str(), &actions, &attributes, words.data(), variables.data());
    ::posix_spawnattr_destroy(&attributes);
    ::posix_spawn_file_actions_destroy(&actions);
    if (error != 0) return cannot(fmt::format("start {}", bash), error);
    return recipe;
}

// Keeps what the recipe prints, and tells how far it is, until it ends.
struct Outcome {
    int wait_status = 0;
    std::string step, last_lines;
    bool disk_full = false;
};

Outcome follow(Recipe& recipe, const fs::path& log_path, const Progress& progress) {
    std::ofstream log_file{log_path, std::ios::binary};
    KernelLog log;
    std::vector<std::string> tail;
    Outcome outcome;
    std::string pending;
    std::array<char, 4096> buffer;
    for (;;) {
        const auto count = ::read(recipe.output.get(), buffer.data(), buffer.size());
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) break;
        log_file.write(buffer.data(), count);
        pending.append(buffer.data(), static_cast<std::size_t>(count));
        for (std::size_t end; (end = pending.find('\n')) != pending.npos; pending.erase(0, end + 1)) {
            const auto line = pending.substr(0, end);
            outcome.disk_full |=
                line.find("No space left on device") != line.npos || line.find("Disk quota exceeded") != line.npos;
            if (const auto far = log.handle_line(line)) progress(*far);
            // make's own lines tell nothing about what went wrong.
            if (!line.starts_with("  ") && !line.starts_with("make")) tail.push_back(line);
            if (tail.size() > 5) tail.erase(tail.begin());
        }
    }
    while (::waitpid(recipe.process, &outcome.wait_status, 0) < 0 && errno == EINTR) {
    }
    ::send(recipe.lifeline.get(), ".", 1, MSG_NOSIGNAL);  // all is over: remove nothing
    outcome.step = log.step();
    for (const auto& line : tail) outcome.last_lines += (outcome.last_lines.empty() ? "" : "\n  ") + line;
    return outcome;
}

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

Result<void> write_manifest(const KernelWorkshop& workshop, const std::string& version, const fs::path& folder,
                            std::chrono::steady_clock::duration took) {
    std::ifstream file{folder / "linux", std::ios::binary};
    const std::string image{std::istreambuf_iterator<char>{file}, {}};
    const auto compiler = ask_program({.arguments = {find_program("gcc", workshop.tools), "--version"}});
    const nlohmann::ordered_json manifest{{"schema", "gatelab.kernel/1"},
                                          {"version", version},
                                          {"hash", kernel_hash(workshop, version)},
                                          {"recipe", kernel_hash(workshop, "")},
                                          {"size", image.size()},
                                          {"sha256", to_hex(crypto::digest(crypto::Hash::Sha256, as_bytes(image)))},
                                          {"compiler", compiler ? first_line(compiler->text) : ""},
                                          {"seconds", std::chrono::duration_cast<std::chrono::seconds>(took).count()}};
    return write_text(folder / "kernel.json",
                      manifest.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
}

Result<void> need_room(const KernelWorkshop& workshop) {
    struct statvfs disk {};
    if (::statvfs(workshop.cache.c_str(), &disk) != 0) return {};
    const auto room = static_cast<std::uintmax_t>(disk.f_bavail) * disk.f_frsize;
    if (room >= workshop.room) return {};
    return fail(Fault::Io,
                fmt::format("building the kernel takes {} MiB in '{}' for a while, and {} are left; free some "
                            "space, or set XDG_CACHE_HOME to a folder with room",
                            workshop.room >> 20, workshop.cache.string(), room >> 20));
}

tl::unexpected<Error> explain(const KernelWorkshop& workshop, const Outcome& outcome, const fs::path& folder) {
    if (outcome.disk_full)
        return fail(Fault::Io, fmt::format("the disk of '{}' was full while {} the kernel; free some space, or set "
                                           "XDG_CACHE_HOME to a folder with room",
                                           workshop.cache.string(), outcome.step));
    const auto log = workshop.cache / "failed.log";
    std::error_code error;
    fs::rename(folder / "build.log", log, error);
    return fail(Fault::Unavailable,
                fmt::format("{} the kernel failed ({}); see {}, which ends with:\n  {}", outcome.step,
                            describe_exit(outcome.wait_status), log.string(), outcome.last_lines));
}

Result<void> make_kernel(const KernelWorkshop& workshop, const KernelSource& source, const Progress& progress) {
    const auto start = std::chrono::steady_clock::now();
    if (const auto room = need_room(workshop); !room) return pass(room);
    const auto scratch = Scratch::make(workshop.cache);
    if (!scratch) return pass(scratch);
    const auto& folder = scratch->path();
    for (const auto& [name, text] : workshop.recipe)
        if (const auto written = write_text(folder / name, text); !written) return pass(written);
    auto recipe = start_recipe(workshop, source, folder);
    if (!recipe) return pass(recipe);
    const auto outcome = follow(*recipe, folder / "build.log", progress);
    if (outcome.wait_status != 0) return explain(workshop, outcome, folder);

    std::error_code error;
    for (const auto& [name, text] : workshop.recipe) fs::remove(folder / name, error);
    const auto took = std::chrono::steady_clock::now() - start;
    if (const auto kept = write_manifest(workshop, source.version, folder, took); !kept) return pass(kept);
    const auto home = workshop.cache / kernel_hash(workshop, source.version);
    fs::remove_all(home, error);  // something that was not whole
    fs::rename(folder, home, error);
    if (error) return cannot(fmt::format("make '{}'", home.string()), error.value());
    return {};
}

}  // namespace

std::optional<KernelProgress> KernelLog::handle_line(const std::string& line) {
    // What each step begins at: on two cores, unpacking takes ten seconds of two hundred, and compiling nearly all.
    static const std::map<std::string, double> kSteps{{"downloading", 0},    {"unpacking", 0.02}, {"patching", 0.06},
                                                      {"configuring", 0.06}, {"compiling", 0.08}, {"finishing", 0.99}};
    if (line.starts_with("== ")) {
        std::istringstream words{line.substr(3)};
        words >> step_ >> expected_;
        lines_ = 0, percent_ = 0;
        const auto known = kSteps.find(step_);
        return KernelProgress{step_, known == kSteps.end() ? 0 : known->second};
    }
    if (expected_ <= 0 || !line.starts_with("  ")) return std::nullopt;
    const auto part = std::min(++lines_ / expected_, 1.0);
    const auto percent = static_cast<int>(part * 100);
    if (percent == std::exchange(percent_, percent)) return std::nullopt;
    return KernelProgress{step_, kSteps.at("compiling") + part * (kSteps.at("finishing") - kSteps.at("compiling"))};
}

Result<Kernel> build_kernel(const KernelWorkshop& workshop, const Progress& progress) {
    const auto source = find_kernel_source(workshop);
    const auto there = find_kernel(workshop);
    const auto will_do = [&](const Result<Kernel>& one) {
        return one && (!source || !is_older_version(one->version, source->version));
    };
    if (will_do(there)) return there;
    if (!source) return pass(source);

    std::error_code error;
    fs::create_directories(workshop.cache, error);
    if (error) return cannot(fmt::format("make '{}'", workshop.cache.string()), error.value());
    const auto held = lock(workshop.cache, progress);
    if (!held) return pass(held);
    if (const auto now = find_kernel(workshop); will_do(now)) return now;  // another build made it
    if (const auto made = make_kernel(workshop, *source, progress); !made) return pass(made);
    return find_kernel(workshop);
}

}  // namespace gatelab::sim::peers::uml
