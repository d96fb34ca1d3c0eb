// The Challenge Handshake Authentication Protocol (RFC 1994) with the algorithm MS-CHAPv2 (RFC 2759).
#include <fmt/format.h>
#include <algorithm>

#include "impl/ppp/sign_in.h"

namespace gatelab::ppp {
namespace {

enum ChapCode : std::uint8_t { kChallenge = 1, kResponse = 2, kSuccess = 3, kFailure = 4 };

SignInSend chap(std::uint8_t code, std::uint8_t identifier, ByteView data) {
    return {Protocol::Chap, encode(Packet{code, identifier, data})};
}

// Challenge and Response: a value behind its size, then a name (RFC 1994 section 4.1).
Bytes value_and_name(ByteView value, std::string_view name) {
    return ByteWriter{}.u8(static_cast<std::uint8_t>(value.size())).bytes(value).bytes(as_bytes(name)).take();
}

struct ValueAndName {
    ByteView value;
    std::string name;
};
std::optional<ValueAndName> parse_value_and_name(ByteView data) {
    ByteReader reader{data};
    const auto value = reader.bytes(reader.u8());
    if (!reader.ok()) return {};
    return ValueAndName{value, as_text(reader.rest())};
}

mschap::Challenge random_challenge(Random& random) {
    mschap::Challenge challenge;
    random.fill(challenge);
    return challenge;
}

// RFC 2759 section 6: what stands behind "E=" for whom.
std::string describe(const mschap::Failure& failure) {
    const auto meaning = [&]() -> std::string_view {
        switch (failure.error) {
            case 646: return "outside the permitted hours";
            case 647: return "the account is disabled";
            case 648: return "the password has expired";
            case 649: return "no permission to dial in";
            case 691: return "unknown name or wrong password";
            case 709: return "the password could not be changed";
        }
        return "refused";
    };
    return fmt::format("error {}, {}{}{}", failure.error, meaning(), failure.text.empty() ? "" : ": ", failure.text);
}

}  // namespace

void ChapServer::challenge(Instant now) {
    challenge_ = random_challenge(*random_);
    say(chap(kChallenge, ++identifier_, value_and_name(challenge_, name_)));
    again_at_ = now + restart_;
}

void ChapServer::handle_timeout(Instant now) {
    if (again_at_ && now >= *again_at_) challenge(now);
}

void ChapServer::handle_packet(Instant, const Packet& packet) {
    if (packet.code != kResponse) return say(SignInDropped{{Fault::Refused, "no CHAP response"}});
    if (packet.identifier != identifier_)
        return say(SignInDropped{{Fault::Refused, "a response to another challenge"}});
    if (verdict_code_ != 0) return answer();  // RFC 1994 section 4.1: the same again, our answer may have been lost
    if (is_asked_) return;
    const auto parts = parse_value_and_name(packet.data);
    if (!parts) return say(SignInDropped{{Fault::Truncated, "a CHAP response that ends within its value"}});
    const auto response = mschap::parse_response(parts->value);
    if (!response) return say(SignInDropped{response.error()});
    is_asked_ = true;
    again_at_.reset();
    say(SignInProof{{parts->name, MsChapV2Proof{challenge_, *response}}});
}

void ChapServer::answer() { say(chap(verdict_code_, identifier_, as_bytes(verdict_))); }

void ChapServer::grant(Instant, const mschap::Success& success) {
    verdict_code_ = kSuccess;
    verdict_ = success.authenticator_response + " M=Welcome";
    answer();
    say(SignInDone{success.keys});
}

void ChapServer::refuse(Instant, const std::string& reason) {
    verdict_code_ = kFailure;
    verdict_ = mschap::encode(mschap::Failure{.challenge = random_challenge(*random_), .text = reason});
    answer();
}

void ChapClient::handle_packet(Instant now, const Packet& packet) {
    if (packet.code == kChallenge) return take_challenge(now, packet);
    const bool answers = is_waiting_ && packet.identifier == identifier_;
    if (answers && packet.code == kSuccess) return take_success(packet);
    if (answers && packet.code == kFailure) return take_failure(packet);
    say(SignInDropped{{Fault::Refused, "answers no CHAP response"}});
}

void ChapClient::take_challenge(Instant now, const Packet& packet) {
    const auto parts = parse_value_and_name(packet.data);
    if (!parts || parts->value.size() != challenge_.size())
        return say(SignInDropped{{Fault::Malformed, "a CHAP challenge that is none of MS-CHAPv2"}});
    const bool repeated =
        is_waiting_ && packet.identifier == identifier_ && std::ranges::equal(parts->value, challenge_);
    if (repeated) return send_response(now);
    std::ranges::copy(parts->value, challenge_.begin());
    server_name_ = parts->name;
    identifier_ = packet.identifier;
    response_.peer_challenge = random_challenge(*random_);
    response_.nt_response =
        mschap::nt_response(challenge_, response_.peer_challenge, credentials_.name, credentials_.password);
    is_waiting_ = true;
    send_response(now);
}

void ChapClient::send_response(Instant now) {
    say(chap(kResponse, identifier_, value_and_name(encode(response_), credentials_.name)));
    again_at_ = now + restart_;
}

void ChapClient::handle_timeout(Instant now) {
    if (again_at_ && now >= *again_at_) send_response(now);
}

void ChapClient::take_success(const Packet& packet) {
    again_at_.reset();
    is_waiting_ = false;
    const auto expected = mschap::authenticator_response(credentials_.password, response_.nt_response,
                                                         response_.peer_challenge, challenge_, credentials_.name);
    if (!mschap::proves(as_text(packet.data), expected))
        return say(SignInFailed{"the server did not prove that it knows the password"});
    say(SignInDone{mschap::master_keys(credentials_.password, response_.nt_response)});
}

void ChapClient::take_failure(const Packet& packet) {
    again_at_.reset();
    is_waiting_ = false;
    const auto text = as_text(packet.data);
    const auto failure = mschap::parse_failure(text);
    say(SignInFailed{"the server refused us: " + (failure ? describe(*failure) : "with the words \"" + text + "\"")});
}

}  // namespace gatelab::ppp
