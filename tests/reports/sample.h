// A report such as a run of the built-in suites leaves, made up: every verdict, several pairs, evidence for one case.
#pragma once

#include <filesystem>

#include "conformance/report.h"

namespace gatelab::reports {

conformance::Report sample_report();
// With transfers over two tunnels, by our own client and gateway and, over one of them, by a real program in real time.
conformance::Report goodput_report();
// Windows, the real strongSwan and an OpenVPN client at a gateway with IKEv2 and SSTP, in two networks.
conformance::Report fallback_report();

// The event log of the case with evidence, where the report says it is.
void write_sample_evidence(const std::filesystem::path& directory);

}  // namespace gatelab::reports
