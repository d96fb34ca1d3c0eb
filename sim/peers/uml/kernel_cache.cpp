// Finding kernels that were built.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <fstream>
#include <nlohmann/json.hpp>

#include "sim/peers/uml/kernel_workshop.h"

namespace gatelab::sim::peers::uml {
namespace {

namespace fs = std::filesystem;

// The kernel in a folder of the cache, unless something about it is not as it was when it was put there.
std::optional<KeptKernel> read_folder(const fs::path& folder) {
    std::ifstream file{folder / "kernel.json"};
    const auto manifest = nlohmann::json::parse(file, nullptr, false);
    if (!manifest.is_object()) return std::nullopt;
    const auto text = [&](const char* name) {
        const auto found = manifest.find(name);
        return found != manifest.end() && found->is_string() ? found->get<std::string>() : std::string{};
    };
    if (text("schema") != "gatelab.kernel/1") return std::nullopt;
    const auto size = manifest.find("size");
    const auto path = folder / "linux";
    std::error_code error;
    if (size == manifest.end() || !size->is_number_unsigned() ||
        fs::file_size(path, error) != size->get<std::uintmax_t>() || ::access(path.c_str(), X_OK) != 0)
        return std::nullopt;
    KeptKernel kept{{path, text("version"), text("hash")}, text("recipe")};
    if (kept.kernel.version.empty() || kept.kernel.hash != folder.filename()) return std::nullopt;
    return kept;
}

}  // namespace

bool is_older_version(const std::string& a, const std::string& b) {
    std::size_t i = 0, j = 0;
    const auto number = [](const std::string& text, std::size_t& at) {
        std::string digits;
        while (at < text.size() && std::isdigit(static_cast<unsigned char>(text[at])) != 0) digits += text[at++];
        digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size()));
        return digits;
    };
    while (i < a.size() && j < b.size()) {
        const auto left = number(a, i), right = number(b, j);
        if (left.size() != right.size()) return left.size() < right.size();
        if (left != right) return left < right;
        if (i == a.size() || j == b.size()) break;
        if (a[i] != b[j]) return a[i] < b[j];
        ++i, ++j;
    }
    return i == a.size() && j < b.size();
}

std::vector<KeptKernel> kept_kernels(const fs::path& cache) {
    std::vector<KeptKernel> all;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(cache, error)) {
        if (entry.path().filename().string().starts_with('.')) continue;
        if (auto kept = read_folder(entry.path())) all.push_back(std::move(*kept));
    }
    std::sort(all.begin(), all.end(), [](const KeptKernel& a, const KeptKernel& b) {
        if (a.kernel.version != b.kernel.version) return is_older_version(a.kernel.version, b.kernel.version);
        return a.kernel.hash < b.kernel.hash;
    });
    return all;
}

Result<Kernel> find_kernel(const KernelWorkshop& workshop) {
    const auto all = kept_kernels(workshop.cache);
    const auto recipe = kernel_hash(workshop, "");
    const auto newest = std::find_if(all.rbegin(), all.rend(), [&](const auto& one) { return one.recipe == recipe; });
    if (newest != all.rend()) return newest->kernel;
    return fail(Fault::Unavailable,
                fmt::format("the kernel for virtual time has not been built{}; run `gatelab peers kernel`",
                            all.empty() ? "" : " for this version of gatelab"));
}

}  // namespace gatelab::sim::peers::uml
