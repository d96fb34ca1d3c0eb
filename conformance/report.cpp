#include "conformance/report.h"

#include <array>
#include <set>

#include "conformance/catalogue/catalogue.h"

namespace gatelab::conformance {
namespace {

constexpr std::array kVerdicts = {Verdict::Passed,  Verdict::Failed, Verdict::Unsupported,
                                  Verdict::Skipped, Verdict::Error,  Verdict::Invalid};

int& count_of(Summary& summary, Verdict verdict) {
    switch (verdict) {
        case Verdict::Passed: return summary.passed;
        case Verdict::Failed: return summary.failed;
        case Verdict::Unsupported: return summary.unsupported;
        case Verdict::Skipped: return summary.skipped;
        case Verdict::Invalid: return summary.invalid;
        case Verdict::Error: break;
    }
    return summary.errors;
}

}  // namespace

std::string_view name_of(Verdict verdict) {
    switch (verdict) {
        case Verdict::Passed: return "passed";
        case Verdict::Failed: return "failed";
        case Verdict::Unsupported: return "unsupported";
        case Verdict::Skipped: return "skipped";
        case Verdict::Error: return "error";
        case Verdict::Invalid: return "invalid";
    }
    return "?";
}

std::optional<Verdict> verdict_of(std::string_view name) {
    for (const auto verdict : kVerdicts)
        if (name_of(verdict) == name) return verdict;
    return std::nullopt;
}

Summary summarize(const Report& report) {
    Summary summary;
    std::set<std::string> covered, passed, failed;
    for (const auto& result : report.cases) {
        ++count_of(summary, result.verdict);
        covered.insert(result.requirements.begin(), result.requirements.end());
        if (result.verdict == Verdict::Passed) passed.insert(result.requirements.begin(), result.requirements.end());
        if (result.verdict == Verdict::Failed) failed.insert(result.requirements.begin(), result.requirements.end());
    }
    for (const auto& requirement : catalogue()) {
        ++summary.requirements;
        summary.covered += covered.contains(requirement.id) ? 1 : 0;
        summary.verified += passed.contains(requirement.id) && !failed.contains(requirement.id) ? 1 : 0;
    }
    return summary;
}

}  // namespace gatelab::conformance
