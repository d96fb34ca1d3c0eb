// Messages of strongSwan's control interface VICI (its documented protocol, version of strongSwan 5.9).
//
// A message is a tree: sections hold named values, lists of values and further sections, in order.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "impl/base/bytes.h"
#include "impl/base/result.h"

namespace gatelab::sim::peers {

struct ViciSection {
    struct Entry;
    std::vector<Entry> entries;

    // The value of that name, or "" when it is missing.
    std::string text(std::string_view name) const;
    const std::vector<std::string>* list(std::string_view name) const;  // nullptr when it is missing
    const ViciSection* section(std::string_view name) const;            // nullptr when it is missing
    ViciSection& set(std::string name, std::string value);
};

struct ViciSection::Entry {
    std::string name;
    std::variant<std::string, std::vector<std::string>, ViciSection> value;
};

struct ViciPacket {
    enum class Type : std::uint8_t {
        Request = 0,
        Response = 1,
        RequestUnknown = 2,
        EventRegister = 3,
        EventUnregister = 4,
        EventConfirm = 5,
        EventUnknown = 6,
        Event = 7
    };
    Type type = Type::Request;
    std::string name;  // of Request, EventRegister, EventUnregister, Event
    ViciSection message;
};

// With the four octets of length that open a packet on the stream.
Bytes encode_vici(const ViciPacket&);
// Of the octets after the length.
Result<ViciPacket> parse_vici(ByteView);

}  // namespace gatelab::sim::peers
