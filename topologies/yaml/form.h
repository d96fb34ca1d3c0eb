// Reads the fields of one map into a struct, and notices what is wrong with them.
#pragma once

#include <fmt/format.h>

#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "topologies/yaml/tree.h"
#include "topologies/yaml/units.h"

namespace gatelab::topologies {

// Words of a file and what they stand for.
template <class T>
using Choices = std::vector<std::pair<std::string, T>>;

// One map of the file being read. Each call names a key that may be there and leaves the target as it was when it is
// not; finish() refuses every key that no call named.
class Form {
public:
    // `value` may also be empty, which counts as a map without keys. `what` names the thing: "client \"alice\"".
    Form(const Value& value, std::string what, std::vector<Problem>& problems);

    const Value* take(std::string_view key);                       // nullptr when missing or empty
    bool require(std::string_view key, std::string_view example);  // an error when it is missing

    void text(std::string_view key, std::string& target);
    void texts(std::string_view key, std::vector<std::string>& target);  // a list, or one text
    void address(std::string_view key, Ipv4Address& target);
    void addresses(std::string_view key, std::vector<Ipv4Address>& target);
    void prefix(std::string_view key, Prefix& target);
    void prefix(std::string_view key, std::optional<Prefix>& target);
    void prefixes(std::string_view key, std::vector<Prefix>& target);
    void address_or_prefix(std::string_view key, std::optional<Prefix>& target);  // an address: the prefix of it alone
    void duration(std::string_view key, Duration& target);
    void duration(std::string_view key, std::optional<Duration>& target, std::string_view none);  // `none`: the word
    // Times since the start of the run.
    void since_start(std::string_view key, Duration& target);
    void since_start(std::string_view key, std::optional<Duration>& target, std::string_view none);
    void instant(std::string_view key, Instant& target);
    void rate(std::string_view key, std::uint64_t& target);
    void fraction(std::string_view key, double& target);

    template <class T>
    void number(std::string_view key, T& target, std::uint64_t least, std::uint64_t most) {
        if (const auto* value = take(key))
            if (const auto read = number_of(*value, key, least, most)) target = static_cast<T>(*read);
    }
    // `none`: the word for nothing.
    template <class T>
    void number(std::string_view key, std::optional<T>& target, std::uint64_t least, std::uint64_t most,
                std::string_view none) {
        const auto* value = take(key);
        if (!value) return;
        if (value->kind == Value::Kind::Text && value->text == none) return void(target.reset());
        if (const auto read = number_of(*value, key, least, most)) target = static_cast<T>(*read);
    }
    void flag(std::string_view key, bool& target) { choice(key, target, {{"true", true}, {"false", false}}); }
    void flag(std::string_view key, std::optional<bool>& target) {
        choice<std::optional<bool>>(key, target, {{"true", true}, {"false", false}});
    }
    // A list, or one number.
    template <class T>
    void numbers(std::string_view key, std::vector<T>& targets, std::uint64_t least, std::uint64_t most) {
        const auto* value = take(key);
        if (!value) return;
        targets.clear();
        const auto add = [&](const Value& item) {
            if (const auto read = number_of(item, key, least, most)) targets.push_back(static_cast<T>(*read));
        };
        if (value->kind == Value::Kind::List)
            for (const auto& item : value->items) add(item);
        else
            add(*value);
    }
    void ports(std::string_view key, std::vector<std::uint16_t>& target) { numbers(key, target, 1, 65535); }

    template <class T>
    void choice(std::string_view key, T& target, const Choices<T>& choices) {
        const auto* value = take(key);
        if (!value) return;
        std::vector<std::string> words;
        for (const auto& [word, meaning] : choices) {
            if (value->kind == Value::Kind::Text && value->text == word) return void(target = meaning);
            words.push_back(word);
        }
        wrong(*value, key, fmt::format("one of {}", fmt::join(words, ", ")));
    }

    // A list of such words, or one.
    template <class T>
    void choices(std::string_view key, std::vector<T>& targets, const Choices<T>& choices) {
        const auto* value = take(key);
        if (!value) return;
        targets.clear();
        std::vector<std::string> words;
        for (const auto& [word, meaning] : choices) words.push_back(word);
        const auto add = [&](const Value& item) {
            for (const auto& [word, meaning] : choices)
                if (item.kind == Value::Kind::Text && item.text == word) return targets.push_back(meaning);
            wrong(item, key, fmt::format("one of {}", fmt::join(words, ", ")));
        };
        if (value->kind == Value::Kind::List)
            for (const auto& item : value->items) add(item);
        else
            add(*value);
    }

    void finish();

    void problem(const Mark& mark, std::string message);
    const std::string& what() const { return what_; }
    const Mark& mark() const { return mark_; }
    void place(const Mark& mark) { mark_ = mark; }  // of the thing as a whole: its name rather than its first key
    const FieldMarks& field_marks() const { return field_marks_; }
    std::vector<Problem>& problems() { return problems_; }
    void remember(std::string field, const Mark& mark) { field_marks_.emplace_back(std::move(field), mark); }

    // The text of a value; an error that expected `expected` when it is none.
    std::optional<std::string> text_of(const Value&, std::string_view key, std::string_view expected);

private:
    template <class T, class Parse>
    void read(std::string_view key, T& target, std::string_view expected, Parse parse);
    template <class T, class Parse>
    void read_list(std::string_view key, std::vector<T>& target, std::string_view expected, Parse parse);
    std::optional<std::uint64_t> number_of(const Value&, std::string_view key, std::uint64_t least, std::uint64_t most);
    bool refuse_past(std::string_view key);
    void wrong(const Value&, std::string_view key, std::string_view expected);

    const Value& value_;
    Mark mark_;
    std::string what_;
    std::vector<Problem>& problems_;
    std::vector<std::string> known_;
    FieldMarks field_marks_;
};

}  // namespace gatelab::topologies
