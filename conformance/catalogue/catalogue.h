// Requirements as data: what the documents say, in our own words, each with an id and its source.
//
//   - id: RFC7296-2.4-LIVENESS
//     source: {document: RFC 7296, section: "2.4"}
//     text: A peer that was silent is asked whether it is alive, and a live one answers.
//     strength: doc
//
// An entry claims that a case checks it, unless it says why none does: `uncovered: "..."`.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "impl/base/result.h"

namespace gatelab::conformance {

// How well a requirement is founded.
enum class Strength {
    Documented,  // doc: the responsible party's own document or standard
    ThirdParty,  // 3p: others' observation
    Derived,     // derived: our conclusion from documented facts
};
std::string_view name_of(Strength);  // "doc", "3p", "derived"

struct Requirement {
    std::string id;        // "RFC7296-2.4-LIVENESS", never changed once given
    std::string document;  // "RFC 7296", "Azure VPN Gateway"
    std::string section;   // "2.4", or a tag
    std::string text;      // one or two sentences
    Strength strength = Strength::Documented;
    std::string uncovered;          // why no case checks it; "" when one does
    std::vector<std::string> rows;  // for a table of algorithms: its rows in gatelab's names, in the document's order
};

// In the order of the files' names, then of the entries.
using Catalogue = std::vector<Requirement>;

// The catalogue that is compiled in.
const Catalogue& catalogue();

// The entry of that id, or nullptr.
const Requirement* find(const Catalogue&, std::string_view id);

// Reads the text of one catalogue file. Malformed with all errors, one a line: "ikev2.yaml:12:5: error: ...".
Result<Catalogue> parse_catalogue(std::string_view text, const std::string& name);

}  // namespace gatelab::conformance
