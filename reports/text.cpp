#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>

#include "reports/fallback.h"
#include "reports/goodput.h"
#include "reports/reports.h"

namespace gatelab::reports {
namespace {

using conformance::CaseResult;
using conformance::Report;
using conformance::Verdict;

constexpr std::size_t kShownInFull = 12;  // when a whole suite fails, the report page reads better

std::string summary_line(const Report& report) {
    const auto summary = summarize(report);
    std::vector<std::string> parts = {fmt::format("{} passed", summary.passed),
                                      fmt::format("{} failed", summary.failed)};
    const auto add = [&](int count, std::string_view what) {
        if (count > 0) parts.push_back(fmt::format("{} {}", count, what));
    };
    add(summary.errors, summary.errors == 1 ? "error" : "errors");
    add(summary.invalid, "invalid");
    add(summary.skipped, "skipped");
    add(summary.unsupported, "unsupported");
    return fmt::format("{} cases: {}; {} of {} requirements verified", report.cases.size(), fmt::join(parts, ", "),
                       summary.verified, summary.requirements);
}

// In the order of their first appearance.
template <class Key>
std::vector<std::string> distinct(const Report& report, Key key) {
    std::vector<std::string> found;
    for (const auto& result : report.cases)
        if (const auto value = key(result); std::find(found.begin(), found.end(), value) == found.end())
            found.push_back(value);
    return found;
}

std::string pair_of(const CaseResult& result) { return result.client + "/" + result.gateway; }

// "42", "40 +2!" with failed and broken ones, "- (12)" where nothing ran of 12.
std::string cell(const Report& report, const std::string& suite, const std::string& pair) {
    int all = 0, passed = 0, bad = 0;
    for (const auto& result : report.cases) {
        if (result.suite != suite || pair_of(result) != pair) continue;
        ++all;
        passed += result.verdict == Verdict::Passed ? 1 : 0;
        bad +=
            result.verdict == Verdict::Failed || result.verdict == Verdict::Error || result.verdict == Verdict::Invalid
                ? 1
                : 0;
    }
    if (all == 0) return "-";
    return bad > 0 ? fmt::format("{}/{} ({} bad)", passed, all, bad) : fmt::format("{}/{}", passed, all);
}

std::string matrix(const Report& report) {
    const auto suites = distinct(report, [](const auto& result) { return result.suite; });
    const auto pairs = distinct(report, pair_of);
    std::size_t first = 6;
    for (const auto& suite : suites) first = std::max(first, suite.size());
    const auto width = [&](const std::string& pair) { return std::max<std::size_t>(pair.size(), 16); };
    std::string text = fmt::format("{:<{}}", "passed", first);
    for (const auto& pair : pairs) text += fmt::format("  {:>{}}", pair, width(pair));
    text += "\n";
    for (const auto& suite : suites) {
        text += fmt::format("{:<{}}", suite, first);
        for (const auto& pair : pairs) text += fmt::format("  {:>{}}", cell(report, suite, pair), width(pair));
        text += "\n";
    }
    return text;
}

std::string full(const CaseResult& result, std::uint64_t seed) {
    std::string text = fmt::format("{}: {} ({})\n  {}\n  {}\n", name_of(result.verdict), result.id, pair_of(result),
                                   result.sentence, result.reason);
    text += fmt::format("  requirements: {}; seed {}\n", fmt::join(result.requirements, ", "), seed);
    if (!result.artifacts.directory.empty()) text += fmt::format("  evidence: {}\n", result.artifacts.directory);
    return text;
}

std::string brief(const CaseResult& result) {
    return fmt::format("{}: {} ({}): expected {}; observed {}", name_of(result.verdict), result.id, pair_of(result),
                       result.expected, result.observed);
}

// Cases that were left out for the same reason share a line.
std::string left_out(const Report& report, Verdict verdict) {
    std::vector<std::string> order;
    std::map<std::string, std::vector<const CaseResult*>> by_reason;
    for (const auto& result : report.cases) {
        if (result.verdict != verdict) continue;
        const auto key = pair_of(result) + ": " + result.reason;
        if (by_reason[key].empty()) order.push_back(key);
        by_reason[key].push_back(&result);
    }
    std::string text;
    for (const auto& key : order) {
        const auto& results = by_reason[key];
        text += fmt::format("{} {} ({})\n", name_of(verdict), key, results.size());
        std::vector<std::string> ids;
        for (std::size_t i = 0; i < results.size() && i < 6; ++i) ids.push_back(results[i]->id);
        if (results.size() > ids.size()) ids.push_back(fmt::format("and {} more", results.size() - ids.size()));
        text += fmt::format("  {}\n", fmt::join(ids, ", "));
    }
    return text;
}

void add_changes(std::string& text, std::string_view title, const std::vector<Change>& changes) {
    if (changes.empty()) return;
    text += fmt::format("{} ({}):\n", title, changes.size());
    for (const auto& change : changes)
        text += fmt::format("  {} ({}/{}): {}{}{}{}{}\n", change.id, change.client, change.gateway, change.before,
                            change.before.empty() || change.now.empty() ? "" : " -> ", change.now,
                            change.reason.empty() ? "" : "; ", change.reason);
}

}  // namespace

std::string render_text(const Report& report) {
    if (report.cases.empty()) return "no case ran\n";
    std::string text = matrix(report) + "\n";
    if (const auto fallback = render_fallback(report); !fallback.empty()) text += fallback + "\n";
    if (const auto goodput = render_goodput(report); !goodput.empty()) text += goodput + "\n";
    std::size_t shown = 0;
    for (const auto verdict : {Verdict::Failed, Verdict::Error, Verdict::Invalid})
        for (const auto& result : report.cases)
            if (result.verdict == verdict)
                text += ++shown <= kShownInFull ? full(result, report.seed) + "\n" : brief(result) + "\n";
    if (shown > kShownInFull) text += "\n";
    const auto skipped = left_out(report, Verdict::Skipped) + left_out(report, Verdict::Unsupported);
    if (!skipped.empty()) text += skipped + "\n";
    return text + summary_line(report) + "\n";
}

std::string render_text(const Diff& diff) {
    std::string text;
    add_changes(text, "regressions", diff.regressions);
    add_changes(text, "fixed", diff.fixed);
    add_changes(text, "new", diff.fresh);
    add_changes(text, "gone", diff.gone);
    add_changes(text, "changed otherwise", diff.other);
    return text.empty() ? "nothing changed\n" : text;
}

}  // namespace gatelab::reports
