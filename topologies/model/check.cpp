#include "topologies/model/check.h"

#include <algorithm>

#include "topologies/model/checks.h"
#include "topologies/model/suggest.h"

namespace gatelab::topologies {

void Findings::add(Problem::Severity severity, const Mark& mark, std::string message) {
    all_.push_back({severity, mark, std::move(message)});
}

std::vector<Problem> Findings::in_file_order() && {
    std::stable_sort(all_.begin(), all_.end(), [](const Problem& a, const Problem& b) {
        return std::tie(a.mark.line, a.mark.column) < std::tie(b.mark.line, b.mark.column);
    });
    return std::move(all_);
}

std::string suggestion(std::string_view name, const std::vector<std::string>& known) {
    if (const auto best = closest(name, known); !best.empty()) return fmt::format("; did you mean \"{}\"?", best);
    if (known.empty()) return "; there is none";
    constexpr std::size_t kShown = 8;
    const auto shown = std::min(known.size(), kShown);
    return fmt::format("; there is {}{}", fmt::join(known.begin(), known.begin() + static_cast<long>(shown), ", "),
                       known.size() > kShown ? ", ..." : "");
}

std::string to_string(const Problem& problem) {
    const auto where = to_string(problem.mark);
    const auto severity = problem.severity == Problem::Severity::Error ? "error" : "warning";
    return fmt::format("{}{}{}: {}", where, where.empty() ? "" : ": ", severity, problem.message);
}

bool has_errors(const std::vector<Problem>& problems) {
    return std::any_of(problems.begin(), problems.end(),
                       [](const Problem& one) { return one.severity == Problem::Severity::Error; });
}

std::vector<Problem> check(const Topology& topology) {
    Findings findings;
    check_names(topology, findings);
    check_certificates(topology, findings);
    check_prefixes(topology, findings);
    check_addresses(topology, findings);
    check_links(topology, findings);
    check_middleboxes(topology, findings);
    check_tunnels(topology, findings);
    check_proxies(topology, findings);
    check_traffic(topology, findings);
    check_faults(topology, findings);
    return std::move(findings).in_file_order();
}

}  // namespace gatelab::topologies
