#include "reports/fallback.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <optional>
#include <utility>
#include <vector>

namespace gatelab::reports {
namespace {

using conformance::CaseResult;
using conformance::Verdict;

constexpr const char* kNothingInCommon = "no-common-tunnel";

std::string fact(const CaseResult& result, const std::string& name) {
    const auto at = result.facts.find(name);
    return at == result.facts.end() ? "" : at->second;
}

bool has_run(const CaseResult& result) {
    return result.verdict == Verdict::Passed || result.verdict == Verdict::Failed;
}

// Names in the order of their first appearance.
void remember(std::vector<std::string>& names, const std::string& name) {
    if (std::ranges::find(names, name) == names.end()) names.push_back(name);
}

struct Table {
    std::string offer;
    std::vector<std::string> clients, networks;
    std::map<std::pair<std::string, std::string>, const CaseResult*> cells;  // by network and client

    const CaseResult* at(const std::string& network, const std::string& client) const {
        const auto found = cells.find({network, client});
        return found == cells.end() ? nullptr : found->second;
    }
    bool has_nothing_in_common(const std::string& client) const {
        return std::ranges::all_of(networks, [&](const auto& network) {
            const auto* result = at(network, client);
            return !result || fact(*result, "reason") == kNothingInCommon;
        });
    }
};

// "strongSwan" for our own, "strongSwan (strongswan)" for the real program.
std::string client_of(const CaseResult& result) {
    const auto client = fact(result, "client");
    return result.client == "gatelab" ? client : fmt::format("{} ({})", client, result.client);
}

std::vector<Table> tables_of(const conformance::Report& report) {
    std::vector<Table> tables;
    for (const auto& result : report.cases) {
        const auto offer = fact(result, "offer");
        if (offer.empty() || !has_run(result)) continue;
        auto table = std::ranges::find(tables, offer, &Table::offer);
        if (table == tables.end()) table = tables.insert(tables.end(), Table{offer, {}, {}, {}});
        remember(table->clients, client_of(result));
        remember(table->networks, fact(result, "network"));
        table->cells[{fact(result, "network"), client_of(result)}] = &result;
    }
    return tables;
}

// "SSTP, 31 s"; "none, 32 s: peer-silent"; what happened afterwards behind a semicolon.
std::string text_of(const CaseResult& result) {
    const auto tunnel = fact(result, "tunnel"), reason = fact(result, "reason"), then = fact(result, "then");
    const auto settled = result.metrics.find("settled_s");
    auto text = tunnel;
    if (settled != result.metrics.end())
        text += settled->second < 10 ? fmt::format(", {:.1f} s", settled->second)
                                     : fmt::format(", {:.0f} s", settled->second);
    if (!reason.empty()) text += ": " + reason;
    if (!then.empty()) text += "; " + then;
    return result.verdict == Verdict::Passed ? text : "! " + text;
}

// Clients that have a column, and those that have none.
std::pair<std::vector<std::string>, std::vector<std::string>> parted(const Table& table) {
    std::pair<std::vector<std::string>, std::vector<std::string>> both;
    for (const auto& client : table.clients)
        (table.has_nothing_in_common(client) ? both.second : both.first).push_back(client);
    return both;
}

std::string cell_of(const Table& table, const std::string& network, const std::string& client) {
    const auto* result = table.at(network, client);
    return result ? text_of(*result) : "-";
}

// A text in lines of that width, broken at blanks, and in words that are too long after a hyphen.
std::vector<std::string> broken_at(const std::string& text, std::size_t width) {
    std::vector<std::string> lines{""};
    std::size_t from = 0;
    bool blank = false;
    while (from < text.size()) {
        auto to = std::min(text.find(' ', from), text.size());
        const auto hyphen = text.rfind('-', from + width - 1);
        if (to - from > width && hyphen != std::string::npos && hyphen > from) to = hyphen + 1;
        const auto word = text.substr(from, to - from);
        if (!lines.back().empty() && lines.back().size() + (blank ? 1 : 0) + word.size() > width)
            lines.emplace_back();
        else if (blank)
            lines.back() += ' ';
        lines.back() += word;
        blank = to < text.size() && text[to] == ' ';
        from = to + (blank ? 1 : 0);
    }
    return lines;
}

// A network's line, broken where a column is full.
void add_row(std::string& text, const std::vector<std::string>& cells, const std::vector<std::size_t>& widths) {
    std::vector<std::vector<std::string>> lines;
    std::size_t height = 0;
    for (std::size_t i = 0; i < cells.size(); ++i) {
        auto broken = broken_at(cells[i], widths[i]);
        height = std::max(height, broken.size());
        lines.push_back(std::move(broken));
    }
    for (std::size_t line = 0; line < height; ++line) {
        std::string row;
        for (std::size_t i = 0; i < lines.size(); ++i)
            row += fmt::format("{:<{}}  ", line < lines[i].size() ? lines[i][line] : "", widths[i]);
        row.erase(row.find_last_not_of(' ') + 1);
        text += row + "\n";
    }
}

std::string nothing_in_common(const std::vector<std::string>& clients) {
    return fmt::format("{}: no tunnel in common with the gateway", fmt::join(clients, ", "));
}

}  // namespace

std::string render_fallback(const conformance::Report& report) {
    constexpr std::size_t kColumn = 19, kFirst = 27;
    std::string text;
    for (const auto& table : tables_of(report)) {
        const auto [clients, without] = parted(table);
        text += fmt::format("{}fallback, gateway offers {}\n", text.empty() ? "" : "\n", table.offer);
        std::vector<std::size_t> widths{kFirst};
        std::vector<std::string> head{"network"};
        for (const auto& client : clients) {
            widths.push_back(kColumn);
            head.push_back(client);
        }
        if (!clients.empty()) add_row(text, head, widths);
        for (const auto& network : clients.empty() ? std::vector<std::string>{} : table.networks) {
            std::vector<std::string> cells{network};
            for (const auto& client : clients) cells.push_back(cell_of(table, network, client));
            add_row(text, cells, widths);
        }
        if (!without.empty()) text += nothing_in_common(without) + "\n";
    }
    return text;
}

std::string fallback_markdown(const conformance::Report& report) {
    std::string text;
    for (const auto& table : tables_of(report)) {
        const auto [clients, without] = parted(table);
        text += fmt::format("{}## The gateway offers {}\n\n", text.empty() ? "" : "\n", table.offer);
        if (!clients.empty()) {
            text += fmt::format("| network | {} |\n|---|{}\n", fmt::join(clients, " | "),
                                fmt::join(std::vector<std::string>(clients.size(), "---|"), ""));
            for (const auto& network : table.networks) {
                text += fmt::format("| {} |", network);
                for (const auto& client : clients) text += fmt::format(" {} |", cell_of(table, network, client));
                text += "\n";
            }
        }
        if (!without.empty()) text += fmt::format("{}{}.\n", clients.empty() ? "" : "\n", nothing_in_common(without));
    }
    return text;
}

}  // namespace gatelab::reports
