#include "topologies/yaml/units.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>
#include <utility>

namespace gatelab::topologies {
namespace {

struct Unit {
    std::string_view name;
    double factor;
};

// A decimal number without sign or exponent, and what follows it.
std::optional<std::pair<double, std::string_view>> split_number(std::string_view text) {
    const auto end = text.find_first_not_of("0123456789.");
    const auto digits = text.substr(0, end);
    double number = 0;
    const auto [stop, fault] =
        std::from_chars(digits.data(), digits.data() + digits.size(), number, std::chars_format::fixed);
    if (fault != std::errc{} || stop != digits.data() + digits.size() || !std::isfinite(number)) return std::nullopt;
    auto unit = end == text.npos ? std::string_view{} : text.substr(end);
    if (unit.starts_with(' ')) unit.remove_prefix(1);
    return std::pair{number, unit};
}

template <std::size_t N>
std::optional<double> measure(std::string_view text, const std::array<Unit, N>& units, double largest) {
    const auto split = split_number(text);
    if (!split) return std::nullopt;
    for (const auto& unit : units)
        if (split->second == unit.name) {
            const auto value = std::round(split->first * unit.factor);
            return value <= largest ? std::optional{value} : std::nullopt;
        }
    return std::nullopt;
}

// Days from 1970-01-01 to a date of the Gregorian calendar, or nothing when there is no such date.
std::optional<std::int64_t> days_to(int year, unsigned month, unsigned day) {
    const std::chrono::year_month_day date{std::chrono::year{year}, std::chrono::month{month}, std::chrono::day{day}};
    if (!date.ok() || year < 1970 || year > 2200) return std::nullopt;
    return std::chrono::sys_days{date}.time_since_epoch().count();
}

// The digits of `text` at [at, at + count), or -1.
int digits(std::string_view text, std::size_t at, std::size_t count) {
    if (text.size() < at + count) return -1;
    int number = 0;
    for (const auto letter : text.substr(at, count)) {
        if (letter < '0' || letter > '9') return -1;
        number = number * 10 + (letter - '0');
    }
    return number;
}

}  // namespace

Result<Duration> parse_duration(std::string_view text) {
    constexpr std::array<Unit, 7> kUnits{
        {{"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"min", 60e9}, {"h", 3600e9}, {"d", 86400e9}}};
    constexpr double kTenYears = 86400e9 * 3652;
    const auto value = measure(text, kUnits, kTenYears);
    if (value) return Duration{static_cast<std::int64_t>(*value)};
    return fail(Fault::Malformed,
                "a duration with its unit (ns, us, ms, s, min, h, d; at most 10 years), such as 10ms");
}

Result<std::uint64_t> parse_rate(std::string_view text) {
    constexpr std::array<Unit, 4> kUnits{{{"bps", 1}, {"kbps", 1e3}, {"Mbps", 1e6}, {"Gbps", 1e9}}};
    const auto value = measure(text, kUnits, 1e12);
    if (value && *value >= 1) return static_cast<std::uint64_t>(*value);
    return fail(Fault::Malformed, "a rate with its unit (bps, kbps, Mbps, Gbps; 1bps to 1000Gbps), such as 100Mbps");
}

Result<Instant> parse_instant(std::string_view text) {
    const auto wrong = [] { return fail(Fault::Malformed, "a UTC time such as 2026-01-01 or 2026-01-01T12:30:00Z"); };
    const bool date_only = text.size() == 10, full = text.size() == 20;
    if (!date_only && !full) return wrong();
    const int year = digits(text, 0, 4), month = digits(text, 5, 2), day = digits(text, 8, 2);
    if (year < 0 || month < 0 || day < 0 || text[4] != '-' || text[7] != '-') return wrong();
    const auto days = days_to(year, static_cast<unsigned>(month), static_cast<unsigned>(day));
    if (!days) return wrong();
    if (date_only) return instant_from_unix(*days * 86400);
    const int hour = digits(text, 11, 2), minute = digits(text, 14, 2), second = digits(text, 17, 2);
    const bool in_range = hour >= 0 && hour < 24 && minute >= 0 && minute < 60 && second >= 0 && second < 60;
    if (!in_range || text[10] != 'T' || text[13] != ':' || text[16] != ':' || text[19] != 'Z') return wrong();
    return instant_from_unix(*days * 86400 + hour * 3600 + minute * 60 + second);
}

Result<double> parse_fraction(std::string_view text) {
    const auto split = split_number(text);
    const bool percent = split && split->second == "%";
    const auto value = split ? split->first / (percent ? 100 : 1) : -1;
    if (split && (percent || split->second.empty()) && value <= 1) return value;
    return fail(Fault::Malformed, "a share from 0 to 1, such as 0.01 or 1%");
}

Result<std::uint64_t> parse_number(std::string_view text) {
    std::uint64_t number = 0;
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (fault == std::errc{} && end == text.data() + text.size()) return number;
    return fail(Fault::Malformed, "a whole number");
}

}  // namespace gatelab::topologies
