// Frames in and out.
#include <fmt/format.h>
#include <algorithm>

#include "impl/ppp/describe.h"
#include "impl/ppp/session_state.h"

namespace gatelab::ppp {
namespace {

constexpr std::size_t kIpv4Header = 20;

// The IPv4 packet that a frame holds, without the padding behind it (RFC 1661 section 2); empty when there is none.
ByteView whole_packet(ByteView information) {
    if (information.size() < kIpv4Header || information[0] >> 4 != 4) return {};
    const std::size_t length = static_cast<std::size_t>(information[2]) << 8 | information[3];
    return length < kIpv4Header || length > information.size() ? ByteView{} : information.first(length);
}

Ipv4Address source_of(ByteView packet) { return {packet[12], packet[13], packet[14], packet[15]}; }

}  // namespace

void Session::State::handle_frame(Instant now, ByteView bytes, FunctionRef<void(ByteView)> deliver) {
    if (phase == Phase::Dead || phase == Phase::Closed) return;
    const auto frame = parse_frame(bytes);
    if (!frame) return drop(now, frame.error());
    last_heard = now;
    echoes_unanswered = 0;
    if (frame->protocol == Protocol::Ipv4) return deliver_inner(now, frame->information, deliver);
    handle_control(now, frame->protocol, frame->information);
    settle(now);
}

void Session::State::deliver_inner(Instant now, ByteView information, FunctionRef<void(ByteView)> deliver) {
    if (phase != Phase::Open) return ignore(now, "an IPv4 packet before the link is open");
    const auto packet = whole_packet(information);
    if (packet.empty()) return drop(now, {Fault::Malformed, "no whole IPv4 packet in an IPv4 frame"});
    if (is_server() && source_of(packet) != agreed->address) {
        ++counters.foreign_source;
        return ignore(now, "an inner packet from " + to_string(source_of(packet)));
    }
    ++counters.packets_in;
    deliver(packet);
}

// RFC 1661 sections 3.4 to 3.7: each phase has its protocols. What comes too early is discarded silently, what we never
// do is rejected once the link could carry it.
void Session::State::handle_control(Instant now, Protocol protocol, ByteView information) {
    const bool signs_in = protocol == Protocol::Pap || protocol == Protocol::Chap;
    const bool expected = protocol == Protocol::Lcp || (protocol == Protocol::Ipcp && ipcp && carries_network()) ||
                          (signs_in && !std::holds_alternative<NoSignIn>(sign_in));
    if (!expected && carries_network()) return reject_protocol(now, protocol, information);
    if (!expected) return ignore(now, fmt::format("{} in phase {}", name_of(protocol), name_of(phase)));
    const auto packet = parse_packet(information);
    if (!packet) return drop(now, packet.error());
    trace_message(now, "message-received", protocol, information);
    if (protocol == Protocol::Lcp) handle_lcp(now, *packet);
    if (protocol == Protocol::Ipcp) ipcp->handle_packet(now, *packet);
    if (signs_in) return handle_sign_in(now, protocol, *packet);
    handle_early_goodbye(now, protocol, *packet);
}

// To the automaton a Terminate-Request in the middle of a negotiation is a setback, and it would ask on in vain for
// half a minute. The peer has its Ack; it wants no link.
void Session::State::handle_early_goodbye(Instant now, Protocol protocol, const Packet& packet) {
    const bool negotiates = phase == (protocol == Protocol::Lcp ? Phase::Establish : Phase::Network);
    if (static_cast<Code>(packet.code) != Code::TerminateRequest || !negotiates) return;
    if (protocol == Protocol::Lcp && lcp.policy().lacks_authentication())
        return leave(now, CloseReason::AuthenticationFailed, "the peer ended lcp: no authentication that both do");
    leave(now, CloseReason::PeerTerminated, fmt::format("the peer ended {}", name_of(protocol)));
}

void Session::State::handle_lcp(Instant now, const Packet& packet) {
    switch (static_cast<Code>(packet.code)) {
        case Code::ProtocolReject: return handle_protocol_reject(now, packet);
        case Code::EchoRequest: return handle_echo_request(now, packet);
        case Code::EchoReply:  // that something came is all we want to know
        case Code::DiscardRequest:
        case Code::Identification:
        case Code::TimeRemaining: return;
        default: return lcp.handle_packet(now, packet);
    }
}

void Session::State::handle_echo_request(Instant now, const Packet& packet) {
    ByteReader reader{packet.data};
    const auto magic = reader.u32();
    if (!reader.ok()) return drop(now, {Fault::Truncated, "an echo-request without a magic number"});
    if (!lcp.answers_echo(now)) return ignore(now, "an echo-request before LCP is open");
    const auto own = lcp.policy().magic();
    if (own != 0 && magic == own) return leave(now, CloseReason::ProtocolError, "the line leads back to ourselves");
    ++counters.echoes_answered;
    auto data = u32_value(own);
    append(data, reader.rest());
    lcp.send(Code::EchoReply, packet.identifier, data);
}

// RFC 1661 section 5.7. The sentence says which protocol; those that we can do without are none of ours.
void Session::State::handle_protocol_reject(Instant now, const Packet& packet) {
    ByteReader reader{packet.data};
    const auto protocol = static_cast<Protocol>(reader.u16());
    if (!reader.ok()) return drop(now, {Fault::Truncated, "a protocol-reject without a protocol"});
    if (lcp.state() != FsmState::Opened) return ignore(now, "a protocol-reject before LCP is open");
    const bool signs_in = (protocol == Protocol::Pap && authentication == Authentication::Pap) ||
                          (protocol == Protocol::Chap && authentication == Authentication::MsChapV2);
    const bool networks = ipcp && (protocol == Protocol::Ipcp || protocol == Protocol::Ipv4);
    if (protocol == Protocol::Lcp) return lcp.handle_rejected(now, true);
    if (!signs_in && !networks) return ignore(now, "a protocol-reject of " + name_of(protocol));
    if (protocol == Protocol::Ipcp) ipcp->handle_rejected(now, true);
    leave(now, CloseReason::ProtocolError, "the peer rejects " + name_of(protocol));
}

void Session::State::reject_protocol(Instant now, Protocol protocol, ByteView information) {
    ++counters.rejected_protocols;
    ignore(now, fmt::format("{} is rejected", name_of(protocol)));
    auto data = u16_value(static_cast<std::uint16_t>(protocol));
    const std::size_t room = lcp.policy().peer_mru() - kPacketHeader - data.size();
    append(data, information.first(std::min(information.size(), room)));
    lcp.send(Code::ProtocolReject, lcp.next_identifier(), data);
}

void Session::State::handle_sign_in(Instant now, Protocol protocol, const Packet& packet) {
    const auto agreed_on = authentication == Authentication::Pap ? Protocol::Pap : Protocol::Chap;
    if (protocol != agreed_on) return ignore(now, name_of(protocol) + " was not agreed on");
    std::visit([&](auto& engine) { engine.handle_packet(now, packet); }, sign_in);
}

void Session::State::send(Instant now, Protocol protocol, ByteView packet) {
    trace_message(now, "message-sent", protocol, packet);
    ByteWriter frame;
    if (options.address_control) frame.u16(0xff03);
    frame.u16(static_cast<std::uint16_t>(protocol)).bytes(packet);
    outputs.emplace_back(Send{frame.take()});
}

void Session::State::drop(Instant now, const Error& error) {
    if (error.fault == Fault::Malformed || error.fault == Fault::Truncated) ++counters.malformed;
    if (drops.is_full(now)) return;
    if (auto told = drops.note(now, error.detail)) outputs.emplace_back(std::move(*told));
}

// Echoes go unmentioned, there are too many of them; and of a flood only its beginning is told.
void Session::State::trace_message(Instant now, std::string event, Protocol protocol, ByteView bytes) {
    constexpr int kPerSecond = 100;
    const auto packet = parse_packet(bytes);
    const bool is_echo = protocol == Protocol::Lcp && packet->code >= static_cast<std::uint8_t>(Code::EchoRequest) &&
                         packet->code <= static_cast<std::uint8_t>(Code::DiscardRequest);
    if (now - tracing_since >= std::chrono::seconds(1)) {
        tracing_since = now;
        traced = 0;
    }
    if (is_echo || ++traced > kPerSecond) return;
    Attributes attributes{{"protocol", name_of(protocol)},
                          {"message", message_name(protocol, packet->code)},
                          {"identifier", static_cast<std::int64_t>(packet->identifier)}};
    if (auto text = describe_options(protocol, *packet); !text.empty()) attributes.emplace_back("options", text);
    trace(std::move(event), std::move(attributes));
}

}  // namespace gatelab::ppp
