// gatelab doctor
#include <fmt/format.h>

#include <algorithm>
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

std::vector<Ability> abilities(const std::vector<Capability>& all) {
    using topologies::Implementation;
    const auto missing_of = [&](Implementation implementation, bool real_time) -> std::string {
        const auto needed = sim::peers::needs_of(implementation, real_time);
        for (const auto& one : all)
            if (!one.available && std::find(needed.begin(), needed.end(), one.what) != needed.end()) return one.reason;
        return {};
    };
    return {{"simulations in virtual time", ""},
            {"real strongSwan in virtual time", missing_of(Implementation::StrongSwan, false)},
            {"real strongSwan in real time", missing_of(Implementation::StrongSwan, true)},
            {"real OpenVPN in virtual time", missing_of(Implementation::OpenVpn, false)},
            {"real OpenVPN in real time", missing_of(Implementation::OpenVpn, true)},
            {"real SoftEther in real time", missing_of(Implementation::SoftEther, true)},
            {"real sstp-client in virtual time", missing_of(Implementation::SstpClient, false)},
            {"real sstp-client in real time", missing_of(Implementation::SstpClient, true)}};
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
