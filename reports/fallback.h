// Which tunnel each kind of client ends on in each kind of network, as tables: one for each set of tunnels that a
// gateway offers.
#pragma once

#include <string>

#include "conformance/report.h"

namespace gatelab::reports {

// For a terminal; "" when the report has no such cases. Who has no tunnel in common with the gateway is told in a line
// under the table; what was not as expected is marked with "!".
std::string render_fallback(const conformance::Report&);

// The same as a page of Markdown.
std::string fallback_markdown(const conformance::Report&);

}  // namespace gatelab::reports
