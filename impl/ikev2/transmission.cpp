// Sending, repeating and tracing messages.
#include "impl/ikev2/core.h"

namespace gatelab::ikev2 {
namespace {

constexpr std::uint16_t kNatTraversalPort = 4500;
constexpr std::size_t kMarkerSize = 4;

Attributes attributes_of(const Header& header, std::string payloads, const Path& path, std::size_t size) {
    return {{"exchange", name_of(header.exchange)},   {"message_id", static_cast<std::int64_t>(header.message_id)},
            {"initiator", header.from_initiator},     {"response", header.response},
            {"payloads", std::move(payloads)},        {"remote", to_string(path.remote)},
            {"size", static_cast<std::int64_t>(size)}};
}

void add_sa_id(Attributes& attributes, const Sa* sa) {
    if (sa) attributes.emplace_back("sa", static_cast<std::int64_t>(sa->id.value()));
}

Duration wait_before(const Retransmission& retransmission, int repetition) {
    double nanoseconds = static_cast<double>(retransmission.first.count());
    for (int i = 0; i < repetition; ++i) nanoseconds *= retransmission.base;  // repeats bit for bit, unlike std::pow
    return Duration{static_cast<std::int64_t>(nanoseconds)};
}

}  // namespace

void Core::transmit(const Path& path, const Bytes& message, const Sent& sent) {
    Bytes datagram;
    if (path.local.port == kNatTraversalPort) datagram.resize(kMarkerSize);
    append(datagram, message);
    auto attributes = attributes_of(parse_header(message).value(), std::string{sent.payloads}, path, datagram.size());
    attributes.emplace_back("retransmission", sent.repeated);
    add_sa_id(attributes, sent.sa);
    output(Engine::Traced{{"message-sent", std::move(attributes)}});
    output(Engine::Send{path, std::move(datagram)});
}

void Core::send_request(Sa& sa, Instant now, ExchangeType type, const OutgoingPayloads& payloads, Exchange exchange) {
    Header header;
    header.spi_i = sa.spi_i;
    header.spi_r = sa.spi_r;
    header.exchange = type;
    header.from_initiator = sa.initiator;
    header.message_id = sa.next_request++;
    Bytes message = type == ExchangeType::IkeSaInit ? encode_message(header, payloads)
                                                    : sa.protection->seal(header, payloads, random);
    const auto& retransmission = sa.connection->retransmission;
    sa.outstanding.emplace(Outstanding{header.message_id, type, std::move(message), describe(payloads),
                                       now + wait_before(retransmission, 0), 0, retransmission.attempts,
                                       std::move(exchange)});
    transmit(sa.path, sa.outstanding->message, {&sa, sa.outstanding->payloads, false});
}

void Core::repeat_request(Sa& sa, Instant now) {
    auto& outstanding = *sa.outstanding;
    ++outstanding.repeats;
    outstanding.resend_at = now + wait_before(sa.connection->retransmission, outstanding.repeats);
    transmit(sa.path, outstanding.message, {&sa, outstanding.payloads, true});
}

void Core::send_response(Sa& sa, ExchangeType type, std::uint32_t message_id, const Path& path,
                         const OutgoingPayloads& payloads) {
    Header header;
    header.spi_i = sa.spi_i;
    header.spi_r = sa.spi_r;
    header.exchange = type;
    header.from_initiator = sa.initiator;
    header.response = true;
    header.message_id = message_id;
    sa.last_response = type == ExchangeType::IkeSaInit ? encode_message(header, payloads)
                                                       : sa.protection->seal(header, payloads, random);
    sa.last_response_payloads = describe(payloads);
    transmit(path, sa.last_response, {&sa, sa.last_response_payloads, false});
}

void Core::repeat_response(Sa& sa, const Path& path) {
    transmit(path, sa.last_response, {&sa, sa.last_response_payloads, true});
}

void Core::send_bare(const Path& path, const Header& header, const OutgoingPayloads& payloads) {
    transmit(path, encode_message(header, payloads), {nullptr, describe(payloads), false});
}

void Core::send_keepalive(Sa& sa, Instant now) {
    // RFC 3948 section 2.3: one octet, no marker.
    sa.keepalive_at = now + sa.connection->lifetimes.nat_keepalive;
    output(Engine::Traced{
        {"keepalive-sent", {{"sa", static_cast<std::int64_t>(sa.id.value())}, {"remote", to_string(sa.path.remote)}}}});
    output(Engine::Send{sa.path, Bytes{0xff}});
}

void Core::dropped(const Path& path, std::string why) {
    output(Engine::Traced{{"dropped", {{"why", std::move(why)}, {"remote", to_string(path.remote)}}}});
}

void Core::message_received(const Path& path, const Header& header, Received received) {
    auto attributes = attributes_of(header, std::move(received.payloads), path, received.size);
    attributes.emplace_back("retransmission", received.repeated);
    add_sa_id(attributes, received.sa);
    output(Engine::Traced{{"message-received", std::move(attributes)}});
}

}  // namespace gatelab::ikev2
