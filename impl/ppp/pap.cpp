// The Password Authentication Protocol (RFC 1334 section 2).
#include "impl/ppp/sign_in.h"

namespace gatelab::ppp {
namespace {

enum PapCode : std::uint8_t { kRequest = 1, kAck = 2, kNak = 3 };

SignInSend pap(std::uint8_t code, std::uint8_t identifier, ByteView data) {
    return {Protocol::Pap, encode(Packet{code, identifier, data})};
}

// A text behind its length of one octet; what does not fit is cut off.
void append_text(Bytes& data, std::string_view text) {
    text = text.substr(0, 255);
    data.push_back(static_cast<std::uint8_t>(text.size()));
    append(data, as_bytes(text));
}

}  // namespace

void PapServer::handle_packet(Instant, const Packet& packet) {
    if (packet.code != kRequest) return say(SignInDropped{{Fault::Refused, "no PAP request"}});
    ByteReader reader{packet.data};
    const auto name = reader.bytes(reader.u8());
    const auto password = reader.bytes(reader.u8());
    if (!reader.ok()) return say(SignInDropped{{Fault::Truncated, "a PAP request that ends within its texts"}});
    identifier_ = packet.identifier;
    if (verdict_code_ != 0) return say(pap(verdict_code_, identifier_, verdict_));
    if (std::exchange(is_asked_, true)) return;
    say(SignInProof{{as_text(name), PapProof{as_text(password)}}});
}

void PapServer::answer(bool granted, std::string_view message) {
    verdict_code_ = granted ? kAck : kNak;
    append_text(verdict_, message);
    say(pap(verdict_code_, identifier_, verdict_));
    if (granted) say(SignInDone{});
}

void PapClient::ask(Instant now) {
    Bytes data;
    append_text(data, credentials_.name);
    append_text(data, credentials_.password);
    say(pap(kRequest, ++identifier_, data));
    again_at_ = now + restart_;
}

void PapClient::handle_timeout(Instant now) {
    if (again_at_ && now >= *again_at_) ask(now);
}

void PapClient::handle_packet(Instant, const Packet& packet) {
    const bool answers = packet.identifier == identifier_ && (packet.code == kAck || packet.code == kNak);
    if (!answers || !again_at_) return say(SignInDropped{{Fault::Refused, "answers no PAP request"}});
    again_at_.reset();
    if (packet.code == kAck) return say(SignInDone{});
    ByteReader reader{packet.data};
    say(SignInFailed{"the server refused the password: " + as_text(reader.bytes(reader.u8()))});
}

}  // namespace gatelab::ppp
