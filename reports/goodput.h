// What TCP transfers got through tunnels, as a table.
#pragma once

#include <string>

#include "conformance/report.h"

namespace gatelab::reports {

// A row for each round-trip time and loss, a column for each tunnel and pair that has such metrics; "" when none has.
std::string render_goodput(const conformance::Report&);

}  // namespace gatelab::reports
