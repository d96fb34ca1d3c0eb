#include "reports/goodput.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <utility>
#include <vector>

namespace gatelab::reports {
namespace {

using conformance::CaseResult;
using conformance::Verdict;

using Place = std::pair<double, double>;  // round trip in ms, loss in percent

struct Point {
    double goodput = 0, plain = 0;  // Mbit/s
};

struct Column {
    std::string tunnel, pair;
    std::map<Place, Point> points;
};

std::optional<double> metric(const CaseResult& result, const std::string& name) {
    const auto at = result.metrics.find(name);
    return at == result.metrics.end() ? std::nullopt : std::optional(at->second);
}

// "openvpn-udp" of "goodput.openvpn-udp-rtt-10ms-loss-0.1".
std::string tunnel_of(const CaseResult& result) {
    const auto name = result.id.substr(std::min(result.id.size(), result.suite.size() + 1));
    return name.substr(0, name.find("-rtt-"));
}

std::vector<Column> columns_of(const conformance::Report& report) {
    std::vector<Column> columns;
    for (const auto& result : report.cases) {
        const auto goodput = metric(result, "goodput_mbps"), rtt = metric(result, "rtt_ms");
        const auto loss = metric(result, "loss_percent");
        const bool ran = result.verdict == Verdict::Passed || result.verdict == Verdict::Failed;
        if (!goodput || !rtt || !loss || !ran) continue;
        const auto tunnel = tunnel_of(result), pair = result.client + "/" + result.gateway;
        auto at = std::find_if(columns.begin(), columns.end(),
                               [&](const Column& column) { return column.tunnel == tunnel && column.pair == pair; });
        if (at == columns.end()) at = columns.insert(columns.end(), {tunnel, pair, {}});
        at->points[{*rtt, *loss}] = {*goodput, metric(result, "plain_mbps").value_or(0)};
    }
    return columns;
}

std::string text_of(const Point& point) {
    if (point.plain <= 0) return fmt::format("{:.2f}", point.goodput);
    return fmt::format("{:.2f} ({:3.0f} %)", point.goodput, 100 * point.goodput / point.plain);
}

}  // namespace

std::string render_goodput(const conformance::Report& report) {
    const auto columns = columns_of(report);
    if (columns.empty()) return "";
    std::map<Place, bool> places;
    for (const auto& column : columns)
        for (const auto& [place, point] : column.points) places[place] = true;
    std::string text = fmt::format("goodput, Mbit/s (share of TCP without a tunnel)\n{:>8}  {:>6}", "rtt", "loss");
    const auto width = [](const Column& column) {
        return std::max<std::size_t>({column.tunnel.size(), column.pair.size(), 15});
    };
    for (const auto& column : columns) text += fmt::format("  {:>{}}", column.tunnel, width(column));
    text += fmt::format("\n{:>16}", "");
    for (const auto& column : columns) text += fmt::format("  {:>{}}", column.pair, width(column));
    text += "\n";
    for (const auto& [place, known] : places) {
        text += fmt::format("{:>5g} ms  {:>4g} %", place.first, place.second);
        for (const auto& column : columns) {
            const auto at = column.points.find(place);
            text += fmt::format("  {:>{}}", at == column.points.end() ? "-" : text_of(at->second), width(column));
        }
        text += "\n";
    }
    return text;
}

}  // namespace gatelab::reports
