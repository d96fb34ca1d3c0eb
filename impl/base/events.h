// What happened, as data: one event a line in events.ndjson.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "impl/base/time.h"

namespace gatelab {

using AttributeValue = std::variant<bool, std::int64_t, double, std::string>;
using Attributes = std::vector<std::pair<std::string, AttributeValue>>;  // in the order given

// What an engine has to tell beside its protocol outputs: a message sent, a state reached, a datagram dropped.
// Its owner adds the time and the node.
struct Trace {
    std::string event;  // "message-sent": lower case, words joined by hyphens
    Attributes attributes;
};

struct Event {
    Duration t;             // since the start of the run
    std::string node;       // "alice"
    std::string component;  // "ikev2"
    std::string event;      // "message-sent"
    Attributes attributes;
};

// The attribute of that name, or nullptr.
const AttributeValue* find(const Attributes&, std::string_view name);

// The text of the attribute of that name, or "" when it is missing or not text.
std::string text_of(const Attributes&, std::string_view name);

// One line of JSON without the newline:
// {"t":1.000000000,"node":"alice","component":"ikev2","event":"message-sent","attributes":{...}}
std::string to_json_line(const Event&);

}  // namespace gatelab
