// What the harness and its warden tell each other: one packet a message over a UNIX socket pair, both ends of one
// build.
//
//   harness --> warden   request: kind, numbers, texts; one descriptor at most
//   harness <-- warden   answer to each request, in order: error number or a value; one descriptor at most
//   harness <-- warden   on a second socket: a program that has ended
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "impl/base/bytes.h"
#include "sim/peers/file_descriptor.h"

namespace gatelab::sim::peers {

struct WardenMessage {
    enum class Kind : std::uint8_t { Ready, AddMachine, Run, Signal, OpenSocket, Ended };
    Kind kind = Kind::Ready;
    std::array<std::int64_t, 4> numbers{};
    std::vector<std::string> texts;
    FileDescriptor descriptor;
};

inline constexpr std::size_t kLargestMessage = 64 * 1024;

// False, with errno set, when the other side is gone or the message is too large.
bool send_message(int socket, const WardenMessage&);
// Waits for a message. Nothing when the other side is gone or, with `wait` off, when there is none yet.
std::optional<WardenMessage> receive_message(int socket, bool wait = true);

}  // namespace gatelab::sim::peers
