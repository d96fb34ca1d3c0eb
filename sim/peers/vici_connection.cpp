#include "sim/peers/vici_connection.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>

namespace gatelab::sim::peers {
namespace {

using Clock = std::chrono::steady_clock;
using Type = ViciPacket::Type;

constexpr std::size_t kLargestPacket = 512 * 1024;  // VICI's own limit
constexpr Duration kForRegistration = std::chrono::seconds(5);

tl::unexpected<Error> silent() { return fail(Fault::Io, "charon did not answer on its control socket in time"); }
tl::unexpected<Error> gone() { return fail(Fault::Io, "charon closed its control socket"); }

bool readable_before(int descriptor, Clock::time_point deadline) {
    for (;;) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
        pollfd wait{descriptor, POLLIN, 0};
        const int ready = ::poll(&wait, 1, left > 0 ? static_cast<int>(left) : 0);
        if (ready > 0) return true;
        if (ready == 0 && left <= 0) return false;
        if (ready < 0 && errno != EINTR) return false;
    }
}

enum class Outcome { Whole, Late, Gone };

Outcome read_exactly(int descriptor, ByteSpan into, Clock::time_point deadline) {
    while (!into.empty()) {
        if (!readable_before(descriptor, deadline)) return Outcome::Late;
        const auto got = ::read(descriptor, into.data(), into.size());
        if (got == 0 || (got < 0 && errno != EINTR)) return Outcome::Gone;
        if (got > 0) into = into.subspan(static_cast<std::size_t>(got));
    }
    return Outcome::Whole;
}

}  // namespace

Result<ViciConnection> ViciConnection::open(const std::filesystem::path& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.native().size() >= sizeof address.sun_path)
        return fail(Fault::Io, fmt::format("{}: too long for a socket's path", path.string()));
    path.native().copy(address.sun_path, sizeof address.sun_path - 1);
    FileDescriptor socket{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    if (!socket || ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        return fail(Fault::Io, fmt::format("{}: {}", path.string(), std::strerror(errno)));
    return ViciConnection{std::move(socket)};
}

Result<void> ViciConnection::send(const ViciPacket& packet) {
    const auto bytes = encode_vici(packet);
    for (ByteView rest{bytes}; !rest.empty();) {
        const auto sent = ::send(socket_.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
        if (sent < 0 && errno != EINTR) return gone();
        if (sent > 0) rest = rest.subspan(static_cast<std::size_t>(sent));
    }
    return {};
}

Result<ViciPacket> ViciConnection::receive(Duration limit) {
    const auto deadline = Clock::now() + limit;
    std::array<std::uint8_t, 4> prefix{};
    Outcome outcome = read_exactly(socket_.get(), prefix, deadline);
    if (outcome == Outcome::Whole) {
        const std::size_t length = ByteReader{prefix}.u32();
        if (length > kLargestPacket) return fail(Fault::Malformed, "charon sent an oversized VICI packet");
        Bytes body(length);
        // A packet that has begun is read whole: half of it would garble all that follows.
        outcome = read_exactly(socket_.get(), body, deadline + kForRegistration);
        if (outcome == Outcome::Whole) return parse_vici(body);
    }
    if (outcome == Outcome::Late) return silent();
    return gone();
}

Result<void> ViciConnection::subscribe(const std::string& event) {
    if (auto sent = send({Type::EventRegister, event, {}}); !sent) return sent;
    for (;;) {
        auto packet = receive(kForRegistration);
        if (!packet) return pass(packet);
        if (packet->type == Type::Event) waiting_.push_back({packet->name, std::move(packet->message)});
        if (packet->type == Type::EventUnknown) return fail(Fault::Unsupported, "charon knows no event " + event);
        if (packet->type == Type::EventConfirm) return {};
    }
}

Result<ViciSection> ViciConnection::request(const std::string& command, const ViciSection& arguments, Duration limit) {
    if (auto sent = send({Type::Request, command, arguments}); !sent) return pass(sent);
    const auto deadline = Clock::now() + limit;
    for (;;) {
        auto packet = receive(deadline - Clock::now());
        if (!packet) return pass(packet);
        if (packet->type == Type::Event) waiting_.push_back({packet->name, std::move(packet->message)});
        if (packet->type == Type::RequestUnknown) return fail(Fault::Unsupported, "charon knows no command " + command);
        if (packet->type == Type::Response) return std::move(packet->message);
    }
}

Result<std::vector<ViciSection>> ViciConnection::stream(const std::string& command, const std::string& event,
                                                        Duration limit) {
    auto answer = request(command, {}, limit);
    if (!answer) return pass(answer);
    std::vector<ViciSection> parts;
    std::deque<News> others;
    for (auto& news : waiting_) {
        if (news.event == event)
            parts.push_back(std::move(news.message));
        else
            others.push_back(std::move(news));
    }
    waiting_ = std::move(others);
    return parts;
}

Result<std::vector<ViciConnection::News>> ViciConnection::events() {
    while (readable_before(socket_.get(), Clock::now())) {
        auto packet = receive(kForRegistration);
        if (!packet) return pass(packet);
        if (packet->type == Type::Event) waiting_.push_back({packet->name, std::move(packet->message)});
    }
    std::vector<News> news{std::make_move_iterator(waiting_.begin()), std::make_move_iterator(waiting_.end())};
    waiting_.clear();
    return news;
}

}  // namespace gatelab::sim::peers
