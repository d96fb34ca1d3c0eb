#include "conformance/rogue_ppp.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace gatelab::conformance {

using namespace ppp_number;

namespace {

constexpr std::uint8_t kMsChapV2 = 0x81;  // RFC 2759 section 3

Bytes u16_of(std::uint16_t value) { return ByteWriter{}.u16(value).take(); }
Bytes u32_of(std::uint32_t value) { return ByteWriter{}.u32(value).take(); }

Bytes sized(ByteView text) { return ByteWriter{}.u8(static_cast<std::uint8_t>(text.size())).bytes(text).take(); }

Ipv4Address address_in(ByteView value) { return Ipv4Address{ByteReader{value}.u32()}; }

const Bytes kByMsChapV2 = ByteWriter{}.u16(kChap).u8(kMsChapV2).take(), kByPap = u16_of(kPap);

}  // namespace

Bytes encode(const PppPacket& packet) {
    ByteWriter writer;
    writer.u8(0xff).u8(0x03).u16(packet.protocol).u8(packet.code).u8(packet.identifier);
    writer.u16(static_cast<std::uint16_t>(4 + packet.data.size())).bytes(packet.data);
    return writer.take();
}

std::optional<PppPacket> parse_ppp(ByteView frame) {
    if (frame.size() >= 2 && frame[0] == 0xff && frame[1] == 0x03) frame = frame.subspan(2);
    ByteReader reader{frame};
    PppPacket packet;
    packet.protocol = reader.u16();
    packet.code = reader.u8();
    packet.identifier = reader.u8();
    const std::size_t length = reader.u16();
    if (!reader.ok() || length < 4) return std::nullopt;
    packet.data = copy_of(reader.bytes(length - 4));
    return reader.ok() ? std::optional{packet} : std::nullopt;
}

std::string describe(const PppPacket& packet) {
    const auto name = packet.protocol == kLcp    ? std::string{"LCP"}
                      : packet.protocol == kIpcp ? "IPCP"
                      : packet.protocol == kPap  ? "PAP"
                      : packet.protocol == kChap ? "CHAP"
                                                 : fmt::format("protocol {:#06x}", packet.protocol);
    return fmt::format("{} {}", name, packet.code);
}

Bytes encode(const std::vector<PppOption>& options) {
    ByteWriter writer;
    for (const auto& one : options)
        writer.u8(one.type).u8(static_cast<std::uint8_t>(2 + one.value.size())).bytes(one.value);
    return writer.take();
}

std::vector<PppOption> parse_options(ByteView data) {
    std::vector<PppOption> found;
    ByteReader reader{data};
    while (reader.remaining() >= 2) {
        PppOption one;
        one.type = reader.u8();
        const std::size_t length = reader.u8();
        if (length < 2) break;
        one.value = copy_of(reader.bytes(length - 2));
        if (!reader.ok()) break;
        found.push_back(std::move(one));
    }
    return found;
}

std::optional<Bytes> option(const PppPacket& packet, std::uint8_t type) {
    for (auto& one : parse_options(packet.data))
        if (one.type == type) return std::move(one.value);
    return std::nullopt;
}

PppOption address_option(std::uint8_t type, Ipv4Address address) { return {type, u32_of(address.number())}; }

RoguePpp::RoguePpp(PppRogueOptions options, Random& random, std::function<void(ByteView)> send)
    : options_(std::move(options)), random_(random), send_(std::move(send)) {
    magic_ = ByteReader{random.bytes(4)}.u32() | 1;  // any but zero (RFC 1661 section 6.4)
}

void RoguePpp::start() {
    lcp_.wants = {{kMru, u16_of(options_.mru)}, {kMagic, u32_of(magic_)}};
    if (!options_.client && options_.asks_who)
        lcp_.wants.push_back({kAuthentication, options_.pap ? kByPap : kByMsChapV2});
    ipcp_.wants = {address_option(kAddress, options_.client ? Ipv4Address{} : options_.own)};
    if (options_.client)
        for (const auto type : {kFirstDns, kSecondDns}) ipcp_.wants.push_back(address_option(type, {}));
    configure(lcp_);
}
void RoguePpp::start_ipcp() { configure(ipcp_); }

PppPacket RoguePpp::configure_request(std::uint16_t protocol) {
    return {protocol, kRequest, next_identifier(), encode(protocol == kLcp ? lcp_.wants : ipcp_.wants)};
}

void RoguePpp::configure(Control& of) {
    auto packet = configure_request(of.protocol);
    of.asked_as = packet.identifier;
    of.told = true;
    send(std::move(packet));
}

void RoguePpp::send(PppPacket packet) {
    if (!hooks.send) return send_raw(std::move(packet));
    for (auto& one : hooks.send(std::move(packet))) send_raw(std::move(one));
}

void RoguePpp::send_raw(PppPacket packet) { send_(encode(packet)); }

Bytes RoguePpp::frame_of(ByteView inner) { return ByteWriter{}.u8(0xff).u8(0x03).u16(kIp).bytes(inner).take(); }

void RoguePpp::take(ByteView frame) {
    if (frame.size() >= 2 && frame[0] == 0xff && frame[1] == 0x03) frame = frame.subspan(2);
    if (frame.size() > 2 && frame[0] == 0 && frame[1] == kIp) {
        inner_.push_back(copy_of(frame.subspan(2)));
        return;
    }
    const auto packet = parse_ppp(frame);
    if (!packet) return;
    heard_.push_back(*packet);
    if (hooks.take && !hooks.take(*packet)) return;
    switch (packet->protocol) {
        case kLcp: return handle_control(lcp_, *packet);
        case kIpcp: return handle_control(ipcp_, *packet);
        case kPap: return handle_pap(*packet);
        case kChap: return handle_chap(*packet);
        default:  // RFC 1661 section 5.7
            if (lcp_.open())
                send({kLcp, kProtocolReject, next_identifier(),
                      ByteWriter{}.u16(packet->protocol).bytes(ByteView{encode(*packet)}.subspan(4)).take()});
    }
}

// --- LCP and IPCP -----------------------------------------------------------------------------------------------

// What it answers to a Configure-Request.
PppPacket RoguePpp::judge(const Control& of, const PppPacket& request) const {
    std::vector<PppOption> naks;
    for (const auto& one : parse_options(request.data)) {
        if (of.protocol == kLcp && one.type == kAuthentication && options_.client)
            if (one.value != kByMsChapV2 && one.value != kByPap) naks.push_back({kAuthentication, kByMsChapV2});
        if (of.protocol == kIpcp && !options_.client) {
            const auto dns = [&](std::size_t index) {
                return options_.dns.size() > index ? options_.dns[index] : Ipv4Address{};
            };
            const auto right = one.type == kAddress     ? options_.peers
                               : one.type == kFirstDns  ? dns(0)
                               : one.type == kSecondDns ? dns(1)
                                                        : address_in(one.value);
            if (address_in(one.value) != right) naks.push_back(address_option(one.type, right));
        }
    }
    if (naks.empty()) return {of.protocol, kAck, request.identifier, request.data};
    return {of.protocol, kNak, request.identifier, encode(naks)};
}

// Takes over what a Nak proposes, and leaves out what was rejected.
void RoguePpp::learn(Control& of, const PppPacket& refusal) {
    for (const auto& one : parse_options(refusal.data)) {
        const auto at = std::ranges::find(of.wants, one.type, &PppOption::type);
        if (at == of.wants.end()) continue;
        if (refusal.code == kReject)
            of.wants.erase(at);
        else if (of.protocol != kLcp || one.type != kAuthentication)
            at->value = one.value;
    }
}

void RoguePpp::handle_control(Control& of, const PppPacket& packet) {
    const bool ours = packet.identifier == of.asked_as;
    switch (packet.code) {
        case kRequest: {
            if (of.protocol == kIpcp && !authenticated_) return;
            auto answer = judge(of, packet);
            of.acks = answer.code == kAck;
            if (of.protocol == kLcp) {
                if (const auto mru = option(packet, kMru)) peers_mru_ = ByteReader{*mru}.u16();
                if (const auto how = option(packet, kAuthentication)) by_pap_ = *how == kByPap;
            }
            send(std::move(answer));
            return opened(of);
        }
        case kAck:
            if (!ours) return;
            of.acked = true;
            if (of.protocol == kIpcp && options_.client)
                if (const auto address = option(packet, kAddress)) address_ = address_in(*address);
            return opened(of);
        case kNak:
        case kReject:
            if (!ours || of.acked) return;
            learn(of, packet);
            return configure(of);
        case kTerminate: return send({of.protocol, kTerminateAck, packet.identifier, {}});
        case kEcho:
            if (of.protocol == kLcp && lcp_.open()) send({kLcp, kEchoReply, packet.identifier, u32_of(magic_)});
            return;
        default: return;
    }
}

void RoguePpp::opened(Control& of) {
    if (!of.open() || of.protocol != kLcp || authenticated_) return;
    if (options_.client) {
        if (by_pap_)
            send({kPap, kRequest, next_identifier(),
                  ByteWriter{}.bytes(sized(as_bytes(options_.name))).bytes(sized(as_bytes(options_.password))).take()});
        return;
    }
    if (!options_.asks_who) return authenticated_now();
    if (options_.pap) return;
    random_.fill(challenge_);
    send({kChap, kChallenge, next_identifier(), ByteWriter{}.bytes(sized(challenge_)).bytes(as_bytes("rogue")).take()});
}

// --- authentication ---------------------------------------------------------------------------------------------

void RoguePpp::authenticated_now() {
    if (std::exchange(authenticated_, true)) return;
    if (on_authenticated) on_authenticated();
    if (options_.client) start_ipcp();
}

void RoguePpp::handle_pap(const PppPacket& packet) {
    if (options_.client) {
        if (packet.code == kAck) authenticated_now();
        return;
    }
    if (packet.code != kRequest || !options_.pap) return;
    ByteReader reader{packet.data};
    const auto name = as_text(reader.bytes(reader.u8()));
    const auto password = as_text(reader.bytes(reader.u8()));
    const bool right = name == options_.name && password == options_.password;
    send({kPap, right ? kAck : kNak, packet.identifier, sized({})});
    if (right) authenticated_now();
}

PppPacket RoguePpp::response_to(const PppPacket& challenge) {
    ByteReader reader{challenge.data};
    mschap::Challenge theirs{}, own{};
    if (const auto value = reader.bytes(reader.u8()); value.size() == theirs.size())
        std::ranges::copy(value, theirs.begin());
    random_.fill(own);
    mschap::Response response{own, mschap::nt_response(theirs, own, options_.name, options_.password), 0};
    keys_ = mschap::master_keys(options_.password, response.nt_response);
    expected_proof_ =
        mschap::authenticator_response(options_.password, response.nt_response, own, theirs, options_.name);
    return {kChap, kResponse, challenge.identifier,
            ByteWriter{}.bytes(sized(encode(response))).bytes(as_bytes(options_.name)).take()};
}

void RoguePpp::take_response(const PppPacket& packet) {
    ByteReader reader{packet.data};
    const auto response = mschap::parse_response(reader.bytes(reader.u8()));
    if (!response) return;
    const auto success = mschap::verify(options_.name, options_.password, challenge_, *response);
    if (!success) return send({kChap, kFailure, packet.identifier, copy_of(as_bytes("E=691 R=0 V=3"))});
    keys_ = success->keys;
    send({kChap, kSuccess, packet.identifier, copy_of(as_bytes(success->authenticator_response + " M=welcome"))});
    authenticated_now();
}

void RoguePpp::handle_chap(const PppPacket& packet) {
    if (options_.client && packet.code == kChallenge) send(response_to(packet));
    if (options_.client && packet.code == kSuccess && mschap::proves(as_text(packet.data), expected_proof_))
        authenticated_now();
    if (!options_.client && packet.code == kResponse) take_response(packet);
}

// --- what it saw ------------------------------------------------------------------------------------------------

std::size_t RoguePpp::heard(std::uint16_t protocol, std::uint8_t code) const {
    return static_cast<std::size_t>(
        std::ranges::count_if(heard_, [&](const auto& one) { return one.protocol == protocol && one.code == code; }));
}

const PppPacket* RoguePpp::last(std::uint16_t protocol, std::uint8_t code) const {
    const PppPacket* found = nullptr;
    for (const auto& one : heard_)
        if (one.protocol == protocol && one.code == code) found = &one;
    return found;
}

}  // namespace gatelab::conformance
