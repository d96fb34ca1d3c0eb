// The families of cases: one function for each file of cases, in the order of the report.
#pragma once

#include <vector>

#include "conformance/case.h"

namespace gatelab::conformance::families {}  // namespace gatelab::conformance::families
