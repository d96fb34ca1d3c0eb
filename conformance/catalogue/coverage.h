// Which case checks which requirement, as a page: docs/requirements.md.
#pragma once

#include <string>
#include <vector>

#include "conformance/case.h"
#include "conformance/catalogue/catalogue.h"

namespace gatelab::conformance {

// Markdown. `gatelab list requirements --markdown > docs/requirements.md` brings the page up to date.
std::string to_markdown(const Catalogue&, const std::vector<Case>&);

// What is wrong between the two, one sentence each: a case that names no entry or an unknown one, an entry that claims
// to be covered and is not, one that says why it is not and yet is.
std::vector<std::string> contradictions(const Catalogue&, const std::vector<Case>&);

}  // namespace gatelab::conformance
