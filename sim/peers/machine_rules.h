// Which of a machine's addresses it answers at.
#pragma once

#include <string>
#include <vector>

namespace gatelab::sim::peers {

// Works on the network namespace of the calling process: of what comes from outside, only packets to `addresses`
// (dotted) are the machine's; others are routed on, even if they are to or from another of its addresses. What the
// machine itself sends is not touched. Returns "", or the step that failed, with errno set.
//
// Instead of "all packets look into the table `local` first" the rules then say:
//
//   10: to ADDRESS lookup local, for each
//   11: iif lo lookup local       what the machine itself sends
//
// and go on with those that the programs and the kernel made.
std::string answer_only_at(const std::vector<std::string>& addresses);

}  // namespace gatelab::sim::peers
