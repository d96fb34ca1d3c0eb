#include "sim/peers/ppp_line/keys.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "sim/peers/file_descriptor.h"

namespace gatelab::sim::peers::ppp_line {
namespace {

constexpr std::uint32_t kMagic = 0x73737470;
constexpr std::uint16_t kAuthenticated = 1, kAcknowledged = 3;
constexpr std::uint16_t kSendKey = 1, kReceiveKey = 2;
constexpr int kPatienceMs = 5000;

// In this machine's order: the other end runs on the same.
template <class Number>
void add(Bytes& bytes, Number number) {
    std::uint8_t octets[sizeof number];
    std::memcpy(octets, &number, sizeof number);
    for (const auto octet : octets) bytes.push_back(octet);
}

void add_key(Bytes& bytes, std::uint16_t type, const mschap::MasterKey& key) {
    add(bytes, type);
    add(bytes, static_cast<std::uint16_t>(key.size()));
    append(bytes, key);
}

tl::unexpected<Error> broken(const std::string& step) { return fail(Fault::Io, step + ": " + std::strerror(errno)); }

}  // namespace

Bytes key_message(const std::optional<mschap::MasterKeys>& keys) {
    Bytes attributes;
    if (keys) {
        add_key(attributes, kSendKey, keys->send);
        add_key(attributes, kReceiveKey, keys->receive);
    }
    Bytes message;
    add(message, kMagic);
    add(message, static_cast<std::uint16_t>(attributes.size()));
    add(message, kAuthenticated);
    append(message, attributes);
    return message;
}

Result<void> tell_keys(const std::string& path, const std::optional<mschap::MasterKeys>& keys) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    const FileDescriptor socket{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    if (!socket || ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        return broken(path);
    const auto message = key_message(keys);
    if (::send(socket.get(), message.data(), message.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(message.size()))
        return broken("telling the keys");
    pollfd answer{socket.get(), POLLIN, 0};
    std::uint16_t words[4]{};
    if (::poll(&answer, 1, kPatienceMs) != 1 || ::read(socket.get(), words, sizeof words) != sizeof words)
        return broken("waiting for the answer to the keys");
    return words[3] == kAcknowledged ? Result<void>{} : fail(Fault::Io, "sstpc does not take the keys");
}

}  // namespace gatelab::sim::peers::ppp_line
