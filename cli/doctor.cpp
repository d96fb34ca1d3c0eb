// gatelab doctor
#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <thread>

#include "cli/verbs.h"
#include "sim/peers/capabilities.h"

namespace gatelab::cli {
namespace {

using sim::peers::Capability;

// What a user wants to run, and why it cannot be.
struct Ability {
    std::string what, missing;
};

// The first of what is needed that is not there.
std::string missing_of(const std::vector<Capability>& all, std::initializer_list<std::string_view> needed) {
    for (const auto& one : all)
        if (!one.available && std::find(needed.begin(), needed.end(), one.what) != needed.end()) return one.reason;
    return {};
}

std::vector<Ability> abilities(const std::vector<Capability>& all) {
    return {{"simulations in virtual time", ""},
            {"real strongSwan in virtual time",
             missing_of(all, {"kernel", "memory of guests", "charon-systemd", "swanctl", "ip"})},
            {"real strongSwan in real time",
             missing_of(all, {"network namespaces", "/dev/net/tun", "charon-systemd", "swanctl", "kernel-libipsec"})}};
}

// Some programs tell their version with a whole line of libraries.
std::string shortened(const std::string& text) {
    constexpr std::size_t kMost = 60;
    return text.size() <= kMost ? text : text.substr(0, kMost - 3) + "...";
}

Exit examine(const Console& console) {
    const auto findings = sim::peers::capabilities();
    const auto can = abilities(findings);
    const auto cores = std::thread::hardware_concurrency();
    if (console.json) {
        Json document{{"version", GATELAB_VERSION}, {"cores", cores}};
        for (const auto& one : can)
            document["can_run"].push_back({{"what", one.what}, {"yes", one.missing.empty()}, {"why_not", one.missing}});
        for (const auto& one : findings)
            document["findings"].push_back({{"name", one.what},
                                            {"purpose", one.purpose},
                                            {"there", one.available},
                                            {"found", one.version},
                                            {"why_not", one.reason}});
        console.print_document(document);
        return Exit::Held;
    }
    std::string text = fmt::format("gatelab {} on {} cores\n\n", GATELAB_VERSION, cores);
    for (const auto& one : can)
        text += fmt::format("{:<4}{}{}\n", one.missing.empty() ? "yes" : "no", one.what,
                            one.missing.empty() ? "" : ": " + one.missing);
    Table table{{"", "NAME", "FOR", "FOUND"}};
    for (const auto& one : findings)
        table.add(
            {one.available ? "yes" : "no", one.what, one.purpose, one.available ? shortened(one.version) : one.reason});
    console.print(text + "\n" + table.text());
    return Exit::Held;
}

}  // namespace

void add_doctor(CLI::App& root, Request& request) {
    add_verb(root, request, "doctor", "What this machine can run, and why not", examine);
}

}  // namespace gatelab::cli
