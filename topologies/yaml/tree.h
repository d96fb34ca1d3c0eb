// A YAML document as a tree of values that know where they were said.
//
// Our own tree rather than yaml-cpp's nodes, because it keeps the order and the place of keys, notices a key said
// twice, and follows aliases only as far as a limit.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "topologies/model/check.h"
#include "topologies/yaml/reader.h"

namespace gatelab::topologies {

struct Value;

struct Entry {
    std::string key;
    Mark mark;  // of the key
    std::unique_ptr<Value> value;
};

struct Value {
    enum class Kind { Nothing, Text, List, Map } kind = Kind::Nothing;
    Mark mark;
    std::string text;            // Text
    std::vector<Value> items;    // List
    std::vector<Entry> entries;  // Map, in the order of the file

    Value* find(std::string_view key);
    const Value* find(std::string_view key) const;
};

// "a list", "\"abc\"": for messages.
std::string describe(const Value&);

// The document, or the one problem that keeps it from being one: bad YAML, a repeated key, a limit passed.
Result<Value> parse_tree(std::string_view text, const std::string& name, Problem& problem);

// Puts a value where `path` leads: names and, in lists, numbers from 0, joined by dots. Adds a key that is not there to
// a map that is (whether the key means anything is for the reader to say). The problem, when the path leads nowhere.
std::optional<Problem> apply_override(Value& tree, const Override&);

}  // namespace gatelab::topologies
