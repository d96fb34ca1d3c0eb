#include "sim/peers/vici_session.h"

#include <utility>

namespace gatelab::sim::peers {
namespace {

using Type = ViciPacket::Type;

constexpr std::size_t kPrefix = 4;                  // the length before each packet
constexpr std::size_t kLargestPacket = 512 * 1024;  // VICI's own limit

}  // namespace

void ViciSession::subscribe(std::string event) { enqueue({{Type::EventRegister, std::move(event), {}}, {}}); }

void ViciSession::request(std::string command, ViciSection arguments, std::string parts) {
    enqueue({{Type::Request, std::move(command), std::move(arguments)}, std::move(parts)});
}

void ViciSession::enqueue(Exchange exchange) {
    queue_.push_back(std::move(exchange));
    send_next();
}

void ViciSession::send_next() {
    if (waiting_ || queue_.empty()) return;
    waiting_ = std::move(queue_.front());
    queue_.pop_front();
    append(out_, encode_vici(waiting_->packet));
}

Result<void> ViciSession::handle_bytes(ByteView bytes) {
    append(in_, bytes);
    ByteView rest{in_};
    while (rest.size() >= kPrefix) {
        const std::size_t length = ByteReader{rest}.u32();
        if (length > kLargestPacket) return fail(Fault::Malformed, "charon sent an oversized VICI packet");
        if (rest.size() < kPrefix + length) break;
        auto packet = parse_vici(rest.subspan(kPrefix, length));
        if (!packet) return pass(packet);
        rest = rest.subspan(kPrefix + length);
        if (auto handled = handle(std::move(*packet)); !handled) return handled;
    }
    in_.erase(in_.begin(), in_.end() - static_cast<std::ptrdiff_t>(rest.size()));
    return {};
}

Result<void> ViciSession::handle(ViciPacket packet) {
    if (packet.type == Type::Event) {
        if (waiting_ && !waiting_->parts.empty() && packet.name == waiting_->parts)
            parts_.push_back(std::move(packet.message));
        else
            outputs_.emplace_back(News{std::move(packet.name), std::move(packet.message)});
        return {};
    }
    if (!waiting_) return fail(Fault::Malformed, "charon answered on its control socket without being asked");
    const auto exchange = *std::exchange(waiting_, std::nullopt);
    const auto& name = exchange.packet.name;
    const bool registering = exchange.packet.type == Type::EventRegister;
    if (packet.type == Type::RequestUnknown) return fail(Fault::Unsupported, "charon knows no command " + name);
    if (packet.type == Type::EventUnknown) return fail(Fault::Unsupported, "charon knows no event " + name);
    if (packet.type != (registering ? Type::EventConfirm : Type::Response))
        return fail(Fault::Malformed, "charon answered on its control socket out of turn");
    if (!registering) outputs_.emplace_back(Answer{name, std::move(packet.message), std::exchange(parts_, {})});
    send_next();
    return {};
}

std::optional<ViciSession::Output> ViciSession::next_output() {
    if (outputs_.empty()) return std::nullopt;
    auto output = std::move(outputs_.front());
    outputs_.pop_front();
    return output;
}

Bytes ViciSession::take_bytes() { return std::exchange(out_, {}); }

}  // namespace gatelab::sim::peers
