// What the harness and the agent of a guest tell each other: messages over a FrameLink (frame_link.h).
//
// Most are about a channel: a program, a socket or a question. Whoever opens a channel chooses its number: the harness
// takes even ones, the agent odd ones (for connections that it accepts), and none is used twice.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "impl/base/address.h"
#include "impl/base/bytes.h"
#include "impl/base/result.h"

namespace gatelab::sim::peers::uml::agent {

inline constexpr std::uint16_t kVersion = 1;
inline constexpr std::size_t kStreamWindow = 64 * 1024;  // octets that a stream may have on their way into the guest
inline constexpr std::size_t kChunk = 16 * 1024;         // octets of a stream in one message, at most

using Channel = std::uint32_t;

// --- from the harness ---

struct Configure {  // the first message: the guest's name and its card in the simulated network
    std::string name;
    std::vector<std::string> addresses, borrowed;  // dotted; see MachineSpec
    std::uint16_t mtu = 1500;
    std::uint8_t forwards = 0;
};
struct RunProgram {
    Channel channel = 0;
    std::vector<std::string> arguments, environment;
    std::string output;  // path of the file to append to; "": discarded
};
struct SignalProgram {
    Channel channel = 0;
    std::uint8_t number = 0;
};
struct ConnectUnix {
    Channel channel = 0;
    std::string path;
};
struct ConnectTcp {
    Channel channel = 0;
    Endpoint remote;
};
struct ListenTcp {
    Channel channel = 0;
    Endpoint local;
};
struct OpenUdp {
    Channel channel = 0;
    Endpoint local;
};
struct OpenRaw {
    Channel channel = 0;
    std::uint8_t protocol = 0;
};
struct Finish {  // of a stream: no more data will come
    Channel channel = 0;
};
struct Close {  // kills a program with its process group, aborts a stream, closes a socket; nothing more is told
    Channel channel = 0;
};
struct AskSource {  // which address would packets to there come from?
    Channel channel = 0;
    Ipv4Address destination;
};

// --- from the agent ---

struct Hello {  // the first message
    std::uint16_t version = kVersion;
    std::string kernel;  // release and build of the guest's kernel
};
struct Configured {
    std::string problem;  // "": the guest is ready
};
struct ProgramEnded {
    Channel channel = 0;
    std::uint32_t status = 0;  // as wait() tells it
};
struct ProgramFailed {  // did not start
    Channel channel = 0;
    std::uint32_t number = 0;  // errno
};
struct Connected {
    Channel channel = 0;
    Endpoint local, remote;
};
struct Accepted {
    Channel channel = 0;  // of the listener
    Channel stream = 0;
    Endpoint local, remote;
};
struct Credit {  // so many octets of a stream have gone into its socket
    Channel channel = 0;
    std::uint32_t octets = 0;
    std::uint32_t retransmissions = 0;  // so far
};
struct Closed {  // of a stream: "" after an orderly end; of another socket: why it could not be opened
    Channel channel = 0;
    std::string reason;
    std::uint32_t retransmissions = 0;
};
struct Source {
    Channel channel = 0;
    Ipv4Address address;  // unspecified: there is no route
};

// --- both ways ---

struct Data {
    Channel channel = 0;
    ByteView bytes;  // in the message
};
struct Datagram {
    Channel channel = 0;
    Endpoint remote;  // port 0 for raw IP
    ByteView bytes;   // in the message
};

// The order is the wire's: a message begins with its place in this list.
using Message = std::variant<Configure, RunProgram, SignalProgram, ConnectUnix, ConnectTcp, ListenTcp, OpenUdp, OpenRaw,
                             Finish, Close, AskSource, Hello, Configured, ProgramEnded, ProgramFailed, Connected,
                             Accepted, Credit, Closed, Source, Data, Datagram>;

Bytes encode(const Message&);
// Truncated or Malformed. Data stays in `bytes`.
Result<Message> parse(ByteView bytes);

}  // namespace gatelab::sim::peers::uml::agent
