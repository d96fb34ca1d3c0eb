#include "topologies/yaml/form.h"

#include <algorithm>

#include "topologies/model/suggest.h"

namespace gatelab::topologies {
namespace {

constexpr std::string_view kAddress = "an IPv4 address such as 10.1.0.4";
constexpr std::string_view kPrefix = "an IPv4 prefix such as 10.1.0.0/16";

}  // namespace

Form::Form(const Value& value, std::string what, std::vector<Problem>& problems)
    : value_(value), mark_(value.mark), what_(std::move(what)), problems_(problems) {
    if (value.kind == Value::Kind::Text || value.kind == Value::Kind::List)
        problem(value.mark, fmt::format("{} is {}; expected a map of keys and values", what_, describe(value)));
}

void Form::problem(const Mark& mark, std::string message) {
    problems_.push_back({Problem::Severity::Error, mark, std::move(message)});
}

void Form::wrong(const Value& value, std::string_view key, std::string_view expected) {
    problem(value.mark, fmt::format("{} of {} is {}; expected {}", key, what_, describe(value), expected));
}

const Value* Form::take(std::string_view key) {
    known_.emplace_back(key);
    const auto* value = value_.find(key);
    if (!value || value->kind == Value::Kind::Nothing) return nullptr;
    remember(std::string{key}, value->mark);
    return value;
}

bool Form::require(std::string_view key, std::string_view example) {
    const auto* value = value_.find(key);
    if (value && value->kind != Value::Kind::Nothing) return true;
    const bool said = value_.kind == Value::Kind::Map || value_.kind == Value::Kind::Nothing;
    if (said) problem(value ? value->mark : mark_, fmt::format("{} needs {}, such as {}", what_, key, example));
    return false;
}

std::optional<std::string> Form::text_of(const Value& value, std::string_view key, std::string_view expected) {
    if (value.kind == Value::Kind::Text) return value.text;
    wrong(value, key, expected);
    return std::nullopt;
}

template <class T, class Parse>
void Form::read(std::string_view key, T& target, std::string_view expected, Parse parse) {
    const auto* value = take(key);
    if (!value) return;
    const auto text = text_of(*value, key, expected);
    if (!text) return;
    if (auto parsed = parse(*text))
        target = std::move(*parsed);
    else
        wrong(*value, key, expected);
}

template <class T, class Parse>
void Form::read_list(std::string_view key, std::vector<T>& target, std::string_view expected, Parse parse) {
    const auto* value = take(key);
    if (!value) return;
    target.clear();
    const auto add = [&](const Value& item) {
        const auto text = text_of(item, key, expected);
        if (!text) return;
        if (auto parsed = parse(*text))
            target.push_back(std::move(*parsed));
        else
            wrong(item, key, expected);
    };
    if (value->kind == Value::Kind::List)
        std::for_each(value->items.begin(), value->items.end(), add);
    else
        add(*value);
}

void Form::text(std::string_view key, std::string& target) {
    read(key, target, "a text", [](const std::string& text) { return Result<std::string>{text}; });
}
void Form::texts(std::string_view key, std::vector<std::string>& target) {
    read_list(key, target, "a text, or a list of texts",
              [](const std::string& text) { return Result<std::string>{text}; });
}
void Form::address(std::string_view key, Ipv4Address& target) { read(key, target, kAddress, parse_address); }
void Form::addresses(std::string_view key, std::vector<Ipv4Address>& target) {
    read_list(key, target, kAddress, parse_address);
}

void Form::prefix(std::string_view key, std::optional<Prefix>& target) {
    const auto* value = take(key);
    if (!value) return;
    const auto text = text_of(*value, key, kPrefix);
    if (!text) return;
    if (const auto parsed = parse_prefix(*text))
        target = *parsed;
    else
        problem(value->mark, fmt::format("{} of {}: {}", key, what_, parsed.error().detail));
}
void Form::prefix(std::string_view key, Prefix& target) {
    std::optional<Prefix> read;
    prefix(key, read);
    if (read) target = *read;
}
void Form::prefixes(std::string_view key, std::vector<Prefix>& target) {
    const auto* value = take(key);
    if (!value) return;
    target.clear();
    const auto add = [&](const Value& item) {
        const auto text = text_of(item, key, kPrefix);
        if (!text) return;
        if (const auto parsed = parse_prefix(*text))
            target.push_back(*parsed);
        else
            problem(item.mark, fmt::format("{} of {}: {}", key, what_, parsed.error().detail));
    };
    if (value->kind == Value::Kind::List)
        std::for_each(value->items.begin(), value->items.end(), add);
    else
        add(*value);
}

void Form::address_or_prefix(std::string_view key, std::optional<Prefix>& target) {
    const auto* value = value_.find(key);
    const auto address = parse_address(value && value->kind == Value::Kind::Text ? value->text : "");
    if (!address) return prefix(key, target);
    take(key);
    target = Prefix{*address, 32};
}

void Form::duration(std::string_view key, Duration& target) {
    read(key, target, parse_duration("").error().detail, parse_duration);
}
void Form::duration(std::string_view key, std::optional<Duration>& target, std::string_view none) {
    const auto* value = value_.find(key);
    if (value && value->kind == Value::Kind::Text && value->text == none) {
        take(key);
        target.reset();
        return;
    }
    auto read = target.value_or(Duration::zero());
    const auto before = problems_.size();
    duration(key, read);
    if (value && value->kind != Value::Kind::Nothing && problems_.size() == before) target = read;
}

// A time with a minus sign is no other mistake than this one.
bool Form::refuse_past(std::string_view key) {
    const auto* value = value_.find(key);
    if (!value || value->kind != Value::Kind::Text || !value->text.starts_with('-')) return false;
    if (!parse_duration(std::string_view{value->text}.substr(1))) return false;
    take(key);
    problem(value->mark, fmt::format("{} of {} is {}, before the start of the run; expected 0s or later", key, what_,
                                     describe(*value)));
    return true;
}
void Form::since_start(std::string_view key, Duration& target) {
    if (!refuse_past(key)) duration(key, target);
}
void Form::since_start(std::string_view key, std::optional<Duration>& target, std::string_view none) {
    if (!refuse_past(key)) duration(key, target, none);
}

void Form::instant(std::string_view key, Instant& target) {
    read(key, target, parse_instant("").error().detail, parse_instant);
}
void Form::rate(std::string_view key, std::uint64_t& target) {
    read(key, target, parse_rate("").error().detail, parse_rate);
}
void Form::fraction(std::string_view key, double& target) {
    read(key, target, parse_fraction("").error().detail, parse_fraction);
}

std::optional<std::uint64_t> Form::number_of(const Value& value, std::string_view key, std::uint64_t least,
                                             std::uint64_t most) {
    const auto expected = fmt::format("a whole number from {} to {}", least, most);
    const auto text = text_of(value, key, expected);
    if (!text) return std::nullopt;
    const auto number = parse_number(*text);
    if (number && *number >= least && *number <= most) return *number;
    wrong(value, key, expected);
    return std::nullopt;
}

void Form::finish() {
    for (const auto& entry : value_.entries) {
        if (std::find(known_.begin(), known_.end(), entry.key) != known_.end()) continue;
        const auto meant = closest(entry.key, known_);
        const auto shown = describe(Value{Value::Kind::Text, {}, entry.key, {}, {}});
        problem(entry.mark,
                meant.empty()
                    ? fmt::format("unknown key {} in {}; expected one of {}", shown, what_, fmt::join(known_, ", "))
                    : fmt::format("unknown key {} in {}; did you mean \"{}\"?", shown, what_, meant));
    }
}

}  // namespace gatelab::topologies
