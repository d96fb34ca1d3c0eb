#include "impl/base/suggest.h"

#include <algorithm>
#include <numeric>

namespace gatelab {
namespace {

// Insertions, deletions, replacements and swaps of neighbours from `a` to `b` (optimal string alignment).
std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> before, last(b.size() + 1), row(b.size() + 1);
    std::iota(last.begin(), last.end(), std::size_t{0});
    for (std::size_t i = 1; i <= a.size(); ++i) {
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const auto replaced = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
            row[j] = std::min({replaced, row[j - 1] + 1, last[j] + 1});
            const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
        }
        before = last;
        last = row;
    }
    return last.back();
}

constexpr std::size_t kLongestName = 64;       // beyond it nobody mistypes a name, and distance() would cost too much
constexpr std::size_t kMostCandidates = 2000;  // a large file with many wrong names must not take minutes to refuse

}  // namespace

std::string closest(std::string_view name, const std::vector<std::string>& known) {
    if (name.size() > kLongestName || known.size() > kMostCandidates) return {};
    std::string best;
    auto allowed = std::max<std::size_t>(1, name.size() / 3) + 1;
    for (const auto& candidate : known) {
        if (candidate.size() > kLongestName) continue;
        const auto edits = distance(name, candidate);
        if (edits < allowed) {
            allowed = edits;
            best = candidate;
        }
    }
    return best;
}

}  // namespace gatelab
