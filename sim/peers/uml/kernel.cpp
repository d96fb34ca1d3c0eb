#include "sim/peers/uml/kernel.h"

#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <string_view>

#include "impl/crypto/algorithms.h"
#include "sim/peers/ask_program.h"
#include "sim/peers/uml/kernel_workshop.h"

namespace gatelab::sim::peers::uml {

const std::vector<std::pair<std::string_view, std::string_view>>& kernel_files();  // embedded: the folder kernel/

namespace {

namespace fs = std::filesystem;

std::string short_digest(const std::string& of) {
    return to_hex(crypto::digest(crypto::Hash::Sha256, as_bytes(of))).substr(0, 16);
}

// The XDG Base Directory Specification: a relative path is to be ignored.
fs::path cache_of_user() {
    if (const char* cache = std::getenv("XDG_CACHE_HOME"); cache && cache[0] == '/') return cache;
    if (const char* home = std::getenv("HOME"); home && home[0] == '/') return fs::path{home} / ".cache";
    if (const auto* user = ::getpwuid(::geteuid()); user && user->pw_dir && user->pw_dir[0] == '/')
        return fs::path{user->pw_dir} / ".cache";
    return {};
}

// The kernel that GATELAB_KERNEL names, if it does.
std::optional<Result<Kernel>> named_kernel() {
    const char* name = std::getenv("GATELAB_KERNEL");
    if (!name || !*name) return std::nullopt;
    std::error_code error;
    const auto path = fs::absolute(name, error);
    const auto answer = ask_program({.arguments = {path.string(), "--version"}});
    const auto is_number = [](char c) { return c >= '0' && c <= '9'; };
    if (!answer || answer->wait_status != 0 || answer->text.empty() || !is_number(answer->text.front()))
        return fail(Fault::Unavailable,
                    fmt::format("GATELAB_KERNEL is '{}', which is no kernel that runs here; build one with `gatelab "
                                "peers kernel`, or unset it",
                                name));
    std::ifstream file{path, std::ios::binary};
    const std::string image{std::istreambuf_iterator<char>{file}, {}};
    return Kernel{path, answer->text.substr(0, answer->text.find('\n')), short_digest(image)};
}

}  // namespace

Result<KernelWorkshop> KernelWorkshop::of_user() {
    const auto cache = cache_of_user();
    if (cache.empty())
        return fail(Fault::Unavailable, "there is no folder to keep a kernel in; set HOME or XDG_CACHE_HOME");
    KernelWorkshop workshop{.cache = cache / "gatelab" / "kernels"};
    for (const auto& [name, text] : kernel_files()) workshop.recipe.emplace_back(name, text);
    return workshop;
}

std::string kernel_hash(const KernelWorkshop& workshop, const std::string& version) {
    std::string all = workshop.package + '\0' + version + '\0';
    for (const auto& [name, text] : workshop.recipe) all += fmt::format("{} {}\n{}", name, text.size(), text);
    return short_digest(all);
}

Result<Kernel> find_kernel() {
    if (auto named = named_kernel()) return *named;
    const auto workshop = KernelWorkshop::of_user();
    if (!workshop) return pass(workshop);
    return find_kernel(*workshop);
}

Result<Kernel> build_kernel(const std::function<void(const KernelProgress&)>& progress) {
    if (auto named = named_kernel()) return *named;
    const auto workshop = KernelWorkshop::of_user();
    if (!workshop) return pass(workshop);
    return build_kernel(*workshop, progress);
}

}  // namespace gatelab::sim::peers::uml
