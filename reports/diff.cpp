#include <map>
#include <nlohmann/json.hpp>
#include <tuple>

#include "reports/reports.h"

namespace gatelab::reports {
namespace {

using conformance::CaseResult;
using conformance::Verdict;
using Key = std::tuple<std::string, std::string, std::string>;

Key key_of(const CaseResult& result) { return {result.id, result.client, result.gateway}; }

Change change_of(const CaseResult* before, const CaseResult* now) {
    const auto& any = now ? *now : *before;
    return {any.id,
            any.client,
            any.gateway,
            before ? std::string{name_of(before->verdict)} : "",
            now ? std::string{name_of(now->verdict)} : "",
            now ? now->reason : ""};
}

bool is_bad(Verdict verdict) {
    return verdict == Verdict::Failed || verdict == Verdict::Error || verdict == Verdict::Invalid;
}

std::map<Key, const CaseResult*> index(const conformance::Report& report) {
    std::map<Key, const CaseResult*> found;
    for (const auto& result : report.cases) found[key_of(result)] = &result;
    return found;
}

nlohmann::ordered_json json_of(const std::vector<Change>& changes) {
    auto all = nlohmann::ordered_json::array();
    for (const auto& change : changes)
        all.push_back({{"id", change.id},
                       {"client", change.client},
                       {"gateway", change.gateway},
                       {"before", change.before},
                       {"now", change.now},
                       {"reason", change.reason}});
    return all;
}

}  // namespace

Diff diff(const conformance::Report& report, const conformance::Report& baseline) {
    const auto earlier = index(baseline);
    const auto present = index(report);
    Diff result;
    for (const auto& now : report.cases) {
        const auto at = earlier.find(key_of(now));
        if (at == earlier.end()) {
            result.fresh.push_back(change_of(nullptr, &now));
            continue;
        }
        const auto& before = *at->second;
        if (before.verdict == now.verdict) continue;
        auto& list = before.verdict == Verdict::Passed && is_bad(now.verdict)   ? result.regressions
                     : is_bad(before.verdict) && now.verdict == Verdict::Passed ? result.fixed
                                                                                : result.other;
        list.push_back(change_of(&before, &now));
    }
    for (const auto& before : baseline.cases)
        if (!present.contains(key_of(before))) result.gone.push_back(change_of(&before, nullptr));
    return result;
}

std::string to_json(const Diff& diff) {
    const nlohmann::ordered_json whole = {
        {"schema", "gatelab.report-diff/1"}, {"regressions", json_of(diff.regressions)},
        {"fixed", json_of(diff.fixed)},      {"new", json_of(diff.fresh)},
        {"gone", json_of(diff.gone)},        {"other", json_of(diff.other)}};
    return whole.dump(1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace gatelab::reports
