// gatelab doctor
#include <fmt/format.h>

#include <thread>

#include "cli/machine.h"
#include "cli/verbs.h"

namespace gatelab::cli {
namespace {

// What a user wants to run, and why it cannot be.
struct Ability {
    std::string what, missing;
};

std::vector<Ability> abilities() {
    return {{"simulations in virtual time", why_not(topologies::Implementation::Gatelab)},
            {"real strongSwan in real time", why_not(topologies::Implementation::StrongSwan)}};
}

Exit examine(const Console& console) {
    const auto findings = examine_machine();
    const auto can = abilities();
    const auto cores = std::thread::hardware_concurrency();
    if (console.json) {
        Json document{{"version", GATELAB_VERSION}, {"cores", cores}};
        for (const auto& one : can)
            document["can_run"].push_back({{"what", one.what}, {"yes", one.missing.empty()}, {"why_not", one.missing}});
        for (const auto& one : findings)
            document["findings"].push_back({{"name", one.name},
                                            {"purpose", one.purpose},
                                            {"there", one.there},
                                            {"detail", one.detail},
                                            {"advice", one.advice}});
        console.print_document(document);
        return Exit::Held;
    }
    std::string text = fmt::format("gatelab {} on {} cores\n\n", GATELAB_VERSION, cores);
    for (const auto& one : can)
        text += fmt::format("{:<4}{}{}\n", one.missing.empty() ? "yes" : "no", one.what,
                            one.missing.empty() ? "" : ": " + one.missing);
    Table table{{"", "NAME", "FOUND", "FOR"}};
    for (const auto& one : findings)
        table.add(
            {one.there ? "yes" : "no", one.name, one.there ? one.detail : one.detail + ": " + one.advice, one.purpose});
    console.print(text + "\n" + table.text());
    return Exit::Held;
}

}  // namespace

void add_doctor(CLI::App& root, Request& request) {
    add_verb(root, request, "doctor", "What this machine can run, and why not", examine);
}

}  // namespace gatelab::cli
