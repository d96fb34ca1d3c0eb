// gatelab list suites|cases|requirements|peers|topologies
#include <fmt/format.h>

#include "cli/verbs.h"
#include "conformance/case.h"
#include "conformance/catalogue/catalogue.h"
#include "conformance/catalogue/coverage.h"
#include "sim/peers/capabilities.h"
#include "sim/real_peers.h"
#include "topologies/library/library.h"

namespace gatelab::cli {
namespace {

// The same rows as a table and as JSON objects.
Exit show(const Console& console, const std::vector<std::string>& heads,
          const std::vector<std::vector<std::string>>& rows) {
    if (console.json) {
        auto list = Json::array();
        for (const auto& row : rows) {
            Json object;
            for (std::size_t column = 0; column < heads.size(); ++column) object[heads[column]] = row[column];
            list.push_back(std::move(object));
        }
        console.print_document(list);
        return Exit::Held;
    }
    Table table{heads};
    for (const auto& row : rows) table.add(row);
    console.print(table.text());
    return Exit::Held;
}

Exit list_suites(const Console& console) {
    std::vector<std::vector<std::string>> rows;
    for (const auto& suite : conformance::suites()) {
        const auto& all = conformance::cases();
        const auto count =
            std::count_if(all.begin(), all.end(), [&](const auto& one) { return one.suite == suite.name; });
        rows.push_back({suite.name, fmt::format("{}", count), suite.summary});
    }
    return show(console, {"suite", "cases", "summary"}, rows);
}

Exit list_cases(const Console& console) {
    std::vector<std::vector<std::string>> rows;
    for (const auto& one : conformance::cases()) rows.push_back({one.id, one.sentence});
    return show(console, {"case", "what must hold"}, rows);
}

Exit list_requirements(const Console& console, bool markdown) {
    if (markdown && !console.json) {
        console.print(conformance::to_markdown(conformance::catalogue(), conformance::cases()));
        return Exit::Held;
    }
    std::vector<std::vector<std::string>> rows;
    for (const auto& one : conformance::catalogue())
        rows.push_back(
            {one.id, fmt::format("{} {}", one.document, one.section), one.uncovered.empty() ? "yes" : "no", one.text});
    return show(console, {"requirement", "source", "covered", "text"}, rows);
}

std::string why_not_here(const conformance::Player& player) {
    if (!player.is_real()) return {};
    if (!player.real_time)
        if (const auto choice = sim::choose_real_peers(sim::RealPeers::Virtual); !choice) return choice.error().detail;
    const auto able = sim::peers::can_run(player.implementation, player.real_time);
    return able ? std::string{} : able.error().detail;
}

Exit list_peers(const Console& console) {
    std::vector<std::vector<std::string>> rows;
    for (const auto& player : conformance::players()) {
        const auto missing = why_not_here(player);
        rows.push_back({player.name, missing.empty() ? "yes" : "no", missing});
    }
    return show(console, {"peer", "available", "why not"}, rows);
}

Exit list_topologies(const Console& console) {
    std::vector<std::vector<std::string>> rows;
    for (const auto& entry : topologies::library())
        rows.push_back({std::string{entry.name}, std::string{entry.summary}});
    return show(console, {"topology", "summary"}, rows);
}

}  // namespace

void add_list(CLI::App& root, Request& request) {
    auto* list = root.add_subcommand("list", "What there is");
    list->require_subcommand(1);
    add_verb(*list, request, "suites", "The conformance suites", list_suites);
    add_verb(*list, request, "cases", "The conformance cases", list_cases);
    const auto markdown = std::make_shared<bool>(false);
    add_verb(*list, request, "requirements", "The documented requirements", [markdown](const Console& console) {
        return list_requirements(console, *markdown);
    })->add_flag("--markdown", *markdown, "As docs/requirements.md, with the cases that check each");
    add_verb(*list, request, "peers", "Who can play a client or a gateway", list_peers);
    add_verb(*list, request, "topologies", "The ready topologies", list_topologies);
}

}  // namespace gatelab::cli
